"""A trial that the two parts of a model compute what the whole does."""

import keras
import numpy as np
from keras import ops

from keras_transfer import compat
from keras_transfer.features.boundary import Split
from keras_transfer.features.rows import Rows

_NUM_ROWS = 2
# Layers of Keras whose code is the user's, or that pass on masks.
_UNKNOWN = tuple(
    getattr(keras.layers, name)
    for name in (
        "Embedding",
        "FlaxLayer",
        "JaxLayer",
        "Lambda",
        "Masking",
        "TFSMLayer",
        "TorchModuleWrapper",
    )
)


def computes_the_same(model: keras.Model, split: Split, rows: Rows) -> bool:
    """Whether prefix and suffix together equal the model, bit for bit.

    A layer of unknown code may draw random numbers, pass on a mask, or be
    otherwise than the graph shows; a prefix must not notice that it is called
    in training. Keras's own layers and ours are known, and cost no trial.

    Args:
        model: The model.
        split: The same in two parts.
        rows: Data, of which the first two rows are tried.
    """
    if all(map(_is_known, [*split.prefix.steps, *split.suffix.steps])):
        return True
    first = keras.tree.map_structure(
        lambda values: values[:_NUM_ROWS], rows.first()
    )
    inputs = [
        ops.cast(values, ref.spec.dtype)
        for ref, values in zip(
            split.prefix.input_refs, keras.tree.flatten(first), strict=True
        )
    ]
    features = split.prefix(inputs, training=False)
    outputs = split.suffix(features, training=False)
    whole = model(keras.tree.pack_sequence_as(first, inputs), training=False)
    return _equal(split.prefix(inputs, training=True), features) and _equal(
        outputs, keras.tree.flatten(whole)
    )


def _is_known(step):
    parts = [step.operation]
    if isinstance(step.operation, keras.layers.Layer):
        parts = compat.sublayers(step.operation)
    return all(
        type(part).__module__.partition(".")[0] in ("keras", "keras_transfer")
        and not isinstance(part, _UNKNOWN)
        for part in parts
    )


def _equal(ones, others):
    return all(
        np.array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other))
        for one, other in zip(ones, others, strict=True)
    )
