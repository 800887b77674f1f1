"""The first batch of a training, before the first step."""

import random
from typing import Any

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer.checks import classifier_loss
from keras_transfer.checks import labels
from keras_transfer.checks import pixels
from keras_transfer.data.catalogue import Catalogue
from keras_transfer.structure.output_records import output_records


def check_data(model: keras.Model, x: Any, y: Any = None) -> None:
    """Raises for data that a model would silently learn nothing useful from.

    Arrays are checked whole, a dataset or `PyDataset` by its first batch, and
    the labels of a dataset of `kt.data.from_directory` all at once. A generator
    is left alone, because reading from it would use it up. Pixels that are
    already scaled only cause a warning.

    Args:
        model: A compiled model. What goes into several inputs is not checked.
        x: What `fit` takes as `x`.
        y: What `fit` takes as `y`.

    Raises:
        ValueError: For labels that the loss of their output misreads, logits
            under a loss for probabilities, images that are booleans, not
            finite or of another shape, or a dataset without a batch.
    """
    classifier_loss.check_loss(model, getattr(model, "loss", None))
    catalogue = Catalogue.of(x)
    if catalogue is not None:
        # All labels; and the images in order, as a look at shuffled ones
        # would change the order of the training.
        images = next(iter(catalogue.images_from(0).take(1)))
        batch = keras.ops.convert_to_numpy(images), catalogue.encoded_labels
    else:
        batch = _first_batch(x, y)
    if batch is None:
        return
    images, targets = batch
    if hasattr(images, "shape") and _takes_images(model):
        pixels.check_images(model, images)
    if targets is None:
        return
    names = {r.name: r.class_names for r in output_records(model)}
    trained = classifier_loss.trained_outputs(model, model.loss)
    if isinstance(targets, dict) and len(trained) > 1:
        _check_names(model, trained, targets)
    parts = _parts(trained, targets)
    for (output, loss), part in zip(trained, parts, strict=True):
        if loss is not None and part is not None:
            part = keras.ops.convert_to_numpy(part)
            known = names.get(output.name)
            labels.check_labels(model.name, output, loss, part, known)


def _check_names(model, trained, targets):
    """Raises unless there are labels for each output, and for no other."""
    names = [output.name for output, _ in trained]
    missing = [o.name for o, _ in trained if o.name not in targets]
    if missing:
        raise ValueError(
            f"There are no labels for the outputs {missing} of {model.name!r}. "
            f"Expected them by the names {names}. Received: {[*targets]}."
        )
    unknown = [name for name in targets if name not in names]
    if unknown:
        raise ValueError(
            f"The model {model.name!r} has no output {unknown[0]!r}. Expected "
            f"labels by the names {names}. Received: {[*targets]}."
        )


def _takes_images(model):
    return compat.is_graph(model) and len(model.inputs) == 1


def _parts(trained, targets):
    """The labels of each output; `None` where they cannot be told apart."""
    if isinstance(targets, dict):
        if len(trained) == len(targets) == 1:
            return [*targets.values()]
        return [targets.get(output.name) for output, _ in trained]
    if len(trained) == 1:
        is_list = isinstance(targets, (list, tuple)) and len(targets) == 1
        return [targets[0] if is_list else targets]
    if isinstance(targets, (list, tuple)) and len(targets) == len(trained):
        return list(targets)
    return [None] * len(trained)


def check_labels_given(
    model: keras.Model, x: Any, y: Any, data: str = "data"
) -> None:
    """Raises if a loss needs labels and there are none.

    Args:
        model: A compiled model.
        x: What `fit` takes as `x`.
        y: What `fit` takes as `y`.
        data: What they are called in the error. Defaults to `"data"`.

    Raises:
        ValueError: With where labels are given.
    """
    if y is not None or not _needs_labels(model):
        return
    if hasattr(x, "element_spec"):
        given = isinstance(x.element_spec, tuple) and len(x.element_spec) > 1
    elif isinstance(x, keras.utils.PyDataset):
        batch = _first_of(x)
        given = isinstance(batch, (tuple, list)) and len(batch) > 1
    else:
        # What else may yield batches is left to Keras.
        leaves = keras.tree.flatten(x)
        given = not all(
            np.ndim(leaf) or hasattr(leaf, "shape") for leaf in leaves
        )
    if not given:
        name = classifier_loss.loss_name(model.loss)
        raise ValueError(
            f"The {data} have no labels, and the loss "
            f"{f'{name!r} ' if name else ''}needs them. Expected `y` beside "
            "`x`, or a dataset of pairs (x, y), as in kt.fit(model, x, y) and "
            "kt.fine_tune(model, (x, y))."
        )


def _needs_labels(model):
    # A model may compute its loss otherwise, such as by `add_loss`.
    is_plain = all(
        getattr(type(model), name) is getattr(keras.Model, name)
        for name in ("train_step", "compute_loss")
    )
    losses = keras.tree.flatten(getattr(model, "loss", None))
    return is_plain and any(loss is not None for loss in losses)


def _first_batch(x, y):
    if isinstance(x, keras.utils.PyDataset):
        return _unpacked(_first_of(x))
    # Those that are distributed among devices cannot be looked at.
    if y is None and hasattr(x, "element_spec") and hasattr(x, "take"):
        for batch in x.take(1):
            return _unpacked(batch)
        raise ValueError(
            "The dataset yields no batch. Check that its source has images "
            "and that it is not an exhausted iterator."
        )
    return None if y is None else (x, y)


def _first_of(dataset):
    """The first batch, whose random numbers training will draw again."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        return dataset[0]
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _unpacked(batch):
    x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
    return keras.ops.convert_to_numpy(x) if hasattr(x, "shape") else x, y
