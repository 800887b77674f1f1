"""The reading of stored rows by a compiled step."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_transfer.feature_store.memory import MemoryStore
from keras_transfer.feature_store.store import FeatureStore
from keras_transfer.structure.graph import Ref


def reader_of(
    store: FeatureStore | MemoryStore, refs: Sequence[Ref]
) -> Callable[[Any], list[Any]]:
    """Returns a function from row numbers to tensors, one for each array.

    Call it outside of compiled steps, and what it returns inside of them.

    Args:
        store: What is stored: an array for each of `refs`, in their order.
        refs: The tensors that rows stand for; their type is what they get.
    """
    if isinstance(store, MemoryStore):
        arrays = [_tensor(store, name) for name in store.specs]
        return lambda rows: [
            ops.cast(ops.take(array, rows, axis=0), ref.spec.dtype)
            for array, ref in zip(arrays, refs, strict=True)
        ]
    return lambda rows: _read(store, refs, rows)


def _tensor(store, name):
    tensor = ops.convert_to_tensor(store[name])
    # One after the other, so that memory holds all of them only once.
    store.replace(name, ops.convert_to_numpy(tensor))
    return tensor


def _read(store, refs, rows):
    import tensorflow as tf

    # A part of the graph that runs as Python: the file stays on disk.
    read = tf.numpy_function(
        lambda numbers: [*store.read(numbers).values()],
        [tf.convert_to_tensor(rows)],
        [tf.dtypes.as_dtype(spec.type) for spec in store.specs.values()],
        stateful=False,
    )
    tensors = []
    for made, ref, spec in zip(read, refs, store.specs.values(), strict=True):
        made.set_shape((*rows.shape, *spec.shape))
        tensors.append(ops.cast(made, ref.spec.dtype))
    return tensors
