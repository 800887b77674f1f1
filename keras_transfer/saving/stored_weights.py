"""Tensors that a weights file holds, compared with a model's."""

import collections
import contextlib
import os
import pathlib
from collections.abc import Iterator

import h5py
import keras

from keras_transfer.saving import archive
from keras_transfer.saving.archive import ModelFileError


def check_contents(
    model: keras.Model,
    file: pathlib.Path,
    classifier: tuple[str, ...] = (),
    path: pathlib.Path | None = None,
) -> list[str]:
    """Raises unless a file holds what a model needs and nothing else.

    Args:
        model: A built model.
        file: A `.weights.h5`, `.h5` or `.keras` file.
        classifier: Names of layers that the file may hold beside the model's.
        path: What the file is called in messages. Defaults to itself.

    Returns:
        Names of the layers of `classifier` that the file holds. Only files
        that name their layers, `.h5`, can hold any.

    Raises:
        ModelFileError: If the file cannot be read or belongs to another
            architecture.
    """
    path = path or file
    with unpacked(file) as unpacked_file, _opened(unpacked_file) as layers:
        left_out = [name for name in classifier if name in layers]
        stored = collections.Counter(_shapes(layers, left_out))
        names = {la.name for la in model.layers if la.weights}
        unnamed = sorted(name for name in names if name not in layers)
    expected = collections.Counter(tuple(w.shape) for w in model.weights)
    missing, extra = expected - stored, stored - expected
    if missing or extra:
        raise refusal(
            path,
            f"belongs to another architecture than {model.name!r}, which is "
            f"unchanged: {stored.total()} tensors stored, {expected.total()} "
            "expected"
            + _examples("; missing", missing)
            + _examples("; not in the model", extra)
            + f"; left out: {left_out}" * bool(left_out)
            + ".",
        )
    # Keras passes over layers of the model that such a file does not name.
    if left_out and unnamed:
        raise refusal(
            path,
            f"belongs to another architecture than {model.name!r}, which is "
            f"unchanged: it has no layers named {unnamed[:3]}.",
        )
    return left_out


def check_readable(path: pathlib.Path) -> None:
    """Raises unless a weights file can be opened; needs no model.

    Args:
        path: A `.weights.h5`, `.h5` or `.keras` file.

    Raises:
        ModelFileError: If the file is truncated, damaged or of another kind.
    """
    with unpacked(path) as file, _opened(file):
        pass


@contextlib.contextmanager
def unpacked(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives the HDF5 file that a weights file is, or that an archive holds.

    Args:
        path: A `.weights.h5`, `.h5` or `.keras` file.

    Raises:
        ModelFileError: If the file is truncated, damaged or of another kind.
    """
    if path.suffix not in (".h5", ".hdf5", ".keras"):
        raise refusal(
            path,
            "is of another kind.",
            "Expected a weights file ending in '.weights.h5', '.h5' or "
            "'.keras'.",
        )
    if path.suffix == ".keras":
        with archive.checked_weights(path) as weights:
            yield weights
    else:
        yield path


def refusal(path: pathlib.Path, what: str, advice: str = "") -> ModelFileError:
    """Returns the error for a weights file, as `ModelFileError` words it."""
    return ModelFileError(what, advice, os.fspath(path), "weights file")


@contextlib.contextmanager
def _opened(path) -> Iterator[h5py.Group]:
    """The group of a file whose members are layers, or what holds them."""
    try:
        with h5py.File(path, "r") as file:
            # Where whole models of Keras 1 and 2 keep their layers.
            yield file.get("model_weights", file)
    except (OSError, KeyError, RuntimeError) as error:
        raise refusal(
            path, f"is truncated or damaged: {error}.", "Fetch it again."
        ) from error


def _shapes(layers, left_out):
    shapes = []

    def visit(name, item):
        # Keras keeps the optimizer beside the layers in whole-model files.
        if isinstance(item, h5py.Dataset) and name.partition("/")[0] not in (
            "optimizer",
            "optimizer_weights",
            *left_out,
        ):
            shapes.append(item.shape)

    layers.visititems(visit)
    return shapes


def _examples(label, shapes):
    if not shapes:
        return ""
    listed = ", ".join(str(shape) for shape in list(shapes)[:3])
    return f"{label} {shapes.total()}, such as {listed}"
