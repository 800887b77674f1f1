"""Versions that wrote a model file, compared with those that read it."""

import re
from typing import Any

from keras_transfer.saving.archive.error import ModelFileError

# What `ModelInfo` writes; it grows when an older reader would be wrong.
SCHEMA = 1


def is_newer(keras_version: Any, installed: str) -> bool:
    """Whether a file was written by a later minor version of Keras.

    Args:
        keras_version: What `metadata.json` says; anything, or `None`.
        installed: Version of the Keras that is to read it.

    Example:
    >>> is_newer("3.16.0", "3.15.1"), is_newer("3.15.9", "3.15.1")
    (True, False)
    """
    written, reads = _minor(keras_version), _minor(installed)
    return written is not None and reads is not None and written > reads


def written_by(metadata: dict[str, Any]) -> str:
    """Returns the version of the Keras that wrote a file, or nothing.

    Args:
        metadata: What `metadata.json` says.

    Example:
    >>> written_by({"keras_version": "3.8.0"}), written_by({"keras_version": 3})
    ('3.8.0', '')
    """
    version = metadata.get("keras_version")
    is_version = _is_text(version) and re.fullmatch(r"[0-9a-z.+]+", version)
    return version if is_version else ""


def check_schema(model_info: Any) -> None:
    """Raises for metadata that only a later keras_transfer understands.

    Args:
        model_info: The metadata of the file's `ModelInfo` layer, or `None`.

    Raises:
        ModelFileError: If its schema number is above ours.
    """
    schema = model_info.get("schema") if isinstance(model_info, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise ModelFileError(
            f"was written by a later keras_transfer (schema {schema}; this "
            f"version reads {SCHEMA}).",
            "Run `pip install -U keras-transfer`.",
        )


def _minor(version):
    found = re.match(r"(\d+)\.(\d+)", version) if _is_text(version) else None
    return tuple(map(int, found.groups())) if found else None


def _is_text(value):
    return isinstance(value, str) and len(value) < 40
