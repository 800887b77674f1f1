"""The metrics of each epoch, kept in the model and in its file."""

import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_transfer.callbacks import monitoring
from keras_transfer.structure import model_info

# Keeps the file quick to inspect; enough for about a thousand epochs.
_MOST_BYTES = 64 * 1024
# Of the values of one metric in one epoch, such as an F1 score per class.
_MOST_VALUES = 256


class RecordHistory(keras.callbacks.Callback):
    """Records the metrics of each epoch in a model's `ModelInfo`.

    `kt.info(model).history` returns them, also for a file. A training that
    begins at a later epoch continues the history. Models without a `ModelInfo`
    layer are left unchanged.
    """

    # It does nothing after batches.
    async_safe = True

    def on_epoch_end(self, epoch, logs=None):
        record(self.model, epoch, logs or {})


def record(model: keras.Model, epoch: int, logs: Mapping[str, Any]) -> None:
    """Records the metrics of an epoch.

    Records of this epoch and later ones are replaced. The oldest epochs are
    dropped when the history would exceed 64 kB.

    Args:
        model: Any Keras model.
        epoch: Number of the epoch, from 0.
        logs: Its metrics by name. A metric with several values is recorded
            as a list, if there are at most 256. What is missing or not finite
            becomes `None`.

    Example:
    >>> import keras_transfer as kt
    >>> image = keras.Input((8, 8, 3))
    >>> backbone = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> record(model, 0, {"loss": 0.5})
    >>> record(model, 1, {"loss": 0.25, "val_loss": 0.75})
    >>> kt.info(model).history
    {'loss': [0.5, 0.25], 'val_loss': [None, 0.75]}
    """
    metadata = model_info.find(model)
    if metadata is None:
        return
    old = metadata.get("history") or {}
    first = metadata.get("history_begins_at") or 0
    count = max(map(len, old.values()), default=0)
    # A new training, or one that continues after epochs that were not recorded.
    if not first <= epoch <= first + count:
        first, old = epoch, {}
    kept = epoch - first
    figures = {name: _figure(value) for name, value in logs.items()}
    history = {}
    for name in dict.fromkeys([*old, *figures]):
        values = list(old.get(name, ()))[:kept]
        values += [None] * (kept - len(values))
        history[name] = [*values, figures.get(name)]
    dropped = _surplus(history, kept + 1)
    metadata["history"] = {n: v[dropped:] for n, v in history.items()}
    metadata["history_begins_at"] = first + dropped


def restore(model: keras.Model, stored: Mapping[str, Any]) -> None:
    """Takes over the history that a model file holds.

    Args:
        model: The model that goes on from the file.
        stored: The metadata in the file.
    """
    metadata = model_info.find(model)
    if metadata is not None:
        keys = ("history", "history_begins_at")
        metadata.update((key, stored[key]) for key in keys if key in stored)


def _figure(value):
    if np.size(value) > _MOST_VALUES:
        return None
    values = np.asarray(monitoring.plain(value), object)
    finite = np.isfinite(values.astype("float64"))
    return np.where(finite, values, None).tolist()


def _surplus(history, count):
    """Returns how many of the oldest epochs must go."""
    size = len(json.dumps(history))
    return 0 if size <= _MOST_BYTES else -(-count // 10)
