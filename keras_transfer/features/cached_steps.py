"""Training steps that take features instead of images."""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_transfer.feature_store.memory import MemoryStore
from keras_transfer.feature_store.store import FeatureStore
from keras_transfer.features.rows import ROW
from keras_transfer.structure.graph import Ref
from keras_transfer.structure.replay import pack_outputs


class CachedSteps:
    """Lets a model train on row numbers while `fit` runs.

    `fit`, the callbacks and everything else see the model itself. Only where
    Keras's steps call it on row numbers, its suffix is called on the features
    of these rows instead. Other data are handled as usual.

    Args:
        model: A compiled model.
    """

    def __init__(self, model: keras.Model):
        self.model = model
        # Holds the features; replaced when the boundary moves.
        self.cache: Any = None

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Replaces the model's steps, and restores them at the end."""
        names = ("train_step", "test_step")
        for name in names:
            object.__setattr__(self.model, name, self._step(name))
        self._forget_functions()
        self.model.train_function = self.model.test_function = None
        try:
            yield
        finally:
            for name in names:
                delattr(self.model, name)
            self._forget_functions()
            self.model.train_function = self.model.test_function = None

    def use(self, cache: Any) -> None:
        """Reads another cache from the next step on.

        Args:
            cache: Has `open`, `gather` and `split`.
        """
        cache.open()
        self.cache = cache
        # Existing functions were traced with the features of the last cache.
        self._forget_functions()
        self.model.make_train_function(force=True)
        self.model.make_test_function(force=True)

    def _forget_functions(self):
        memory = getattr(self.model.optimizer, "memory", None)
        functions = getattr(memory, "step_functions", None)
        if functions is not None:
            functions.forget()

    def _step(self, name):
        ordinary = getattr(type(self.model), name)

        def step(data):
            x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
            if not isinstance(x, dict) or ROW not in x:
                return ordinary(self.model, data)
            return ordinary(_StandIn(self.model, self._call), data)

        return step

    def _call(self, x, training=None):
        cache = self.cache
        features = cache.gather(x[ROW])
        outputs = cache.split.suffix(features, training=training)
        return pack_outputs(self.model, outputs)


class _StandIn:
    """Behaves like the model, except when called."""

    def __init__(self, model, call):
        self.__dict__.update(_model=model, _call=call)

    def __getattr__(self, name):
        return getattr(self._model, name)

    def __setattr__(self, name, value):
        setattr(self._model, name, value)

    def __call__(self, x, **options):
        return self._call(x, **options)


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
