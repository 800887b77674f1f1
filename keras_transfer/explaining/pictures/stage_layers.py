"""The layers that end the stages of a model."""

import keras

from keras_transfer.structure import anatomy


def stage_layers(model: keras.Model) -> dict[str, str]:
    """Maps each stage of a model's backbone to the path of its last layer.

    Stages that end in vectors, as a classifier without a nested backbone does,
    are left out.

    Args:
        model: Any Keras model.

    Raises:
        ValueError: If no stage ends in maps or tokens.
        TypeError: If `model` is no Keras model.

    Example:
    >>> image = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, strides=2, name="conv_1")(image)
    >>> x = keras.layers.Conv2D(16, 3, strides=2, name="conv_2")(x)
    >>> stage_layers(keras.Model(image, x))
    {'stem': 'conv_1', 'stage_1': 'conv_2'}
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`model` must be a keras.Model. Received: {model!r} of type "
            f"{type(model).__name__}."
        )
    parts = anatomy.dissect(model)
    prefix = f"{parts.path}/" if parts.path else ""
    found = {}
    for stage in parts.stages:
        layer = parts.backbone.get_layer(stage.last_layer)
        if len(layer.output.shape) > 2:
            found[stage.name] = prefix + stage.last_layer
    if not found:
        raise ValueError(
            f"The model {model.name!r} has no stage that ends in maps, (batch, "
            "height, width, channels). Name layers: kt.build_extractor(model, "
            "[...])."
        )
    return found
