"""The classical recipe of random changes to training images."""

import keras

FILL_MODES = ("nearest", "constant", "reflect", "wrap")


def augmentation(
    rotation: float = 40,
    width_shift: float = 0.2,
    height_shift: float = 0.2,
    shear: float = 0.2,
    zoom: float = 0.2,
    horizontal_flip: bool = True,
    fill_mode: str = "nearest",
    seed: int | None = None,
) -> keras.layers.Pipeline:
    """Builds random layers that turn, shift, shear, zoom or flip images.

    It is the recipe of the `ImageDataGenerator` of Keras 2. Give it to
    `from_directory(augment=...)`, which maps it over the training images
    only; it is never a part of a model, where random layers would stay at
    work in what is exported. Each image of a batch is changed differently.
    Values stay between 0 and 255.

    Prefer a milder recipe for images whose position or direction carries
    meaning (digits, road signs), and none at all where features are cached.

    Args:
        rotation: Largest turn to either side, in degrees, 0 to 180.
            Defaults to 40.
        width_shift: Largest shift sideways, as a fraction of the width, 0 to
            1. Defaults to 0.2.
        height_shift: Largest shift up or down, as a fraction of the height, 0
            to 1. Defaults to 0.2.
        shear: Largest sideways slant, in pixels per row, 0 to 1; 0.2 slants
            an upright line by 11 degrees. (Keras 2 took this number for
            degrees, so that its usual 0.2 did nothing.) Defaults to 0.2.
        zoom: Largest change of scale, as a fraction, 0 to less than 1: 0.2
            shows from 0.8 to 1.2 of each side, height or width drawn apart.
            Defaults to 0.2.
        horizontal_flip: Whether half of the images are mirrored. Defaults to
            True.
        fill_mode: What comes in from outside the image: `"nearest"` (the
            edge drawn out), `"constant"` (black), `"reflect"` or `"wrap"`.
            Defaults to `"nearest"`.
        seed: Whole number that decides every draw; None draws one from
            Python's generator, which `keras.utils.set_random_seed` seeds.

    Input shape: `(batch, height, width, channels)`, 0 to 255.
    Output shape: the same, float.

    Returns:
        A Keras layer; what is set to 0 or False has no part in it.

    Raises:
        ValueError: An argument is out of range, or nothing is left to do.

    Example:
    >>> import keras_transfer as kt
    >>> train, validation = kt.data.from_directory(
    ...     "photos", augment=kt.data.augmentation(rotation=15)
    ... )

    Reference: [Simard et al., 2003](https://doi.org/10.1109/ICDAR.2003.1227801)
    """
    _check_range("rotation", rotation, 180)
    _check_range("width_shift", width_shift, 1)
    _check_range("height_shift", height_shift, 1)
    _check_range("shear", shear, 1)
    _check_range("zoom", zoom, 1, below=True)
    if fill_mode not in FILL_MODES:
        raise ValueError(
            f"`fill_mode` must be one of {list(FILL_MODES)}. "
            f"Received: fill_mode={fill_mode!r}"
        )
    # One seed for all would make their draws repeat each other.
    seeds = [None] * 5 if seed is None else [5 * seed + i for i in range(5)]
    fill = {"fill_mode": fill_mode, "data_format": "channels_last"}
    layers = []
    if rotation:
        layers.append(
            keras.layers.RandomRotation(rotation / 360, seed=seeds[0], **fill)
        )
    if width_shift or height_shift:
        layers.append(
            keras.layers.RandomTranslation(
                height_shift, width_shift, seed=seeds[1], **fill
            )
        )
    if shear:
        layers.append(
            keras.layers.RandomShear(x_factor=shear, seed=seeds[2], **fill)
        )
    if zoom:
        layers.append(
            keras.layers.RandomZoom(zoom, zoom, seed=seeds[3], **fill)
        )
    if horizontal_flip:
        layers.append(
            keras.layers.RandomFlip(
                "horizontal", seed=seeds[4], data_format="channels_last"
            )
        )
    if not layers:
        raise ValueError(
            "Nothing is left to change: every argument is 0 or False. Leave "
            "augmentation out instead."
        )
    # Interpolation between whites rounds up by the last bit. To brighten by
    # nothing cuts that off: no other stock layer clips within `tf.data` on
    # every backend.
    layers.append(keras.layers.RandomBrightness(0, value_range=(0, 255)))
    return keras.layers.Pipeline(layers)


def _check_range(name, value, most, below=False):
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(
            f"`{name}` must be a number. Received: {name}={value!r}"
        )
    if not 0 <= value <= most or (below and value == most):
        upper = f"less than {most}" if below else f"{most}"
        raise ValueError(
            f"`{name}` must be between 0 and {upper}. "
            f"Received: {name}={value!r}"
        )
