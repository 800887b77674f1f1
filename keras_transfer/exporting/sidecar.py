"""The JSON file beside an exported file: its description and digests."""

import dataclasses
import json
import pathlib
from typing import Any

from keras_transfer.exporting import sidecar_schema
from keras_transfer.files import untrusted
from keras_transfer.files.checksums import file_sha256

# A hundred thousand names of classes fit in; known before it is read.
_MOST_BYTES = 4 << 20


def sidecar_of(path: pathlib.Path) -> pathlib.Path:
    """Returns the path of the description beside an exported file."""
    return path.with_name(f"{path.name}.json")


def check_sidecar(path: pathlib.Path) -> None:
    """Raises if writing a description would overwrite another kind of file.

    Args:
        path: The exported file or folder.

    Raises:
        ValueError: If there is a file of that name that `export` has not
            written.
    """
    sidecar = sidecar_of(path)
    if not sidecar.exists() and not sidecar.is_symlink():
        return
    try:
        record = untrusted.read_json(sidecar, _MOST_BYTES)
    except (OSError, ValueError):
        record = None
    if not isinstance(record, dict) or "trial" not in record:
        raise ValueError(
            f"Cannot write the description of {path.name!r}: there is another "
            f"file {sidecar.name!r} beside it. Move it, or choose another name."
        )


def read_sidecar(path: pathlib.Path) -> dict[str, Any]:
    """Returns the validated description of an exported file.

    The file may come from anyone, so every value that is used is checked for
    its type and size.

    Args:
        path: The exported file or folder.

    Raises:
        ValueError: If the description is missing, damaged or invalid.
    """
    sidecar = sidecar_of(path)
    try:
        record = untrusted.read_json(sidecar, _MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(
            f"{path.name!r} needs its description {sidecar.name!r}, which "
            "`keras-transfer export` writes beside it. It cannot be read: "
            f"{reason}."
        ) from error
    fault = sidecar_schema.fault_of(record)
    if fault:
        raise ValueError(
            f"{sidecar.name!r} is no description of an exported file: {fault}. "
            "Export the model again."
        )
    return record


def write_sidecar(
    path: pathlib.Path,
    files: list[pathlib.Path],
    description: dict[str, Any],
    **facts: Any,
) -> pathlib.Path:
    """Writes the description of an exported file, with digests.

    Args:
        path: The exported file or folder.
        files: All files and folders that belong to it.
        description: The result of `describe`.
        **facts: Further entries, plain values or dataclasses.

    Returns:
        The path of the file written.
    """
    members = [
        file
        for item in files
        for file in ([item] if item.is_file() else sorted(item.rglob("*")))
        if file.is_file()
    ]
    record = {
        **description,
        **{
            key: dataclasses.asdict(value)
            if dataclasses.is_dataclass(value)
            else value
            for key, value in facts.items()
        },
        "files": {
            file.relative_to(path.parent).as_posix(): {
                "bytes": file.stat().st_size,
                "sha256": file_sha256(file),
            }
            for file in members
        },
    }
    sidecar = sidecar_of(path)
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    sidecar.write_text(text + "\n", encoding="utf-8")
    return sidecar
