"""A classifier in a file of any format."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_transfer.data.images import COLOR_MODES
from keras_transfer.serving.reading import Reading
from keras_transfer.serving.reading import combined
from keras_transfer.serving.reading import told
from keras_transfer.serving.said import Said
from keras_transfer.serving.said import Wanted

# Far more than any network takes; a file could declare more than memory has.
_MOST_PIXELS = 1 << 23


@dataclasses.dataclass(frozen=True)
class Classifier:
    """An open model file of any format.

    Args:
        run: Returns the outputs for a batch of images, an array for each.
        format: `"keras"`, or the name of the format it was exported to.
        runtime: Name and version of the runtime.
        sha256: Digest of the file; where there are several, of the lines
            that `sha256sum` prints for them.
        input_shape: `(height, width, channels)` of an image.
        dtype: Type of the pixels that `run` takes.
        pixel_range: Smallest and largest pixel value, or `None` if unknown.
        readings: How each of its outputs is to be read.
        versions: Versions of the packages that wrote the file.
    """

    run: Callable[[np.ndarray], list[np.ndarray]]
    format: str
    runtime: str
    sha256: str
    input_shape: tuple[int, int, int]
    dtype: str
    pixel_range: tuple[float, float] | None
    readings: tuple[Reading, ...]
    versions: dict[str, str]

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.input_shape[:2]

    @property
    def color_mode(self) -> str:
        """Color mode that photographs are decoded to."""
        return COLOR_MODES[self.input_shape[2]]

    def batch_size(self, wanted: int) -> int:
        """Returns the number of images to compute together.

        Args:
            wanted: The number for images of usual size; it is reduced for
                large images, to save memory.
        """
        height, width = self.image_size
        return max(1, min(wanted, 2 * _MOST_PIXELS // (height * width)))

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes of the only output, or `None`."""
        return self.readings[0].class_names if self._is_single else None

    @property
    def width(self) -> int:
        """Number of values for each image, of all outputs together."""
        return sum(reading.width for reading in self.readings)

    @property
    def _is_single(self):
        return len(self.readings) == 1

    def values(self, images: np.ndarray) -> np.ndarray:
        """Returns a row for each image, of probabilities of each class.

        Numbers in their units for regression; the values of several outputs
        are side by side. `told` says what they mean.

        Args:
            images: A batch of pixels in the range that the model expects.
        """
        outputs = self.run(images.astype(self.dtype, copy=False))
        return combined(self.readings, outputs)

    def told(self, rows: np.ndarray, wanted: Wanted) -> list[tuple[Said, ...]]:
        """Returns what each output says of each image.

        Args:
            rows: The result of `values`.
            wanted: What is to be told.
        """
        return told(self.readings, rows, wanted)

    def describe(self) -> dict[str, Any]:
        """Returns what clients need to know, as JSON values."""
        height, width, channels = self.input_shape
        outputs = [{"name": r.name, **r.describe()} for r in self.readings]
        about = self.readings[0].describe()
        if not self._is_single:
            about = {"class_names": None, "outputs": outputs}
        return {
            **about,
            "input": {
                "height": height,
                "width": width,
                "channels": channels,
                "range": self.pixel_range and list(self.pixel_range),
            },
            "format": self.format,
            "runtime": self.runtime,
            "sha256": self.sha256,
            "versions": dict(self.versions),
        }


def check_image_shape(shape: Any, name: str) -> tuple[int, int, int]:
    """Returns the shape of the images that a classifier takes.

    Args:
        shape: Shape of its input, without the batch axis.
        name: Name of the classifier in error messages.

    Raises:
        ValueError: If photographs cannot be resized to this shape, or it has
            too many pixels.
    """
    shape = tuple(shape)
    if len(shape) != 3 or shape[2] not in COLOR_MODES:
        raise ValueError(
            f"{name} does not take images: expected an input of (height, "
            f"width, 1, 3 or 4 channels). Received: {shape}."
        )
    if None in shape:
        raise ValueError(
            f"{name} has no fixed image size, so photographs cannot be resized "
            "for it. Build it with input_shape=(height, width, channels)."
        )
    if shape[0] * shape[1] > _MOST_PIXELS:
        raise ValueError(
            f"{name} takes images of {shape[0]} by {shape[1]} pixels. Expected "
            f"at most {_MOST_PIXELS:,} pixels."
        )
    return shape
