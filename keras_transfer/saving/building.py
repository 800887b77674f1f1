"""Building of models of files, with what they need known before they take it.

Keras makes the variables of a model as it builds it: a file of a few kilobytes
can ask for a layer of a billion units. Here the model is built first with
variables that have shapes and no values; what they take is compared with what
is stored. No formula repeats what a layer computes from its settings.
"""

import copy
import json
import math
import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer.saving import matching
from keras_transfer.saving.archive import Contents
from keras_transfer.saving.archive import ModelFileError
from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive import members
from keras_transfer.saving.archive.error import UNUSUAL

# What Keras is given to read in place of the model's own class.
_STAND_IN = "keras_transfer_checked"
# What Keras says of a variable that is made of a value in such a scope.
_MADE_OF_VALUES = "while in a stateless scope"
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
    config = _with_counted_parts(config)
    slots = _slots(compilation)
    has_foreign = any(
        not name.startswith("keras_transfer>")
        for name in contents.found.classes
    )

    def make(config):
        measures = copy.deepcopy(compilation)
        model = keras.saving.deserialize_keras_object(config)
        # These take their variables when they are made.
        for name in _MEASURES:
            keras.saving.deserialize_keras_object(measures.get(name))
        matching.check_stored(model, contents.tensors)
        return model

    class StandIn:
        @staticmethod
        def from_config(_):
            try:
                model = build(make, config, stored, slots, has_foreign)
            except TypeError as error:
                # Keras hides those behind what it calls this class.
                raise ValueError(str(error)) from error
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
    matching.check_range(model, contents.tensors)
    return model


def build(
    make: Callable[[dict[str, Any]], keras.Model],
    config: dict[str, Any],
    stored: int,
    slots: int = 0,
    has_foreign: bool = False,
) -> keras.Model:
    """Builds a model whose variables take no more than its file allows.

    Args:
        make: Builds it of a configuration, which it may change.
        config: The configuration.
        stored: Bytes that its weights take in the file.
        slots: Variables of the optimizer for each that is trained. Defaults
            to 0.
        has_foreign: Whether it holds classes that are not Keras's or ours.
            Those may make variables of values, which are there at once; such
            a model is built without being counted. Defaults to `False`.

    Raises:
        ModelFileError: If it needs more.
    """
    allowed = limits.BUILT_PER_STORED * stored + limits.BUILT_FLOOR
    states = [entry for entry in _entries(config) if _keeps_state(entry)]
    try:
        with _Unmade(allowed) as scope:
            model = make(
                _without_state(config) if states else copy.deepcopy(config)
            )
            trained = sum(map(_bytes_of, model.trainable_variables))
            scope.check(slots * trained + _state_bytes(model, states))
    except ValueError as error:
        if not has_foreign or _MADE_OF_VALUES not in str(error):
            raise
        return make(copy.deepcopy(config))
    if states:
        # Their states are made of values as well.
        compat.uninitialized_variables().clear()
        return make(copy.deepcopy(config))
    matching.give_values(model)
    return model


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
    named = copy.deepcopy(compilation.get("optimizer") or "rmsprop")
    optimizer = keras.optimizers.get(named)
    optimizer.build([keras.Variable(np.zeros((2, 2), "float32"))])
    # Counters, which are numbers, do not grow with the weights.
    return sum(tuple(v.shape) == (2, 2) for v in optimizer.variables)


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


def _with_counted_parts(config):
    """The same with the number of tensors that each `Unstack` returns.

    Keras makes as many as there turn out to be. What the file says of its
    input is what Keras found when it wrote it.
    """
    config = copy.deepcopy(config)
    for entry in _entries(config):
        settings = entry["config"]
        if entry.get("class_name") != "Unstack" or settings.get("num"):
            continue
        tensor, *_ = _entries(entry["inbound_nodes"])
        number = tensor["config"]["shape"][settings.get("axis", 0)]
        if not number or number > limits.UNSTACKED:
            raise ModelFileError(
                f"takes a tensor apart into {number} with {entry['name']!r}; "
                f"expected {limits.UNSTACKED} at most.",
                UNUSUAL,
            )
        settings["num"] = number
    return config


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


def _bytes_of(variable):
    return math.prod(variable.shape) * matching.itemsize(variable.dtype)
