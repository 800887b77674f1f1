"""A classifier in a file of any format."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_transfer.data.images import COLOR_MODES
from keras_transfer.serving.ranking import probabilities_of

# Far more than any network takes; a file could declare more than memory has.
_MOST_PIXELS = 1 << 23


@dataclasses.dataclass(frozen=True)
class Classifier:
    """An open model file of any format.

    Args:
        run: Returns the outputs for a batch of images.
        format: `"keras"`, or the name of the format it was exported to.
        runtime: Name and version of the runtime.
        sha256: Digest of the file; where there are several, of the lines
            that `sha256sum` prints for them.
        input_shape: `(height, width, channels)` of an image.
        dtype: Type of the pixels that `run` takes.
        pixel_range: Smallest and largest pixel value, or `None` if unknown.
        num_classes: Number of classes.
        class_names: Their names, or `None` if unknown.
        activation: Activation of the outputs; `None` or `"linear"` for logits.
        versions: Versions of the packages that wrote the file.
    """

    run: Callable[[np.ndarray], np.ndarray]
    format: str
    runtime: str
    sha256: str
    input_shape: tuple[int, int, int]
    dtype: str
    pixel_range: tuple[float, float] | None
    num_classes: int
    class_names: tuple[str, ...] | None
    activation: str | None
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

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Returns a probability of each class for each image.

        Args:
            images: A batch of pixels in the range that the model expects.
        """
        outputs = self.run(images.astype(self.dtype, copy=False))
        return probabilities_of(outputs, self.activation)

    def describe(self) -> dict[str, Any]:
        """Returns what clients need to know, as JSON values."""
        height, width, channels = self.input_shape
        return {
            "class_names": self.class_names and list(self.class_names),
            "num_classes": self.num_classes,
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
