"""Weights and flags of a built model, matched with what its file stores."""

import collections
import re

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer.saving.archive import ModelFileError
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.tensors import FLOAT
from keras_transfer.saving.archive.tensors import Tensors
from keras_transfer.saving.archive.tensors import is_finite
from keras_transfer.structure import adapters
from keras_transfer.structure import freeze_state


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
        (_shape(variable), kind(variable.dtype))
        for layer in compat.sublayers(model)
        for variable in compat.own_variables(layer)
        if not may_be_missing(variable)
    )
    held = collections.Counter(
        (tensor.shape, tensor.kind)
        for name, tensor in stored.by_name.items()
        if not name.startswith("optimizer/")
        and "seed_generator" not in name
        and not adapters.is_extra(name)
    )
    missing, extra = needed - held, held - needed
    if missing or extra:
        raise ModelFileError(
            f"stores {held.total()} tensors for the {needed.total()} weights "
            "of its model"
            + examples("; missing", missing)
            + examples("; not of the model", extra)
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
        is_float = kind(variable.dtype) == FLOAT
        if not is_float or itemsize(variable.dtype) >= stored.widest_float:
            continue
        values = np.asarray(keras.ops.convert_to_numpy(variable), "float32")
        if not is_finite(values):
            raise ModelFileError(
                f"stores numbers for {variable.path!r} that {variable.dtype} "
                "cannot hold.",
                "Load it where it was saved, and save it in the precision "
                "that it is used in.",
            )


def itemsize(dtype: str) -> int:
    """Bytes of one number of a type of Keras.

    Args:
        dtype: Such as `"bfloat16"`; NumPy does not know all of them.
    """
    digits = re.search(r"\d+", dtype)
    return max(int(digits[0]) // 8, 1) if digits else 1


def may_be_missing(variable: keras.Variable) -> bool:
    """Whether files hold no tensor for a variable, or not always."""
    return variable.name.startswith("lora_") or "seed_generator" in (
        variable.path
    )


def examples(label: str, counter: collections.Counter) -> str:
    """A few of the weights that are missing or too many, for a message.

    Args:
        label: What they are.
        counter: How many there are of each shape and kind.
    """
    if not counter:
        return ""
    listed = ", ".join(f"{kind} {shape}" for shape, kind in list(counter)[:3])
    return f"{label} {counter.total()}, such as {listed}"


def _shape(variable):
    return tuple(variable.shape)


def kind(dtype: str) -> str:
    """What `Tensor.kind` is for weights of a type of Keras.

    Args:
        dtype: The type.
    """
    return FLOAT if "float" in dtype else dtype


def give_values(model: keras.Model) -> None:
    """Gives values to the variables of a model that have none yet.

    Args:
        model: A model that was built in a `keras.StatelessScope`.
    """
    # TensorFlow computes gradients of what could be trained when it got its
    # value: what is frozen now may be opened later.
    frozen = [
        variable
        for layer in compat.sublayers(model)
        for variable in compat.own_trainable_variables(layer)
        if not variable.trainable
    ]
    freeze_state.write((), ((variable, True) for variable in frozen))
    with keras.StatelessScope():
        pass  # Whatever was made without a value gets one when it ends.
    freeze_state.write((), ((variable, False) for variable in frozen))
