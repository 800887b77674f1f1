"""Pixels of images that come from anywhere."""

import io

import numpy as np

from keras_transfer.data.diagnosis import BOMBS
from keras_transfer.data.diagnosis import explain_contents
from keras_transfer.data.images import decode_file
from keras_transfer.serving.classifier import Classifier
from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.refusal import Refusal
from keras_transfer.serving.uploads import Upload


def decode_upload(
    upload: Upload, classifier: Classifier, limits: ServiceLimits
) -> np.ndarray:
    """Returns the pixels of an image at the size that a classifier takes.

    A photograph is decoded exactly as training and `keras-transfer predict`
    decode it.

    Args:
        upload: The image.
        classifier: What the pixels are for.
        limits: How many pixels it may have.

    Raises:
        Refusal: If it is unreadable or too large, or pixels do not fit.
    """
    if isinstance(upload.contents, list):
        return _checked_pixels(upload, classifier)
    # Broken files make Pillow raise nearly anything; all of it is an answer.
    try:
        return decode_file(
            io.BytesIO(upload.contents),
            classifier.image_size,
            classifier.color_mode,
            limits.max_pixels,
        ).astype(classifier.dtype)
    except Exception as error:
        reason = explain_contents(upload.contents[:16], error)
        status, mend = 422, "Send a JPEG, PNG, GIF, BMP or WebP file"
        if isinstance(error, BOMBS):
            status = 413
            mend = f"Send at most {limits.max_pixels / 1e6:g} megapixels"
        raise Refusal(
            status,
            f"The image {upload.name!r} cannot be read: {reason}. {mend}.",
        ) from error


def _checked_pixels(upload, classifier):
    try:
        pixels = np.asarray(upload.contents)
    except (ValueError, OverflowError):
        pixels = None  # Ragged.
    expected = classifier.input_shape
    if pixels is None or pixels.shape != expected:
        received = "lists of unequal length" if pixels is None else pixels.shape
        raise Refusal(
            422,
            f"The pixels of image {upload.name} must be of shape {expected}: "
            f"height, width, channels. Received: {received}.",
        )
    if pixels.dtype.kind not in "iuf":
        raise Refusal(
            422, f"The pixels of image {upload.name} must all be numbers."
        )
    low, high = classifier.pixel_range or (-np.inf, np.inf)
    if pixels.min() < low or pixels.max() > high:
        raise Refusal(
            422,
            f"The pixels of image {upload.name} must lie between {low:g} and "
            f"{high:g}. Received: {pixels.min():g} to {pixels.max():g}.",
        )
    # Too large for the type becomes infinity, which the answer tells.
    with np.errstate(over="ignore"):
        return pixels.astype(classifier.dtype)
