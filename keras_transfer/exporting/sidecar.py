"""The JSON file beside an exported file, with what it says and its digests."""

import dataclasses
import hashlib
import json
import pathlib
from typing import Any

# What whoever runs an exported file relies on.
_KEYS = {
    "class_names": (list, type(None)),
    "input": dict,
    "output": dict,
    "files": dict,
    "versions": dict,
}


def sidecar_of(path: pathlib.Path) -> pathlib.Path:
    """Returns where the description of an exported file lies, beside it."""
    return path.with_name(f"{path.name}.json")


def check_sidecar(path: pathlib.Path) -> None:
    """Raises if a file of another kind lies where the description will.

    Args:
        path: The exported file or folder.

    Raises:
        ValueError: If it does.
    """
    sidecar = sidecar_of(path)
    if not sidecar.exists():
        return
    try:
        record = json.loads(sidecar.read_text())
    except (OSError, ValueError):
        record = None
    if not isinstance(record, dict) or "trial" not in record:
        raise ValueError(
            f"Cannot write the description of {path.name!r}: there is another "
            f"file {sidecar.name!r} beside it. Move it, or choose another name."
        )


def read_sidecar(path: pathlib.Path) -> dict[str, Any]:
    """Returns what was written beside an exported file.

    Args:
        path: The exported file or folder.

    Raises:
        ValueError: If there is no such description, or it is damaged.
    """
    sidecar = sidecar_of(path)
    try:
        record = json.loads(sidecar.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path.name!r} needs its description {sidecar.name!r}, which "
            "`keras-transfer export` writes beside it. It cannot be read: "
            f"{error}."
        ) from error
    missing = [
        key
        for key, kind in _KEYS.items()
        if not isinstance(record, dict) or not isinstance(record.get(key), kind)
    ]
    if missing:
        raise ValueError(
            f"{sidecar.name!r} is no description of an exported file: it lacks "
            f"{', '.join(missing)}. Export the model again."
        )
    return record


def write_sidecar(
    path: pathlib.Path,
    files: list[pathlib.Path],
    description: dict[str, Any],
    **facts: Any,
) -> pathlib.Path:
    """Writes the description of an exported file with the digests of it.

    Args:
        path: The exported file or folder.
        files: All files and folders that belong to it.
        description: What `describe` returned.
        **facts: What else is known, plain values and dataclasses.

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
                "sha256": _digest(file),
            }
            for file in members
        },
    }
    sidecar = sidecar_of(path)
    sidecar.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return sidecar


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
