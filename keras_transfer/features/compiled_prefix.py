"""The function that computes a prefix for batches of any size."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_transfer.features.steps import GraphPart


def compile_prefix(part: GraphPart) -> Callable[[Any], list[np.ndarray]]:
    """Returns a function from a batch of inputs to what a part makes of it.

    A part without steps passes on what it is given, in its own type.

    Args:
        part: The part; its outputs are what the function returns.
    """
    if not part.steps:
        return lambda inputs: [
            np.asarray(values)
            for values in _of(part.input_refs, inputs, part.output_refs)
        ]
    run = _compiled(part)

    def compute(inputs):
        tensors = [
            ops.cast(values, ref.spec.dtype)
            for ref, values in zip(
                part.input_refs, keras.tree.flatten(inputs), strict=True
            )
        ]
        return [ops.convert_to_numpy(made) for made in run(tensors)]

    return compute


def _of(refs: Sequence[Any], inputs, wanted):
    named = dict(zip(refs, keras.tree.flatten(inputs), strict=True))
    return [named[ref] for ref in wanted]


def _compiled(part):
    if keras.backend.backend() != "tensorflow":
        return part.predict_on_batch
    import tensorflow as tf

    # As `predict_on_batch` would, but traced once: Keras traces the first
    # batch for its very size, and then again when a smaller one comes.
    signature = [
        tf.TensorSpec([None, *ref.spec.shape[1:]], ref.spec.dtype)
        for ref in part.input_refs
    ]
    return tf.function(
        lambda tensors: part(tensors, training=False),
        input_signature=[signature],
        autograph=False,
    )
