"""Building of models of files, with what they need known before they take it.

Keras makes the variables of a model as it builds it: a file of a few kilobytes
can ask for a layer of a billion units. Here the model is built first with
variables that have shapes and no values; what they take is compared with what
is stored. No formula repeats what a layer computes from its settings.
"""

import collections
import copy
import json
import math
import os
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer.saving.archive import Contents
from keras_transfer.saving.archive import ModelFileError
from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive import members
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.tensors import FLOAT
from keras_transfer.saving.archive.tensors import Tensors
from keras_transfer.saving.archive.tensors import is_finite

# What Keras is given to read in place of the model's own class.
_STAND_IN = "keras_transfer_checked"
# Parts of a compilation that may hold variables; the optimizer is apart.
_MEASURES = ("loss", "metrics", "weighted_metrics")


def load(contents: Contents, path: str | os.PathLike) -> keras.Model:
    """Loads a checked file, once what its model needs is known.

    Args:
        contents: What is in the file.
        path: The file, which is smaller than its weights if it is deflated.

    Raises:
        ModelFileError: If the model needs more memory than its file accounts
            for, or other weights than are stored.
    """
    compilation = contents.config.get("compile_config") or {}
    stored = contents.tensors.bytes
    if os.path.isfile(path):
        stored = min(stored, os.path.getsize(path))
    config = {k: v for k, v in contents.config.items() if k != "compile_config"}
    slots = _slots(compilation)

    def make(config):
        measures = copy.deepcopy(compilation)
        model = keras.saving.deserialize_keras_object(config)
        # These take their variables when they are made.
        for name in _MEASURES:
            keras.saving.deserialize_keras_object(measures.get(name))
        return model

    class StandIn:
        @staticmethod
        def from_config(_):
            model = build(make, config, stored, slots)
            check_stored(model, contents.tensors)
            return model

    entry = {
        "module": None,
        "class_name": _STAND_IN,
        "registered_name": _STAND_IN,
        "config": {},
        "compile_config": contents.config.get("compile_config"),
    }
    (contents.folder / members.CONFIG).write_text(json.dumps(entry))
    model = keras.saving.load_model(
        contents.folder, custom_objects={_STAND_IN: StandIn}, safe_mode=True
    )
    check_range(model, contents.tensors)
    return model


def build(
    make: Callable[[dict[str, Any]], keras.Model],
    config: dict[str, Any],
    stored: int,
    slots: int = 0,
) -> keras.Model:
    """Builds a model whose variables take no more than its file allows.

    Args:
        make: Builds it of a configuration, which it may change.
        config: The configuration.
        stored: Bytes that its weights take in the file.
        slots: Variables of the optimizer for each that is trained. Defaults
            to 0.

    Raises:
        ModelFileError: If it needs more.
    """
    allowed = limits.BUILT_PER_STORED * stored + limits.BUILT_FLOOR
    states = [entry for entry in _entries(config) if _keeps_state(entry)]
    with _Unmade(allowed) as scope:
        model = make(_without_state(config) if states else copy.deepcopy(config))
        trained = sum(map(_bytes_of, model.trainable_variables))
        scope.check(slots * trained + _state_bytes(model, states))
    if states:
        # Their states are made of values, which have no place in the scope.
        return make(copy.deepcopy(config))
    with keras.StatelessScope():
        pass  # Whatever was made without a value gets one when it ends.
    return model


def check_stored(model: keras.Model, stored: Tensors) -> None:
    """Raises unless a file stores each weight of a model, and no other.

    Keras reads what it finds, and leaves the rest as it was made.

    Args:
        model: The model, built.
        stored: What its file holds.

    Raises:
        ModelFileError: Names an example.
    """
    # Random numbers have states too, which Keras does not always store.
    needed = collections.Counter(
        (_shape(variable), _kind(variable.dtype))
        for layer in compat.sublayers(model)
        for variable in compat.own_variables(layer)
        if not _may_be_missing(variable)
    )
    held = collections.Counter(
        (tensor.shape, tensor.kind)
        for name, tensor in stored.by_name.items()
        if not name.startswith("optimizer/") and "seed_generator" not in name
    )
    missing, extra = needed - held, held - needed
    if missing or extra:
        raise ModelFileError(
            f"stores {held.total()} tensors for the {needed.total()} weights "
            "of its model"
            + _examples("; missing", missing)
            + _examples("; not of the model", extra)
            + ".",
            UNUSUAL,
        )


def check_range(model: keras.Model, stored: Tensors) -> None:
    """Raises when a loaded weight became infinite in a narrower type.

    Args:
        model: The model, loaded.
        stored: What its file holds.

    Raises:
        ModelFileError: Names the weight.
    """
    for variable in model.variables:
        is_float = _kind(variable.dtype) == FLOAT
        if not is_float or _itemsize(variable.dtype) >= stored.widest_float:
            continue
        values = np.asarray(keras.ops.convert_to_numpy(variable), "float32")
        if not is_finite(values):
            raise ModelFileError(
                f"stores numbers for {variable.path!r} that {variable.dtype} "
                "cannot hold.",
                "Load it where it was saved, and save it in the precision "
                "that it is used in.",
            )


class _Unmade(keras.StatelessScope):
    """Lets variables be made without values, and counts their bytes."""

    def __init__(self, allowed):
        super().__init__(initialize_variables=False)
        self._allowed = allowed
        self._counted = self._bytes = 0

    def __exit__(self, *error):
        super().__exit__(*error)
        if error[0] is not None:
            compat.uninitialized_variables().clear()

    def get_current_value(self, variable):
        # Some layers compute with their variables while they are built.
        self.check()
        return super().get_current_value(variable)

    def check(self, beside=0):
        """Raises when all variables and what is beside them are too much."""
        made = compat.uninitialized_variables()
        self._bytes += sum(map(_bytes_of, made[self._counted :]))
        self._counted = len(made)
        if self._bytes + beside > self._allowed:
            largest = max(made, key=_bytes_of)
            raise ModelFileError(
                f"builds a model of {self._bytes + beside} bytes at least, "
                f"with the weight {largest.path[:80]!r} of shape "
                f"{largest.shape}; expected {self._allowed} at most for what "
                "is stored.",
                UNUSUAL,
            )


def _slots(compilation):
    """Variables that an optimizer keeps for each one that it trains."""
    if not compilation:
        return 0
    named = copy.deepcopy(compilation.get("optimizer", "rmsprop"))
    optimizer = keras.optimizers.get(named)
    before = len(optimizer.variables)
    optimizer.build([keras.Variable(np.zeros((2, 2), "float32"))])
    return len(optimizer.variables) - before


def _entries(config):
    pending = [config]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if isinstance(item.get("config"), dict):
                yield item
            pending += item.values()
        elif isinstance(item, list):
            pending += item


def _keeps_state(entry):
    return entry["config"].get("stateful") is True


def _without_state(config):
    config = copy.deepcopy(config)
    for entry in list(_entries(config)):
        if _keeps_state(entry):
            entry["config"]["stateful"] = False
        # Nothing of this model may turn up in the one that is kept.
        entry.pop("shared_object_id", None)
    return config


def _state_bytes(model, states):
    """At most what recurrent layers remember from batch to batch."""
    if not states:
        return 0
    shapes = [
        tensor.shape
        for layer in compat.sublayers(model)
        for node in compat.calls(layer)
        for tensor in node.outputs
    ]
    batch = max(shape[0] or 1 for shape in shapes if shape)
    one = max(math.prod(d or 1 for d in shape[1:]) for shape in shapes)
    weights = [max(v.shape, default=1) for v in model.variables]
    return 16 * len(states) * batch * max(one, *weights)


def _may_be_missing(variable):
    return variable.name.startswith("lora_") or "seed_generator" in (
        variable.path
    )


def _examples(label, counter):
    if not counter:
        return ""
    listed = ", ".join(f"{kind} {shape}" for shape, kind in list(counter)[:3])
    return f"{label} {counter.total()}, such as {listed}"


def _shape(variable):
    return tuple(variable.shape)


def _kind(dtype):
    return FLOAT if "float" in dtype else dtype


def _itemsize(dtype):
    digits = re.search(r"\d+", dtype)
    return max(int(digits[0]) // 8, 1) if digits else 1


def _bytes_of(variable):
    return math.prod(variable.shape) * _itemsize(variable.dtype)
