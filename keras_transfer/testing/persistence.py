"""What holds for a network that is saved to a file."""

import json
import os
import tempfile
import zipfile
from typing import Any

import keras
import numpy as np

from keras_transfer.models import create
from keras_transfer.models.spec import BackboneSpec
from keras_transfer.registry import needed_classes
from keras_transfer.registry import plugin_classes
from keras_transfer.saving import weights as weights_files
from keras_transfer.testing.building import ConformanceError
from keras_transfer.testing.building import require


def check_saving(model: keras.Model, what: str, declared: bool) -> None:
    """Checks that a model can be read in a process that knows only us.

    Args:
        model: A model of images or features.
        what: What it is called in messages.
        declared: Whether its classes must be in the entry-point group
            `keras_transfer.serializable`.

    Raises:
        ConformanceError: If it cannot be saved or loaded, if a class is
            unknown to Keras, or if the loaded model computes something else.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        try:
            model.save(path)
        except Exception as error:  # Whatever a stranger's code raises.
            raise ConformanceError(
                f"{what} cannot be saved. Give each layer of your own a "
                f"get_config. It raised {type(error).__name__}: {error}"
            ) from error
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
        _check_classes(needed_classes.classes_in(config), what, declared)
        try:
            loaded = keras.saving.load_model(path, safe_mode=True)
        except Exception as error:
            raise ConformanceError(
                f"{what} cannot be loaded in safe mode. Let its layers take "
                f"what their get_config returns: {error}"
            ) from error
    inputs = random_inputs(model)
    require(
        equal(model(inputs), loaded(inputs)),
        f"{what} computes something else after it was saved and loaded: let "
        "get_config return all arguments, and create weights and sublayers "
        "as attributes, so that Keras saves them.",
    )


def random_inputs(model: keras.Model) -> np.ndarray:
    """Returns two different inputs for a model of one input."""
    shape = tuple(length or 32 for length in model.inputs[0].shape[1:])
    generator = np.random.default_rng(0)
    return generator.uniform(0, 255, (2, *shape)).astype("float32")


def equal(one: Any, other: Any) -> bool:
    """Whether two tensors hold the same bits, NaN included."""
    arrays = [keras.ops.convert_to_numpy(tensor) for tensor in (one, other)]
    return np.array_equal(*arrays, equal_nan=arrays[0].dtype.kind == "f")


def check_weights_file(
    spec: BackboneSpec, source: keras.Model, target: keras.Model
) -> None:
    """Checks that a weights file brings every weight of one model to another.

    The first model gets other weights, the second those of the first.
    """
    generator = np.random.default_rng(0)
    source.set_weights(
        [_another(value, generator) for value in source.get_weights()]
    )
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "all.weights.h5")
        source.save_weights(path)
        try:
            weights_files.load_weights(target, path)
        except ValueError as error:
            raise ConformanceError(
                f"A weights file of {spec.name!r} does not fit the network "
                "that it was saved from: create all weights and sublayers as "
                f"attributes, so that Keras saves them. {error}"
            ) from error
    _require_same(
        source,
        target,
        f"of {spec.name!r} silently keep their initial values when a weights "
        "file is loaded. Leave `save_own_variables` and `load_own_variables` "
        "to Keras, or mend them.",
    )


def check_pretrained(
    spec: BackboneSpec, tag: str, input_shape: tuple, options: dict[str, Any]
) -> None:
    """Checks that pretrained weights leave nothing to chance."""
    one, other = (
        create.create_backbone(
            spec, weights=tag, input_shape=input_shape, **options
        )
        for _ in range(2)
    )
    _require_same(
        one,
        other,
        f"of {spec.name!r} silently stay random with weights={tag!r}. Let the "
        "published file hold them, and let `finish` draw no random numbers.",
    )


def _another(value, generator):
    if value.dtype.kind == "f":
        return generator.uniform(0.5, 1.5, value.shape).astype(value.dtype)
    return value + value.dtype.type(1)


def _require_same(one, other, sentence):
    differing = [
        a.path
        for a, b in zip(one.weights, other.weights, strict=True)
        if not equal(a, b)
    ]
    require(
        not differing,
        f"{len(differing)} weights, such as {differing[:1]}, {sentence}",
    )


def _check_classes(classes, what, declared):
    known = plugin_classes.default_registry()
    for name, module in classes.items():
        require(
            name not in ("Lambda", "keras>Lambda"),
            f"{what} holds a Lambda layer, which safe loading refuses: use "
            "stock layers, or a layer class that is registered with Keras.",
        )
        package, _, class_name = name.rpartition(">")
        if package == "keras_transfer" or module.split(".")[0] == "keras":
            continue
        require(
            package and keras.saving.get_registered_object(name) is not None,
            f"{what} holds the class {class_name!r}, which is not registered: "
            "decorate it with @keras.saving.register_keras_serializable("
            "'your_package').",
        )
        if declared:
            entry = f"{package}.{class_name}"
            require(
                name in known.names(),
                f"{what} holds the class {name!r}, which only who imports "
                "your plugin can load: declare it in pyproject.toml under "
                f'[project.entry-points."{plugin_classes.GROUP}"] as '
                f'"{entry}" = "{module or "your_module"}:{class_name}".',
            )
            known.get(name)  # Raises its own sentence.
