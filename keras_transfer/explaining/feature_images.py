"""The image that a channel or a class of a network answers to most."""

import numbers
from collections.abc import Sequence

import keras
import numpy as np

from keras_transfer.explaining.differentiation import compiled
from keras_transfer.explaining.differentiation import differentiate
from keras_transfer.explaining.graph import graph_model
from keras_transfer.explaining.network import Network
from keras_transfer.explaining.question import steps_shown
from keras_transfer.explaining.targets import class_numbers
from keras_transfer.names import check_whole_number
from keras_transfer.structure import model_info

# Step of one ascent as a fraction of the range of the pixels.
_STEP = 0.02


def activation_maximization(
    model: keras.Model,
    *,
    at: str | None = None,
    channel: int | str | Sequence[int | str] = 0,
    steps: int = 128,
    image_size: int | tuple[int, int] | None = None,
    jitter: int = 8,
    smoothness: float = 1.0,
    pixel_range: tuple[float, float] | None = None,
    seed: int = 0,
    output: str | int | None = None,
) -> np.ndarray:
    """Makes images that a channel, or a class, answers to most.

    Gradient ascent from noise. Two things keep it from a pattern of single
    pixels: the image is shifted at random before each step, and steps are
    larger for its coarse structures than for its fine ones.

    Args:
        model: A model with one input of images. It is not changed.
        at: A stage or the path of a layer. Defaults to `None`: the logits, so
            that `channel` is a class.
        channel: Number of the channel, whose mean over positions is raised,
            or the name of a class; a sequence makes an image for each.
            Defaults to 0.
        steps: Number of steps, at least 1. Defaults to 128.
        image_size: Height and width, or one number for a square. Defaults to
            `None`: what the model takes.
        jitter: Largest shift in pixels, at least 0. Defaults to 8.
        smoothness: Exponent by which steps shrink with spatial frequency; 0
            for plain ascent. Defaults to 1.
        pixel_range: Smallest and largest pixel value. Defaults to `None`: what
            the model expects, or 0 to 255.
        seed: Seed of noise and shifts. Defaults to 0.
        output: Name or number of the output, where there are several.

    Returns:
        Array of float32 of shape `(images, height, width, channels)`.

    Raises:
        ValueError: For an unknown layer, channel or class, a model that takes
            no images, or a number out of range.
        TypeError: For arguments of the wrong kind.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3, name="conv")])
    >>> images = kt.activation_maximization(
    ...     model, at="conv", channel=[0, 3], steps=2)
    >>> images.shape
    (2, 16, 16, 3)

    Reference: [Olah et al., 2017](
        https://distill.pub/2017/feature-visualization/)
    """
    check_whole_number("steps", steps, least=1)
    _check_not_negative("jitter", jitter, numbers.Integral)
    _check_not_negative("smoothness", smoothness, numbers.Real)
    model = graph_model(model)
    network = Network(model, output)
    size = _image_size(model, image_size)
    low, high = _pixel_range(model, pixel_range)
    place = None if at is None else network.place(at)
    chosen = _channels(network, place, at, channel)
    ascend = _ascent(network, place, chosen)

    generator = np.random.default_rng(seed)
    shape = (1, *size, model.inputs[0].shape[-1])
    noise = generator.standard_normal(shape)
    # One start for all, so that the images differ by their channels alone.
    images = (low + high) / 2 + 0.05 * (high - low) * noise
    images = np.repeat(images, len(chosen), axis=0).astype("float32")
    frequencies = _frequencies(size)
    for _ in steps_shown(range(steps), "Activation maximization"):
        shift = generator.integers(-jitter, jitter + 1, 2)
        gradient = ascend(np.roll(images, shift, (1, 2)))
        gradient = np.roll(gradient, -shift, (1, 2))
        gradient = _smoothed(gradient, frequencies, smoothness)
        spread = gradient.std(axis=(1, 2, 3), keepdims=True)
        gradient = gradient / np.where(spread > 0, spread, 1)
        images = images + _STEP * (high - low) * gradient
        images = np.clip(images, low, high).astype("float32")
    return images


def _ascent(network, place, chosen):
    """A function from images to the gradient of each one's activation."""

    def scored(inputs):
        if place is None:
            values = network.logits(inputs)
        else:
            (values,) = network.values(inputs, [place])
        values = keras.ops.cast(values, "float32")
        while len(values.shape) > 2:
            values = keras.ops.mean(values, axis=1)
        is_pair = network.kind == "classification"
        if place is None and values.shape[-1] == 1 and is_pair:
            # One unit has two classes, the first of them by minus the logit.
            values = keras.ops.concatenate([-values, values], axis=-1)
        picked = keras.ops.one_hot(np.array(chosen), values.shape[-1])
        return keras.ops.sum(values * picked), None

    step = compiled(lambda inputs: differentiate(scored, inputs)[1])
    return lambda images: keras.ops.convert_to_numpy(step([images])[0])


def _channels(network, place, at, channel):
    is_sequence = isinstance(channel, (list, tuple, np.ndarray))
    channels = list(channel) if is_sequence else [channel]
    if place is None:
        if len(network.output.shape) != 2:
            raise ValueError(
                f"The output of {network.model.name!r} has the shape "
                f"{network.output.shape}, not (batch, classes). Name a layer, "
                "`at=`."
            )
        logits = np.zeros((len(channels), network.output.shape[-1]))
        return class_numbers(
            channels, logits, network.class_names, network.kind
        )
    number = place.spec.shape[-1]
    for one in channels:
        is_whole = isinstance(one, (int, np.integer))
        if not is_whole or isinstance(one, bool) or not 0 <= one < number:
            raise ValueError(
                f"{at!r} has the channels 0 to {number - 1}. Received: {one!r}."
            )
    return channels


def _image_size(model, image_size):
    if len(model.inputs) > 1 or len(model.inputs[0].shape) != 4:
        raise ValueError(
            f"The model {model.name!r} takes "
            f"{[tuple(t.shape) for t in model.inputs]}; expected one input of "
            "images, (batch, height, width, channels)."
        )
    fixed = tuple(model.inputs[0].shape[1:3])
    if image_size is None:
        if None in fixed:
            raise ValueError(
                f"The model {model.name!r} takes images of any size: say which "
                "to make, `image_size=`."
            )
        return fixed
    is_one = isinstance(image_size, numbers.Integral)
    size = (image_size, image_size) if is_one else tuple(image_size)
    if any(f not in (None, s) for f, s in zip(fixed, size, strict=True)):
        raise ValueError(
            f"The model {model.name!r} takes images of {fixed}. Received: "
            f"image_size={image_size!r}."
        )
    return size


def _pixel_range(model, pixel_range):
    if pixel_range is None:
        record = model_info.find(model) or {}
        return record.get("input", {}).get("range") or (0, 255)
    low, high = pixel_range
    if not low < high:
        raise ValueError(
            "`pixel_range` must be the smallest and the largest pixel value. "
            f"Received: {pixel_range!r}."
        )
    return low, high


def _frequencies(size):
    vertical = np.fft.fftfreq(size[0])[:, None]
    horizontal = np.fft.rfftfreq(size[1])[None]
    # The mean counts like the coarsest structure.
    return np.maximum(np.hypot(vertical, horizontal), 1 / max(size))


def _smoothed(gradient, frequencies, smoothness):
    spectrum = np.fft.rfft2(gradient, axes=(1, 2))
    spectrum /= (frequencies**smoothness)[None, ..., None]
    return np.fft.irfft2(spectrum, gradient.shape[1:3], axes=(1, 2))


def _check_not_negative(name, value, kind):
    if (
        not isinstance(value, kind)
        or isinstance(value, bool)
        or not 0 <= value < float("inf")
    ):
        raise ValueError(
            f"`{name}` must be a number of at least 0. Received: {value!r}."
        )
