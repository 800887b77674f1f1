"""Checks of the first data before any training step."""

from typing import Any

import keras

from keras_transfer.checks import class_labels
from keras_transfer.checks import classifier_loss
from keras_transfer.checks import pixels


def check_data(
    model: keras.Model, x: Any, y: Any = None, classifies: bool = True
) -> None:
    """Refuses data that would train a model to a wrong end.

    Arrays are checked whole, a dataset or `PyDataset` by its first batch; a
    generator is not touched, since looking at it would use it up. Pixels that
    were scaled already are a warning.

    Args:
        model: A model with one input of images and one output.
        x: What `fit` takes as `x`.
        y: What `fit` takes as `y`.
        classifies: Whether labels are classes. Defaults to `True`.

    Raises:
        ValueError: For labels outside `[0, num_classes)`, labels that are not
            whole numbers, shapes of labels that do not fit the loss, logits
            under a loss for probabilities, images that are booleans, not
            finite or of another shape, or a dataset without a batch.
    """
    classifier_loss.check_loss(model, getattr(model, "loss", None))
    batch = _first_batch(x, y)
    if batch is None:
        return
    images, labels = batch
    pixels.check_images(model, images)
    if labels is not None and classifies:
        class_labels.check_labels(model, labels)


def _first_batch(x, y):
    if isinstance(x, keras.utils.PyDataset):
        return _unpacked(x[0])
    if y is None and hasattr(x, "element_spec"):
        for batch in x.take(1):
            return _unpacked(batch)
        raise ValueError(
            "The dataset yields no batch. Check that its source has images "
            "and that it is not an exhausted iterator."
        )
    if y is None or not hasattr(x, "shape"):
        return None
    return x, keras.ops.convert_to_numpy(y)


def _unpacked(batch):
    x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
    if not hasattr(x, "shape"):
        return None
    x = keras.ops.convert_to_numpy(x)
    return x, None if y is None else keras.ops.convert_to_numpy(y)
