"""Folders of weights, and what a preset's `backbone.json` says of them."""

import dataclasses
import json
import os
import pathlib
from typing import Any
from typing import Protocol

from keras_transfer.files import checksums
from keras_transfer.models.preprocessing import Preprocessing
from keras_transfer.saving import archive

DESCRIPTION = "backbone.json"
SCHEMA = 1
SUFFIXES = (".weights.h5", ".h5", ".hdf5", ".keras")


class Files(Protocol):
    """Files by name, on this machine or elsewhere.

    Args:
        label: What the place is called in messages.
        names: Names of the files; those in subfolders hold a `/`.
    """

    label: str
    names: list[str]

    def fetch(self, name: str) -> pathlib.Path:
        """Returns a file on this machine."""


class Folder:
    """The files of a folder on this machine.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self.label = f"The folder {os.fspath(path)!r}"
        self.names = sorted(
            item.name for item in self.path.iterdir() if item.is_file()
        )

    def fetch(self, name: str) -> pathlib.Path:
        """Returns the path of a file."""
        return self.path / name


@dataclasses.dataclass(frozen=True)
class Description:
    """What `backbone.json` says.

    Args:
        model: Name of the model file beside it.
        sha256: Digest of the model file.
        preprocessing: What happens to 0-255 images before the backbone.
        input_shape: `(height, width, channels)`.
        provenance: Where the backbone comes from, as plain JSON values.
        classes: Classes of plugins in the model, with their distributions.
        versions: Versions of keras_transfer and Keras that wrote the files.
    """

    model: str
    sha256: str
    preprocessing: Preprocessing | str
    input_shape: tuple[int | None, ...]
    provenance: dict[str, Any]
    classes: dict[str, Any]
    versions: dict[str, str]

    def to_json(self) -> str:
        """Returns the text of the file."""
        values = {"schema": SCHEMA, **dataclasses.asdict(self)}
        return json.dumps(values, indent=2) + "\n"


def check_json(values: Any) -> None:
    """Checks that values can be written down.

    Raises:
        TypeError: If one of them is no number, string, list or mapping.
    """
    json.dumps(values)


def read_description(files: Files) -> Description:
    """Reads the description of a preset.

    Raises:
        ModelFileError: If there is none, or it is damaged or too new.
    """
    if DESCRIPTION not in files.names:
        raise refusal(
            files,
            f"is no preset: it holds no {DESCRIPTION}.",
            "`kt.save_backbone` writes presets.",
        )
    try:
        values = archive.read_json(files.fetch(DESCRIPTION))
        schema = values.pop("schema")
        if schema == SCHEMA:
            return _checked(values)
    except archive.ModelFileError as error:
        raise refusal(
            files, f"holds a damaged {DESCRIPTION}: it {error.what}"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise refusal(
            files,
            f"holds a damaged {DESCRIPTION} ({type(error).__name__}: "
            f"{str(error)[:200]}).",
        ) from error
    raise refusal(
        files,
        f"is a preset of the schema {schema!r:.80}. Expected {SCHEMA}: a later "
        "version of keras_transfer wrote it.",
        "Update yours.",
    )


def refusal(
    files: Files, what: str, advice: str = "Save or fetch the preset again."
) -> archive.ModelFileError:
    """Returns the error for what a preset holds.

    Args:
        files: The files of the preset.
        what: What it does, as it follows the name of the place.
        advice: How to mend it.
    """
    return archive.ModelFileError(
        what, advice, kind=files.label.removeprefix("The ")
    )


def fetch_model(files: Files, description: Description) -> pathlib.Path:
    """Returns the model file of a preset, checked.

    Raises:
        ModelFileError: If it is missing, or not the one that is described.
    """
    if description.model not in files.names:
        raise refusal(
            files,
            f"is a preset without its model file {description.model!r}.",
        )
    path = files.fetch(description.model)
    # Before all of it is read.
    archive.check_file(path.resolve(), description.model)
    fault = checksums.fault_of(path, {"sha256": description.sha256})
    if fault:
        raise refusal(
            files,
            f"holds a model file {description.model!r} that is damaged or "
            f"another than {DESCRIPTION} describes: {fault}.",
        )
    return path


def fetch_weights(files: Files) -> pathlib.Path:
    """Returns the weights of a preset, or else the only weights file.

    Raises:
        ModelFileError: If there is none, or more than one.
    """
    if DESCRIPTION in files.names:
        return fetch_model(files, read_description(files))
    candidates = [
        name
        for name in files.names
        if name.endswith(SUFFIXES) and not name.startswith(".")
    ]
    if not candidates:
        raise refusal(
            files,
            "holds no weights file: expected one that ends in one of "
            f"{list(SUFFIXES)}.",
            f"Found: {files.names[:5]}.",
        )
    if len(candidates) > 1:
        raise refusal(
            files,
            f"holds {len(candidates)} weights files, such as {candidates[:3]}:",
            "name the one that is meant.",
        )
    return files.fetch(candidates[0])


def _checked(values):
    preprocessing = values["preprocessing"]
    if preprocessing != "inside":
        parts = {
            key: _numbers(preprocessing[key]) for key in ("scale", "offset")
        }
        if not isinstance(preprocessing["bgr"], bool):
            raise ValueError("`bgr` is neither true nor false")
        values["preprocessing"] = Preprocessing(
            **parts, bgr=preprocessing["bgr"]
        )
    values["input_shape"] = tuple(values["input_shape"])
    for key in ("provenance", "classes", "versions"):
        if not isinstance(values[key], dict):
            raise ValueError(f"{key!r} is no object")
    name = values["model"]
    if name != os.path.basename(name) or not name.endswith(".keras"):
        raise ValueError(f"{name!r} is no name of a model file")
    if not isinstance(values["sha256"], str) or len(values["sha256"]) != 64:
        raise ValueError("`sha256` is no digest")
    known = {field.name for field in dataclasses.fields(Description)}
    return Description(**{key: values[key] for key in known})


def _numbers(value):
    numbers = value if isinstance(value, list) else [value]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise TypeError(f"expected numbers, received {value!r}")
    return tuple(numbers) if isinstance(value, list) else value
