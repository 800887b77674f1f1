"""Tensors that a weights file holds, compared with a model's."""

import collections
import contextlib
import os
import pathlib
import zipfile
from collections.abc import Iterator

import h5py
import keras


def check_contents(
    model: keras.Model, path: pathlib.Path, classifier: tuple[str, ...] = ()
) -> list[str]:
    """Raises unless a file holds what a model needs and nothing else.

    Args:
        model: A built model.
        path: A `.weights.h5`, `.h5` or `.keras` file.
        classifier: Names of layers that the file may hold beside the model's.

    Returns:
        Names of the layers of `classifier` that the file holds. Only files
        that name their layers, `.h5`, can hold any.

    Raises:
        ValueError: If the file cannot be read or belongs to another
            architecture.
    """
    with _opened(path) as layers:
        left_out = [name for name in classifier if name in layers]
        stored = collections.Counter(_shapes(layers, left_out))
        names = {la.name for la in model.layers if la.weights}
        unnamed = sorted(name for name in names if name not in layers)
    expected = collections.Counter(tuple(w.shape) for w in model.weights)
    missing, extra = expected - stored, stored - expected
    if missing or extra:
        raise ValueError(
            f"The weights file {os.fspath(path)!r} belongs to another "
            f"architecture than {model.name!r}, which is unchanged: "
            f"{stored.total()} tensors stored, {expected.total()} expected"
            + _examples("; missing", missing)
            + _examples("; not in the model", extra)
            + f"; left out: {left_out}" * bool(left_out)
            + "."
        )
    # Keras passes over layers of the model that such a file does not name.
    if left_out and unnamed:
        raise ValueError(
            f"The weights file {os.fspath(path)!r} belongs to another "
            f"architecture than {model.name!r}, which is unchanged: it has no "
            f"layers named {unnamed[:3]}."
        )
    return left_out


def check_readable(path: pathlib.Path) -> None:
    """Raises unless a weights file can be opened; needs no model.

    Args:
        path: A `.weights.h5`, `.h5` or `.keras` file.

    Raises:
        ValueError: If the file is truncated, damaged or of another kind.
    """
    with _opened(path):
        pass


@contextlib.contextmanager
def _opened(path) -> Iterator[h5py.Group]:
    """The group of a file whose members are layers, or what holds them."""
    if path.suffix not in (".h5", ".hdf5", ".keras"):
        raise ValueError(
            f"Expected a weights file ending in '.weights.h5', '.h5' or "
            f"'.keras'. Received: {os.fspath(path)!r}."
        )
    try:
        with _layers(path) as layers:
            yield layers
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"The weights file {os.fspath(path)!r} is truncated or damaged: "
            f"{error}. Fetch it again."
        ) from error


@contextlib.contextmanager
def _layers(path) -> Iterator[h5py.Group]:
    if path.suffix == ".keras":
        with (
            zipfile.ZipFile(path) as archive,
            archive.open("model.weights.h5") as member,
            h5py.File(member, "r") as file,
        ):
            yield file
    else:
        with h5py.File(path, "r") as file:
            # Where whole models of Keras 1 and 2 keep their layers.
            yield file.get("model_weights", file)


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
