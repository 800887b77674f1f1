"""Assembly of a backbone and a head into one model."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.models import create
from keras_transfer.registry import needed_classes
from keras_transfer.structure import model_info
from keras_transfer.structure import origins
from keras_transfer.structure import stages
from keras_transfer.structure.task import KINDS
from keras_transfer.structure.task import Targets
from keras_transfer.structure.task import Task


def build_model(
    backbone: keras.Model | str,
    head: keras.layers.Layer,
    *,
    class_names: Sequence[str] | None = None,
    preprocessing: Any = "auto",
    thresholds: Sequence[float] | None = None,
    targets: Targets | Mapping[str, Any] | None = None,
    name: str = "transfer_model",
) -> keras.Model:
    """Builds a model that takes 0-255 images, of a backbone and a head.

    The result is a plain Functional model: input, `ModelInfo`, preprocessing,
    the backbone as a nested model, the head. It takes uint8 or float images.

    Args:
        backbone: A model from images to features, or the name of a registered
            backbone, which is then created with its ImageNet weights.
        head: A layer from features to outputs, such as `heads.LinearHead`.
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
            not fit the head or its task.
        TypeError: If the backbone or the head is of the wrong kind.

    Example:
    >>> import keras_transfer as kt
    >>> backbone = kt.create_backbone(
    ...     "mobilenet", weights=None, input_shape=(32, 32, 3))
    >>> model = kt.build_model(
    ...     backbone, kt.heads.LinearHead(2), class_names=["ant", "bee"])
    >>> model.output_shape
    (None, 2)
    """
    if isinstance(backbone, str):
        backbone = create.create_backbone(backbone)
    _check_parts(backbone, head)
    if not origins.is_marked(backbone):
        # With layers from a source in it, the others in it are new.
        boundaries = (
            (s.name, s.last_layer) for s in stages.stages_of(backbone)
        )
        origin = origins.Origin(
            backbone.name, "given to kt.build_model", tuple(boundaries)
        )
        origins.mark([backbone], origin)
    class_names = _checked_names(class_names, head)
    task = _task(head, thresholds, targets)
    record = model_info.provenance_of(backbone)
    if isinstance(preprocessing, str):
        if preprocessing != "auto":
            raise ValueError(
                "`preprocessing` must be 'auto', a Preprocessing or a "
                f"callable. Received: {preprocessing!r}. Did you mean "
                f"kt.Preprocessing.of_mode({preprocessing!r})?"
            )
        preprocessing = record.preprocessing if record else "inside"
    metadata = _metadata(backbone, record, head, class_names)
    if task is not None:
        metadata["task"] = task.to_json()
    with compat.canonical_names():
        image = keras.Input(backbone.input_shape[1:], name="image")
        x = model_info.ModelInfo(metadata)(image)
        if preprocessing != "inside":
            x = _preprocess(preprocessing, x)
        outputs = head(backbone(x))
        model = keras.Model(image, outputs, name=name)
    metadata["classes"] = needed_classes.owners_of(model)
    return model


def _preprocess(preprocessing, images):
    if hasattr(preprocessing, "for_channels"):
        preprocessing = preprocessing.for_channels(images.shape[-1])
    return preprocessing(images)


def _check_parts(backbone, head):
    if not isinstance(backbone, keras.Model) or not compat.is_graph(backbone):
        raise TypeError(
            "`backbone` must be a Functional keras.Model or the name of a "
            f"registered backbone. Received: {backbone!r}."
        )
    if not isinstance(head, keras.layers.Layer):
        raise TypeError(
            "`head` must be a Keras layer, such as "
            f"keras_transfer.heads.LinearHead(2). Received: {head!r}."
        )


def _checked_names(class_names, head):
    if class_names is None:
        return None
    if isinstance(class_names, str):
        raise TypeError(
            "`class_names` must be a list of names. Received the string "
            f"{class_names!r}."
        )
    class_names = [str(class_name) for class_name in class_names]
    repeated = {n for n in class_names if class_names.count(n) > 1}
    if repeated:
        raise ValueError(
            f"`class_names` must differ from each other. Received "
            f"{sorted(repeated)} more than once."
        )
    num_classes, kind = getattr(head, "num_classes", None), kind_of(head)
    if kind == "regression":
        raise ValueError(
            "A head with task='regression' predicts numbers: name them in "
            "`targets`, as in targets={'names': ['age'], 'units': ['years'], "
            f"'mean': [40.0], 'std': [20.0]}}. Received: {class_names=}."
        )
    is_pair = num_classes == 1 and kind != "multi_label"
    expected = 2 if is_pair else num_classes
    if expected is not None and len(class_names) != expected:
        raise ValueError(
            f"A head with num_classes={num_classes} needs {expected} class "
            f"names. Received {len(class_names)}: {class_names}."
        )
    return class_names


def kind_of(head: keras.layers.Layer) -> str | None:
    """Returns the kind of a head's task, or `None` where it does not say.

    Args:
        head: Any layer.
    """
    activation = getattr(head, "output_activation", None)
    is_single = getattr(head, "num_classes", 1) == 1
    if activation == "sigmoid" and not is_single:
        return "multi_label"  # Such outputs are independent of each other.
    kind = getattr(head, "task", None)
    return kind if kind in KINDS else None


def _task(head, thresholds, targets):
    kind = kind_of(head)
    if kind is None and thresholds is None and targets is None:
        return None
    units = getattr(head, "num_classes", None)
    if kind == "multi_label" and units and thresholds is None:
        thresholds = [0.5] * units
    task = Task(kind or "classification", thresholds, targets)
    for name, values in (
        ("thresholds", task.thresholds),
        ("targets", task.targets and task.targets.names),
    ):
        if values is not None and len(values) != units:
            raise ValueError(
                f"A head with num_classes={units} needs {units} {name}. "
                f"Received {len(values)}: {list(values)}."
            )
    return task


def _metadata(backbone, record, head, class_names):
    import keras_transfer

    height, width, channels = (*backbone.input_shape[1:], None, None, None)[:3]
    origin = record.to_json() if record else {"name": None}
    # Those of the backbone itself, though a model may be nested in it.
    boundaries = [
        [stage.name, stage.last_layer] for stage in stages.stages_of(backbone)
    ]
    arguments = head.get_config()
    return {
        "schema": model_info.SCHEMA,
        "versions": {
            "keras_transfer": keras_transfer.__version__,
            "keras": keras.__version__,
        },
        # Mixed precision scales the loss only where it is in force.
        "dtype_policy": keras.config.dtype_policy().name,
        "class_names": class_names,
        "input": {
            "height": height,
            "width": width,
            "channels": channels,
            "range": [0, 255],
            "channel_order": "rgb" if channels == 3 else None,
        },
        "backbone": {**origin, "layer": backbone.name, "stages": boundaries},
        "head": {
            "class": type(head).__name__,
            **{
                key: arguments[key]
                for key in ("num_classes", "activation", "pooling")
                if isinstance(arguments.get(key), (int, str))
            },
        },
    }
