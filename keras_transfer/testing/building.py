"""What holds for the network that a builder returns, or is to be mended."""

import collections
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.models.spec import BackboneSpec

# Layers that `build_model` puts beside the backbone.
_TAKEN = ("head", "image", "model_info", "rescaling")


def build(
    spec: BackboneSpec, input_shape: tuple, options: dict[str, Any]
) -> keras.Model:
    """Builds the network as `create_backbone` does, without its checks.

    Raises:
        ConformanceError: If the result is no Functional model of one input
            for the images and one output.
    """
    with compat.canonical_names():
        model = spec.builder(input_shape, **options)
    require(
        isinstance(model, keras.Model) and compat.is_graph(model),
        f"The builder of {spec.name!r} returned a {type(model).__name__}: "
        "return a Functional keras.Model(image, features).",
    )
    require(
        len(model.inputs) == len(model.outputs) == 1,
        f"The network {spec.name!r} has {len(model.inputs)} inputs and "
        f"{len(model.outputs)} outputs: return a model with one of each.",
    )
    return model


def check_sizes(spec: BackboneSpec, options: dict[str, Any]) -> None:
    """Checks that the declared sizes are sizes that the network takes."""
    require(
        spec.default_size >= spec.minimum_size,
        f"The default_size of {spec.name!r}, {spec.default_size}, is below its "
        f"minimum_size, {spec.minimum_size}: correct one of them.",
    )
    for field in ("minimum_size", "default_size"):
        size = getattr(spec, field)
        shape = (size, size, 3)
        try:
            model = build(spec, shape, options)
        except ConformanceError:
            raise
        except Exception as error:  # Whatever a stranger's code raises.
            raise ConformanceError(
                f"The builder of {spec.name!r} fails at its {field} of {size} "
                f"pixels. Mend the builder, or correct {field}. It raised "
                f"{type(error).__name__}: {error}"
            ) from error
        received = tuple(model.inputs[0].shape[1:])
        require(
            received == shape,
            f"The builder of {spec.name!r}, asked for images of {shape} (its "
            f"{field}), made a network for {received}: begin with "
            "keras.Input(input_shape).",
        )
        features = tuple(model.outputs[0].shape)
        require(
            all(length != 0 for length in features),
            f"At its {field} of {size} pixels nothing is left of an image in "
            f"{spec.name!r}, whose output is {features}: raise {field}.",
        )


def check_output(spec: BackboneSpec, model: keras.Model) -> None:
    """Checks that the features still have positions."""
    shape = tuple(model.outputs[0].shape)
    require(
        len(shape) in (3, 4),
        f"The output of {spec.name!r} has the shape {shape}: return maps "
        "(batch, height, width, channels) or tokens (batch, tokens, channels)"
        ", and leave pooling to the head.",
    )


def check_names(spec: BackboneSpec, model: keras.Model) -> None:
    """Checks that names tell layers and weights apart."""
    require(
        model.name not in _TAKEN,
        f"The network {spec.name!r} is called {model.name!r}, like a layer "
        "that build_model puts beside it: give it a name of its own.",
    )
    paths = collections.Counter(weight.path for weight in model.weights)
    shared = [path for path, count in paths.items() if count > 1]
    require(
        not shared,
        f"Several weights of {spec.name!r} share the name {shared[:1]}: give "
        "the sublayers of each layer names that differ.",
    )


def check_repetition(
    spec: BackboneSpec, model: keras.Model, another: keras.Model
) -> None:
    """Checks that two calls of the builder made the same network."""
    difference = _difference(model, another)
    require(
        difference is None,
        f"The builder of {spec.name!r} makes another network every time: "
        f"{difference}. Let the network depend on nothing but the builder's "
        "arguments, and name layers without counters of your own.",
    )


def _difference(first, second):
    if first.name != second.name:
        return f"it is called {first.name!r}, then {second.name!r}"
    ones, others = first.get_config(), second.get_config()
    if len(ones["layers"]) != len(others["layers"]):
        counts = len(ones["layers"]), len(others["layers"])
        return f"it has {counts[0]} layers, then {counts[1]}"
    for one, other in zip(ones["layers"], others["layers"], strict=True):
        if one["name"] != other["name"]:
            return f"a layer is {one['name']!r}, then {other['name']!r}"
        if repr(one) != repr(other):
            return f"the layer {one['name']!r} is configured in two ways"
    shapes = [(w.path, tuple(w.shape)) for w in first.weights]
    if shapes != [(w.path, tuple(w.shape)) for w in second.weights]:
        return "its weights have other names or shapes"
    return None


class ConformanceError(AssertionError):
    """Says what a plugin does wrong; test runners show it as a failure."""


def require(condition: Any, sentence: str) -> None:
    """Raises the sentence unless the condition holds.

    Raises:
        ConformanceError: If the condition is false.

    Example:
    >>> require(1 < 2, "Count again.")
    """
    if not condition:
        raise ConformanceError(sentence)
