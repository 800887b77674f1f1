"""Tensors that a weights file holds, compared with a model's."""

import collections
import contextlib
import os
import pathlib
import shutil
import zipfile
from collections.abc import Iterator

import keras

from keras_transfer.files.whole_files import private_folder
from keras_transfer.saving import matching
from keras_transfer.saving.archive import ModelFileError
from keras_transfer.saving.archive import members
from keras_transfer.saving.archive import tensors

# Keras keeps the optimizer beside the layers in whole-model files.
_BESIDE = ("optimizer", "optimizer_weights")
# Where whole models of Keras 1 and 2 keep their layers.
_LEGACY = "model_weights/"


@contextlib.contextmanager
def opened(
    path: pathlib.Path,
) -> Iterator[tuple[pathlib.Path, tensors.Tensors]]:
    """Gives the HDF5 file with some weights, and what is in it.

    Args:
        path: A `.weights.h5`, `.h5` or `.keras` file.

    Raises:
        ValueError: If the file is truncated, damaged, hostile or of another
            kind.
    """
    if path.suffix not in (".h5", ".hdf5", ".keras"):
        raise ValueError(
            f"Expected a weights file ending in '.weights.h5', '.h5' or "
            f"'.keras'. Received: {os.fspath(path)!r}."
        )
    with contextlib.ExitStack() as stack:
        try:
            file = path
            if path.suffix == ".keras":
                file = _unpacked(path, stack.enter_context(private_folder()))
            # The model says how large each of them may be.
            found = tensors.scan(file, in_chunks=True)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise ValueError(_damaged(path, f": {error}")) from error
        except ModelFileError as error:
            if isinstance(error.__cause__, OSError):
                raise ValueError(_damaged(path, f": {error.__cause__}")) from (
                    error
                )
            raise ValueError(
                f"The weights file {os.fspath(path)!r} {error.what} "
                f"{error.advice}"
            ) from error
        yield file, found


def check_readable(path: pathlib.Path) -> None:
    """Raises unless a weights file can be opened; needs no model.

    Args:
        path: A `.weights.h5`, `.h5` or `.keras` file.

    Raises:
        ValueError: If the file is truncated, damaged or of another kind.
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
        ValueError: If the file belongs to another architecture.
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
        (tuple(w.shape), matching.kind(w.dtype)) for w in model.weights
    )
    if held != needed:
        raise ValueError(
            f"The weights file {os.fspath(path)!r} belongs to another "
            f"architecture than {model.name!r}, which is unchanged: "
            f"{held.total()} tensors stored, {needed.total()} expected"
            + matching.examples("; missing", needed - held)
            + matching.examples("; not in the model", held - needed)
            + f"; left out: {left_out}" * bool(left_out)
            + "."
        )
    names = {la.name for la in model.layers if la.weights}
    unnamed = sorted(name for name in names if name not in by_layer)
    # Keras passes over layers of the model that such a file does not name.
    if left_out and unnamed:
        raise ValueError(
            f"The weights file {os.fspath(path)!r} belongs to another "
            f"architecture than {model.name!r}, which is unchanged: it has no "
            f"layers named {unnamed[:3]}."
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
        if name.partition("/")[0] not in _BESIDE
    }


def _unpacked(path, folder):
    with zipfile.ZipFile(path) as archive:
        members.check_members(archive.infolist(), os.path.getsize(path))
        target = folder / members.WEIGHTS
        with archive.open(members.WEIGHTS) as member, open(target, "xb") as out:
            shutil.copyfileobj(member, out, 1 << 20)
        return target


def _damaged(path, why):
    return (
        f"The weights file {os.fspath(path)!r} is truncated or damaged{why}. "
        "Fetch it again."
    )
