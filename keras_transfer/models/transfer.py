"""Assembly of a backbone and a head into one model."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.models import create
from keras_transfer.models import head_records
from keras_transfer.registry import needed_classes
from keras_transfer.structure import model_info
from keras_transfer.structure import origins
from keras_transfer.structure import stages
from keras_transfer.structure.task import Targets


def build_model(
    backbone: keras.Model | str,
    head: keras.layers.Layer | Mapping[str, keras.layers.Layer],
    *,
    class_names: Sequence[str] | Mapping[str, Any] | None = None,
    preprocessing: Any = "auto",
    thresholds: Sequence[float] | Mapping[str, Any] | None = None,
    targets: Targets | Mapping[str, Any] | None = None,
    name: str = "transfer_model",
) -> keras.Model:
    """Builds a model that takes 0-255 images, of a backbone and a head.

    The result is a plain Functional model: input, `ModelInfo`, preprocessing,
    the backbone as a nested model, the head. It takes uint8 or float images.

    Args:
        backbone: A model from images to features, or the name of a registered
            backbone, which is then created with its ImageNet weights.
        head: A layer from features to outputs, such as `heads.LinearHead`; for
            several outputs a dictionary with a head for each name, which all
            read the same features. Then `class_names`, `thresholds` and
            `targets` are dictionaries by these names as well, labels to train
            on too, and the model returns a dictionary.
        class_names: Names of the classes, labels or grades in the order of
            the outputs. For a classifier with one unit, the names of the
            outputs 0 and 1. Defaults to `None`.
        preprocessing: A `Preprocessing` or a callable on symbolic images.
            Defaults to `"auto"`: what the registry declares for the backbone,
            and nothing for a model that is not from the registry.
        thresholds: For a head with `task="multi_label"`, the probability of
            each label from which on it is predicted. Defaults to `None`: 0.5.
        targets: For a head with `task="regression"`, names, units, mean and
            std of the numbers it predicts, as a dictionary of lists.
            Predictions are then shown in these units, and the labels to train
            on are `(number - mean) / std`. Defaults to `None`.
        name: Name of the model.

    Returns:
        A `keras.Model`, not compiled, with every layer as trainable as it was.

    Raises:
        ValueError: If the number of class names, thresholds or targets does
            not fit the head or its task, or two heads have one name.
        TypeError: If the backbone or the head is of the wrong kind.

    Example:
    >>> import keras_transfer as kt
    >>> backbone = kt.create_backbone(
    ...     "mobilenet", weights=None, input_shape=(32, 32, 3))
    >>> model = kt.build_model(
    ...     backbone, kt.heads.LinearHead(2), class_names=["ant", "bee"])
    >>> model.output_shape
    (None, 2)
    >>> both = kt.build_model(backbone, {
    ...     "species": kt.heads.LinearHead(2),
    ...     "size": kt.heads.LinearHead(1, task="regression")})
    >>> sorted(both.output)
    ['size', 'species']
    """
    if isinstance(backbone, str):
        backbone = create.create_backbone(backbone)
    _check_backbone(backbone)
    if not origins.is_marked(backbone):
        # With layers from a source in it, the others in it are new.
        boundaries = (
            (s.name, s.last_layer) for s in stages.stages_of(backbone)
        )
        origin = origins.Origin(
            backbone.name, "given to kt.build_model", tuple(boundaries)
        )
        origins.mark([backbone], origin)
    head = head_records.checked_heads(head)
    words = class_names, thresholds, targets
    described = head_records.describe(head, *words)
    record = model_info.provenance_of(backbone)
    if isinstance(preprocessing, str):
        if preprocessing != "auto":
            raise ValueError(
                "`preprocessing` must be 'auto', a Preprocessing or a "
                f"callable. Received: {preprocessing!r}. Did you mean "
                f"kt.Preprocessing.of_mode({preprocessing!r})?"
            )
        preprocessing = record.preprocessing if record else "inside"
    metadata = {**_metadata(backbone, record), **described}
    with compat.canonical_names():
        image = keras.Input(backbone.input_shape[1:], name="image")
        x = model_info.ModelInfo(metadata)(image)
        if preprocessing != "inside":
            x = _preprocess(preprocessing, x)
        features = backbone(x)
        outputs = keras.tree.map_structure(lambda h: h(features), head)
        model = keras.Model(image, outputs, name=name)
    metadata["classes"] = needed_classes.owners_of(model)
    return model


def _preprocess(preprocessing, images):
    if hasattr(preprocessing, "for_channels"):
        preprocessing = preprocessing.for_channels(images.shape[-1])
    return preprocessing(images)


def _check_backbone(backbone):
    if not isinstance(backbone, keras.Model) or not compat.is_graph(backbone):
        raise TypeError(
            "`backbone` must be a Functional keras.Model or the name of a "
            f"registered backbone. Received: {backbone!r}."
        )


def _metadata(backbone, record):
    import keras_transfer

    height, width, channels = (*backbone.input_shape[1:], None, None, None)[:3]
    origin = record.to_json() if record else {"name": None}
    # Those of the backbone itself, though a model may be nested in it.
    boundaries = [
        [stage.name, stage.last_layer] for stage in stages.stages_of(backbone)
    ]
    return {
        "schema": model_info.SCHEMA,
        "versions": {
            "keras_transfer": keras_transfer.__version__,
            "keras": keras.__version__,
        },
        # Mixed precision scales the loss only where it is in force.
        "dtype_policy": keras.config.dtype_policy().name,
        "class_names": None,
        "input": {
            "height": height,
            "width": width,
            "channels": channels,
            "range": [0, 255],
            "channel_order": "rgb" if channels == 3 else None,
        },
        "backbone": {**origin, "layer": backbone.name, "stages": boundaries},
        "head": {},
    }
