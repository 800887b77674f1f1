"""Checks of the arguments of `fit` before Keras is imported."""

import argparse
import dataclasses
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

from keras_transfer.cli import words
from keras_transfer.data.layout import roots_of
from keras_transfer.files.output_path import check_output
from keras_transfer.models.spec import BackboneSpec
from keras_transfer.models.spec import get_backbone

DEFAULT_HIDDEN_UNITS = (256,)


@dataclasses.dataclass(frozen=True)
class Network:
    """The backbone that was asked for.

    Args:
        spec: What the registry says of it.
        options: Its options, of the right types.
        weights: Tag, path, or `None` for random ones.
        input_shape: `(height, width, channels)`.
    """

    spec: BackboneSpec
    options: dict[str, Any]
    weights: str | None
    input_shape: tuple[int, int, int]

    @property
    def label(self) -> str:
        """Name with options, as text."""
        options = ", ".join(f"{k}={v}" for k, v in self.options.items())
        return f"{self.spec.name} ({options})" if options else self.spec.name


def photographs_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns what `from_directory` takes to find the photographs."""
    return {
        "path": arguments.folder,
        "train": arguments.train,
        "validation": arguments.validation,
        "test": arguments.test,
        "class_names": arguments.class_names,
        "label_from_name": arguments.label_from_name,
        "group": arguments.group,
    }


_OF_TABLES = (
    "image",
    "label",
    "labels",
    "separator",
    "target",
    "split",
    "weight",
    "images",
)
_TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq")


def is_table(arguments: argparse.Namespace) -> bool:
    """Tells whether a table of photographs was named, not a folder.

    Raises:
        ValueError: Options of the one are given for the other.
    """
    path = arguments.folder
    found = path is not None and path.suffix.lower() in _TABLES
    found = found and not path.is_dir()
    others = ("train", "validation", "test", "label_from_name")
    for name in others if found else _OF_TABLES:
        if getattr(arguments, name) is not None:
            option = f"--{name.replace('_', '-')}"
            what = "a folder" if found else "a table (.csv, .tsv, .parquet)"
            raise ValueError(
                f"{option} is for {what} of photographs. Received: "
                f"{path or arguments.train}"
            )
    return found


def table_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns what `from_table` takes to find the photographs."""
    given = {name: getattr(arguments, name) for name in _OF_TABLES}
    if given["labels"] and given["separator"] and len(given["labels"]) == 1:
        (given["labels"],) = given["labels"]
    given = {name: value for name, value in given.items() if value is not None}
    return {
        "table": arguments.folder,
        "group": arguments.group,
        "class_names": arguments.class_names,
        **given,
    }


def folders_of(arguments: argparse.Namespace) -> list[pathlib.Path]:
    """Returns the folders that were named."""
    if is_table(arguments):
        return [arguments.images or arguments.folder.parent]
    named = photographs_of(arguments)
    keys = ("path", "train", "validation", "test")
    return [named[key] for key in keys if named[key] is not None]


def check_outputs(
    arguments: argparse.Namespace, names: tuple[str, ...]
) -> list[pathlib.Path]:
    """Returns the files that will be written: the model, then its companions.

    Args:
        arguments: Those of `fit`.
        names: File names of the companions, in the model's folder.

    Raises:
        ValueError: If one of them cannot be written, or would lie among the
            photographs.
    """
    out = arguments.out
    if out.suffix != ".keras":
        raise ValueError(
            f"A model file must be named '*.keras'. Received: --out {out}"
        )
    out = check_output(out)
    with warnings.catch_warnings():
        # They are repeated when the photographs are read.
        warnings.simplefilter("ignore")
        roots = _roots(arguments)
    for photographs in roots:
        if out.parent.resolve().is_relative_to(photographs.resolve()):
            raise ValueError(
                f"The files written would lie among the photographs in "
                f"{photographs}, where the next run would take the curves for "
                "one of them. Name another folder: --out FOLDER/model.keras"
            )
    return [out, *(check_output(out.parent / name) for name in names)]


def _roots(arguments):
    if is_table(arguments):
        # A table lies where its photographs do, and a model may as well.
        return [arguments.images] if arguments.images else []
    named = photographs_of(arguments)
    del named["group"]
    return roots_of(**named)


def check_cache(cache: str, folders: Sequence[pathlib.Path]) -> None:
    """Raises if the folder of features lies among the photographs.

    Args:
        cache: `auto`, `memory`, `none` or a folder.
        folders: Those of the photographs.

    Raises:
        ValueError: With advice to name another folder.
    """
    place = pathlib.Path(cache).expanduser().resolve()
    for folder in folders:
        if place.is_relative_to(folder.resolve()):
            raise ValueError(
                f"The features would lie among the photographs in '{folder}', "
                "where the next run would take them for a class. Name another "
                "folder: --cache FOLDER"
            )


def check_network(arguments: argparse.Namespace) -> Network:
    """Returns the backbone that the arguments describe.

    Raises:
        ValueError: For an unknown name or option, an image size below the
            backbone's minimum, or arguments that contradict each other.
    """
    _check_head(arguments)
    spec = get_backbone(arguments.backbone)
    size = arguments.image_size or spec.default_size
    if size < spec.minimum_size:
        raise ValueError(
            f"The backbone {spec.name!r} needs images of at least "
            f"{spec.minimum_size}x{spec.minimum_size} pixels. Received: "
            f"--image-size {size}"
        )
    return Network(
        spec=spec,
        options=words.backbone_options(spec, arguments.option),
        weights=None if arguments.weights == "none" else arguments.weights,
        input_shape=(size, size, 3),
    )


def _check_head(arguments):
    if arguments.head == "mlp":
        if arguments.hidden_units is None:
            arguments.hidden_units = DEFAULT_HIDDEN_UNITS
    elif arguments.hidden_units is not None:
        raise ValueError(
            "--hidden-units belongs to --head mlp; the linear head has none."
        )
