"""Weights files, compared with a model before anything of them is loaded."""

import collections
import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_transfer.optimizer.transition import ready_optimizer
from keras_transfer.saving import archive
from keras_transfer.saving import matching
from keras_transfer.saving.archive import ModelFileError
from keras_transfer.saving.archive import tensors
from keras_transfer.structure import adapters
from keras_transfer.structure import origins

# Keras keeps the optimizer beside the layers in whole-model files.
_BESIDE = ("optimizer", "optimizer_weights")
# Where whole models of Keras 1 and 2 keep their layers.
_LEGACY = "model_weights/"


def load_weights(
    model: keras.Model,
    path: str | os.PathLike,
    classifier: tuple[str, ...] = (),
    *,
    optimizer: bool = True,
) -> None:
    """Loads a weights file into a model, all of it or nothing.

    The shapes of all stored tensors are compared with the model's before any
    variable changes; Keras alone stops halfway through a file that does not
    fit, and accepts one that holds more layers than the model.

    A compiled model also resumes with the optimizer state that the file holds,
    whether it was compiled with a plain optimizer, which becomes a
    `TransferOptimizer` where it must, or with `kt.wrap_optimizer`. State that
    does not fit is an error, where `model.load_weights` skips it.

    Args:
        model: A built model, compiled or not.
        path: A `.weights.h5`, `.h5` or `.keras` file.
        classifier: Names of layers that the file may hold and the model
            lacks. Where it does, layers are matched by their names, otherwise
            by their order. Defaults to none.
        optimizer: Whether a compiled model takes the optimizer state, too.
            Defaults to `True`.

    Raises:
        ModelFileError: If the file cannot be read, is hostile, holds NaN,
            belongs to another architecture, or if its optimizer state does
            not fit.

    Example:
    >>> import os
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> import tempfile
    >>> def compiled():
    ...     model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    ...     model.compile("adam", "mse")
    ...     return model
    >>> model = compiled()
    >>> history = model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    >>> path = os.path.join(tempfile.mkdtemp(), "model.weights.h5")
    >>> model.save_weights(path)
    >>> again = compiled()
    >>> kt.load_weights(again, path)
    >>> int(again.optimizer.iterations)
    1
    """
    path = pathlib.Path(path)
    with opened(path) as (file, stored):
        left_out = check_contents(model, path, stored, classifier)
        before = model.get_weights()
        options = {"by_name": True} if left_out else {}
        try:
            tensors.check_finite(file, weights_in(stored))
            held = slots_in(stored) if optimizer else {}
            with ready_optimizer(model, held):
                model.load_weights(os.fspath(file), **options)
            matching.check_range(model, stored)
        except Exception as error:
            assign_weights(model, before)
            raise refusal(
                path,
                f"does not fit the model {model.name!r}, which is unchanged: "
                f"{error}",
            ) from error
    origins.note_loaded(model, path.name)


def assign_weights(model: keras.Model, values: list[Any]) -> None:
    """Gives a model the values that `get_weights` of its like returned.

    `set_weights` alone leaves `Normalization` layers computing with what they
    derived from their old weights.
    """
    model.set_weights(values)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


@contextlib.contextmanager
def opened(
    path: pathlib.Path,
) -> Iterator[tuple[pathlib.Path, tensors.Tensors]]:
    """Gives the HDF5 file with some weights, and what is in it.

    Args:
        path: A `.weights.h5`, `.h5` or `.keras` file.

    Raises:
        ModelFileError: If the file is truncated, damaged, hostile or of
            another kind.
    """
    if path.suffix not in (".h5", ".hdf5", ".keras"):
        raise refusal(
            path,
            "is of another kind.",
            "Expected a weights file ending in '.weights.h5', '.h5' or "
            "'.keras'.",
        )
    if path.suffix == ".keras":
        with archive.checked_weights(path) as (file, found):
            yield file, found
        return
    try:
        # The model says how large each of them may be.
        found = tensors.scan(path, in_chunks=True)
    except ModelFileError as error:
        if isinstance(error.__cause__, (OSError, KeyError, RuntimeError)):
            raise refusal(
                path,
                f"is truncated or damaged: {error.__cause__}.",
                "Fetch it again.",
            ) from error
        raise refusal(path, error.what, error.advice) from error
    yield path, found


def check_readable(path: pathlib.Path) -> None:
    """Raises unless a weights file can be opened; needs no model.

    Args:
        path: A `.weights.h5`, `.h5` or `.keras` file.

    Raises:
        ModelFileError: If the file is truncated, damaged or of another kind.
    """
    with opened(path):
        pass


def check_contents(
    model: keras.Model,
    path: pathlib.Path,
    stored: tensors.Tensors,
    classifier: tuple[str, ...] = (),
) -> list[str]:
    """Raises unless a file holds what a model needs and nothing else.

    Args:
        model: A built model.
        path: The file, for messages.
        stored: What is in it.
        classifier: Names of layers that the file may hold beside the model's.

    Returns:
        Names of the layers of `classifier` that the file holds. Only files
        that name their layers, `.h5`, can hold any.

    Raises:
        ModelFileError: If the file belongs to another architecture.
    """
    by_layer = collections.defaultdict(list)
    for name, tensor in weights_in(stored).items():
        layer = name.removeprefix(_LEGACY).partition("/")[0]
        by_layer[layer].append((tensor.shape, tensor.kind))
    left_out = [name for name in classifier if name in by_layer]
    held = collections.Counter(
        weight
        for layer, weights in by_layer.items()
        if layer not in left_out
        for weight in weights
    )
    needed = collections.Counter(
        (tuple(w.shape), matching.kind(w.dtype))
        for w in model.weights
        if not matching.may_be_missing(w)
    )
    if held != needed:
        raise refusal(
            path,
            f"belongs to another architecture than {model.name!r}, which is "
            f"unchanged: {held.total()} tensors stored, {needed.total()} "
            "expected"
            + matching.examples("; missing", needed - held)
            + matching.examples("; not in the model", held - needed)
            + f"; left out: {left_out}" * bool(left_out)
            + ".",
        )
    names = {la.name for la in model.layers if la.weights}
    unnamed = sorted(name for name in names if name not in by_layer)
    # Keras passes over layers of the model that such a file does not name.
    if left_out and unnamed:
        raise refusal(
            path,
            f"belongs to another architecture than {model.name!r}, which is "
            f"unchanged: it has no layers named {unnamed[:3]}.",
        )
    return left_out


def weights_in(stored: tensors.Tensors) -> dict[str, tensors.Tensor]:
    """The tensors of a file that are no state of an optimizer.

    Args:
        stored: What is in the file.
    """
    return {
        name: tensor
        for name, tensor in stored.by_name.items()
        if name.partition("/")[0] not in _BESIDE and not adapters.is_extra(name)
    }


def slots_in(stored: tensors.Tensors) -> dict[str, tuple[int, ...]]:
    """The shapes of what a file holds for an optimizer, by name.

    Args:
        stored: What is in the file.
    """
    return {
        name: tuple(tensor.shape)
        for name, tensor in stored.by_name.items()
        if name.startswith("optimizer/")
    }


def refusal(path: pathlib.Path, what: str, advice: str = "") -> ModelFileError:
    """Returns the error for a weights file, as `ModelFileError` words it."""
    return ModelFileError(what, advice, os.fspath(path), "weights file")
