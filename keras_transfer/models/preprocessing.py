"""Preprocessing of 0-255 images as data, turned into stock Keras layers."""

import dataclasses
from typing import Any

from keras_transfer import names

MODES = ("raw", "tf", "torch", "caffe", "unit")


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """`scale * pixel + offset` for each channel, after an optional flip.

    A model carries it as a `Rescaling` layer, so that it is part of the saved
    file. `Normalization` would compute the same but breaks ONNX exports.

    Args:
        scale: Factor for all channels or one for each, in the order that the
            network expects.
        offset: Summand likewise.
        bgr: Whether the network expects blue, green, red. Defaults to `False`.

    Example:
    >>> import keras_transfer as kt
    >>> kt.Preprocessing.of_mode("tf")
    Preprocessing(scale=0.00784313725490196, offset=-1.0, bgr=False)
    """

    scale: float | tuple[float, ...] = 1.0
    offset: float | tuple[float, ...] = 0.0
    bgr: bool = False

    @classmethod
    def of_mode(cls, mode: str) -> "Preprocessing":
        """Makes the preprocessing that the field calls `mode`.

        Args:
            mode: `"raw"` (0-255 as it is), `"tf"` (-1 to 1), `"unit"` (0 to
                1), `"torch"` (ImageNet mean and std), `"caffe"` (BGR
                minus the ImageNet mean).
        """
        if mode == "raw":
            return cls()
        if mode == "tf":
            return cls(1 / 127.5, -1.0)
        if mode == "unit":
            return cls(1 / 255)
        if mode == "torch":
            return cls.of_statistics(
                (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
            )
        if mode == "caffe":
            return cls(1.0, (-103.939, -116.779, -123.68), bgr=True)
        raise ValueError(
            f"Unknown preprocessing mode {mode!r}. Expected one of {MODES}."
        )

    @classmethod
    @names.renamed(deviation="std")
    def of_statistics(
        cls, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> "Preprocessing":
        """Subtracts the mean and divides by the std of 0-1 pixels.

        Args:
            mean: Mean of each channel, for pixels between 0 and 1.
            std: Standard deviation of each channel, likewise.
        """
        return cls(
            tuple(1 / (255 * s) for s in std),
            tuple(-m / s for m, s in zip(mean, std, strict=True)),
        )

    def for_channels(self, channels: int) -> "Preprocessing":
        """Adapts to images that have more or fewer than three channels.

        One channel gets the mean of the three; further channels are treated
        like the first ones, as the adapted first convolution treats them.

        Args:
            channels: Number of channels of the images.
        """
        if channels == 3:
            return self
        return Preprocessing(
            _fit(self.scale, channels), _fit(self.offset, channels)
        )

    def __call__(self, images: Any) -> Any:
        import keras

        if self.bgr:
            images = keras.ops.flip(images, axis=-1)
        if self == Preprocessing(bgr=self.bgr):
            return images
        # Half precision would round pixels before they are centred.
        return keras.layers.Rescaling(
            _jsonable(self.scale),
            _jsonable(self.offset),
            dtype="float32",
            name="rescaling",
        )(images)


def _fit(values, channels):
    if not isinstance(values, tuple):
        return values
    if channels == 1:
        return sum(values) / len(values)
    return tuple(values[i % len(values)] for i in range(channels))


def _jsonable(values):
    return list(values) if isinstance(values, tuple) else values
