"""The check that a head keeps its contract."""

import inspect
import json

import keras
import numpy as np

from keras_transfer.testing import persistence
from keras_transfer.testing.building import ConformanceError
from keras_transfer.testing.building import require


def check_head(
    head: keras.layers.Layer | type,
    *,
    feature_shape: tuple[int, ...] = (4, 4, 8),
) -> None:
    """Checks that a layer can stand in for any other head.

    It builds heads for several numbers of classes, saves one, loads it in safe
    mode, and trains one for a step on random features.

    Args:
        head: A head class, whose arguments but `num_classes` have defaults, or
            a head, whose arguments are used.
        feature_shape: Shape of the features without the batch axis. Defaults
            to a small map with 8 channels.

    Raises:
        ConformanceError: Says what is wrong and how to mend it.

    Example:
    >>> import keras_transfer as kt
    >>> kt.testing.check_head(kt.heads.LinearHead)
    """
    is_class = isinstance(head, type)
    head_class = head if is_class else type(head)
    require(
        issubclass(head_class, keras.layers.Layer),
        f"{head_class.__name__} must be a subclass of keras.layers.Layer.",
    )
    _check_class(head_class)
    config = _config(head_class(3) if is_class else head)
    classes = config["num_classes"]
    for number in (1, 2, 7) if is_class else (classes, classes + 1):
        _check_output(_make(head_class, config, number), number, feature_shape)
    _check_config(head_class, config)
    _check_names(head_class, config, feature_shape)
    model = _model(_make(head_class, config, classes), feature_shape)
    persistence.check_saving(model, f"The head {head_class.__name__}", False)
    without_dropout = {**config, "dropout": 0.0}
    chosen = without_dropout if "dropout" in config else config
    _check_training(head_class, chosen, feature_shape)


def _check_class(head_class):
    name = head_class.__name__
    parameters = list(inspect.signature(head_class).parameters)
    require(
        parameters[:1] == ["num_classes"],
        f"The first argument of {name} must be `num_classes`, so that heads "
        f"can stand in for each other. Now it takes {parameters}.",
    )
    registered = keras.saving.get_registered_name(head_class)
    require(
        keras.saving.get_registered_object(registered) is head_class,
        f"{name} is not registered: decorate it with "
        "@keras.saving.register_keras_serializable('your_package').",
    )


def _config(head):
    config = head.get_config()
    name = type(head).__name__
    missing = [
        parameter.name
        for parameter in inspect.signature(type(head)).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
        and parameter.name not in config
    ]
    require(
        not missing,
        f"The get_config of {name} lacks the arguments {missing}: return all "
        "of them.",
    )
    try:
        return json.loads(json.dumps(config))
    except TypeError as error:
        raise ConformanceError(
            f"The get_config of {name} holds more than JSON values: {error}."
        ) from error


def _make(head_class, config, num_classes):
    return head_class.from_config({**config, "num_classes": num_classes})


def _model(head, feature_shape):
    features = keras.Input(feature_shape)
    return keras.Model(features, head(features))


def _check_output(head, num_classes, feature_shape):
    name = type(head).__name__
    model = _model(head, feature_shape)
    features = persistence.random_inputs(model) / 255
    outputs = keras.ops.convert_to_numpy(model(features))
    require(
        outputs.shape == (2, num_classes),
        f"{name}(num_classes={num_classes}) gives outputs of the shape "
        f"{outputs.shape} for 2 images: give (batch, num_classes).",
    )
    announced = head.compute_output_shape((None, *feature_shape))
    require(
        tuple(announced) == (None, num_classes),
        f"{name}.compute_output_shape announces {tuple(announced)} instead of "
        f"{(None, num_classes)}.",
    )
    require(
        np.isfinite(outputs).all(),
        f"{name} gives NaN or infinite outputs for features between 0 and 1.",
    )
    require(
        persistence.equal(outputs, model(features)),
        f"{name} predicts something else each time: layers that draw random "
        "numbers must do so only when `training` is true.",
    )


def _check_config(head_class, config):
    again = head_class.from_config(config).get_config()
    changed = [
        key
        for key in config
        if json.dumps(again.get(key)) != json.dumps(config[key])
    ]
    require(
        not changed,
        f"{head_class.__name__} does not keep {changed} through get_config "
        "with from_config: store arguments unchanged.",
    )


def _check_names(head_class, config, feature_shape):
    paths = []
    for _ in range(2):
        head = head_class.from_config(config)
        head.build((None, *feature_shape))
        paths.append([weight.path for weight in head.weights])
    require(
        paths[0] == paths[1] and len(set(paths[0])) == len(paths[0]),
        f"The weights of {head_class.__name__} need names that differ from "
        "each other and are the same for each instance: name its sublayers. "
        f"Now they are {paths}.",
    )


def _check_training(head_class, config, feature_shape):
    classes = config["num_classes"]
    head = head_class.from_config(config)
    model = _model(head, feature_shape)
    model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    before = head.get_weights()
    labels = np.eye(classes, dtype="float32")[[0, classes - 1]]
    features = persistence.random_inputs(model) / 127.5 - 1
    model.fit(features, labels, verbose=0)
    open_ids = {id(variable) for variable in head.trainable_variables}
    stuck = [
        weight.path
        for weight, value in zip(head.weights, before, strict=True)
        if id(weight) in open_ids and persistence.equal(weight, value)
    ]
    require(
        open_ids and not stuck,
        f"A step of training does not move the weights {stuck} of "
        f"{head_class.__name__}: let `call` use all of them, and let "
        "gradients through.",
    )
