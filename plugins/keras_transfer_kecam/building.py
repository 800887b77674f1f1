"""How a model of kecam becomes a backbone's features."""

from keras_transfer_kecam import catalogue


def builder_of(model: catalogue.Model):
    """Makes the builder of a backbone.

    Args:
        model: Which one.

    Returns:
        `build(input_shape)`, with the option `drop_connect_rate` (the chance
        that a block is skipped for an image in training) where kecam has it.
    """
    if model.drop_connect_rate is None:

        def build(input_shape):
            return build_features(model, input_shape)

    else:

        def build(input_shape, drop_connect_rate=model.drop_connect_rate):
            return build_features(
                model, input_shape, drop_connect_rate=drop_connect_rate
            )

    return build


def build_features(model: catalogue.Model, input_shape: tuple, **options):
    """Builds the part of a model before its classifier.

    Args:
        model: Which one.
        input_shape: `(height, width, channels)`.
        **options: Arguments of kecam's constructor.

    Returns:
        A Functional `keras.Model` with random weights.

    Raises:
        ImportError: If kecam is missing or of another release.
        ValueError: If the architecture cannot take images of that size.
    """
    import keras

    from keras_transfer_kecam import upstream

    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            f"The backbone 'kecam/{model.name}' takes channels last only. "
            "Call keras.config.set_image_data_format('channels_last')."
        )
    result = catalogue.results().get(model.name)
    if result is not None and result.state == "fails":
        raise ValueError(
            f"The backbone 'kecam/{model.name}' does not work on Keras 3: "
            f"{result.reason}. `keras-transfer backbones list --provider "
            "kecam` shows the others."
        )
    construct = upstream.constructor(model.constructor)
    try:
        made = construct(
            input_shape=input_shape,
            num_classes=0,
            pretrained=None,
            **model.arguments,
            **options,
        )
    except Exception as error:
        own_size = (model.size, model.size)
        if tuple(input_shape[:2]) == own_size:
            raise
        raise ValueError(_explain(model, input_shape, error)) from error
    features = _before_pooling(made)
    return keras.Model(made.inputs[0], features, name=model.name)


def _before_pooling(made):
    """The last tensor with positions; some models pool without a classifier.

    Heads pool themselves, by the class token or by the average. CoaT's
    combined class tokens have no positions: they stay the vector that they are.
    """
    import keras

    producers = {
        id(tensor): operation
        for operation in made.operations
        for tensor in keras.tree.flatten(operation.output)
    }
    tensor = made.outputs[0]
    while len(tensor.shape) < 3:
        tensor = keras.tree.flatten(producers[id(tensor)].input)[0]
    was_squeezed = tensor.shape[-1] == 1
    return made.outputs[0] if was_squeezed else tensor


def _explain(model, input_shape, error):
    height, width, _ = input_shape
    if None in (height, width):
        size = "images of any size"
    else:
        size = f"images of {height}x{width} pixels"
    cause = str(error).strip() or type(error).__name__
    return (
        f"The backbone 'kecam/{model.name}' cannot take {size}: pass "
        f"input_shape=({model.size}, {model.size}, 3), for which it was made, "
        f"or another. kecam says: {cause.splitlines()[0]}"
    )
