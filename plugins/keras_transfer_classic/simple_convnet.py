"""The small stack of convolution and pooling that courses begin with.

Stages are detected, since their number follows from the option `filters`: each
ends with the convolution before a pooling.
"""

import numbers

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing

_PADDINGS = ("same", "valid")


def _build(
    input_shape,
    filters=(16, 32, 64),
    kernel_size=3,
    padding="same",
    final_pooling=True,
):
    _check_options(filters, kernel_size, padding, final_pooling)
    _check_size(input_shape, len(filters), kernel_size, padding, final_pooling)
    import keras

    images = x = keras.Input(input_shape)
    for number, count in enumerate(filters, start=1):
        x = keras.layers.Conv2D(
            int(count),
            int(kernel_size),
            padding=padding,
            activation="relu",
            name=f"conv_{number}",
        )(x)
        if number < len(filters) or final_pooling:
            x = keras.layers.MaxPooling2D(2, name=f"pool_{number}")(x)
    return keras.Model(images, x, name="simple_convnet")


def _check_options(filters, kernel_size, padding, final_pooling):
    if not isinstance(filters, (list, tuple)):
        raise TypeError(
            "`filters` must be a list or tuple with the number of filters of "
            "each convolution, such as filters=(32, 64). Received: "
            f"filters={filters!r} of type {type(filters).__name__}."
        )
    if not filters:
        raise ValueError(
            "`filters` must name at least one convolution, such as "
            f"filters=(32, 64). Received: filters={filters!r}."
        )
    for i, count in enumerate(filters):
        _check_count(f"filters[{i}]", count)
    _check_count("kernel_size", kernel_size)
    if padding not in _PADDINGS:
        raise ValueError(
            f"`padding` must be one of {_PADDINGS}. Received: "
            f"padding={padding!r}."
        )
    if not isinstance(final_pooling, bool):
        raise TypeError(
            "`final_pooling` must be True or False. Received: "
            f"final_pooling={final_pooling!r}."
        )


def _check_count(name, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"`{name}` must be a positive integer. Received: {name}={value!r} "
            f"of type {type(value).__name__}."
        )
    if value < 1:
        raise ValueError(
            f"`{name}` must be at least 1. Received: {name}={value!r}."
        )


def _check_size(input_shape, depth, kernel_size, padding, final_pooling):
    # Backwards from the one position that must be left at the end.
    size = 1
    for number in range(depth, 0, -1):
        if number < depth or final_pooling:
            size *= 2
        if padding == "valid":
            size += kernel_size - 1
    if any(length is not None and length < size for length in input_shape[:2]):
        raise ValueError(
            f"{depth} convolutions with kernel_size={kernel_size} and "
            f"padding={padding!r} need images of at least {size}x{size} "
            f"pixels. Received: `input_shape={input_shape!r}`. Give larger "
            "images or fewer `filters`."
        )


SimpleConvNet = BackboneSpec(
    _build,
    default_size=160,
    minimum_size=8,
    preprocessing=Preprocessing.of_mode("unit"),
    license="code Apache-2.0; no weights",
    reference="https://doi.org/10.1109/5.726791",
    description="Convolutions and poolings in turn, as many as you like",
)
