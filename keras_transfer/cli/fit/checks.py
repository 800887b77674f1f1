"""Checks of the arguments of `fit` before Keras is imported."""

import argparse
import dataclasses
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

from keras_transfer.cli import words
from keras_transfer.cli.fit.photographs import roots_of
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
        roots = roots_of(arguments)
    for photographs in roots:
        if out.parent.resolve().is_relative_to(photographs.resolve()):
            raise ValueError(
                f"The files written would lie among the photographs in "
                f"{photographs}, where the next run would take the curves for "
                "one of them. Name another folder: --out FOLDER/model.keras"
            )
    return [out, *(check_output(out.parent / name) for name in names)]


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
