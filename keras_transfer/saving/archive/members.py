"""Which members a model archive may have."""

import re
import stat
import zipfile

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
REQUIRED = (CONFIG, METADATA, WEIGHTS)
# What `kt.export` says of a model of stock layers.
DESCRIPTION = "keras_transfer.json"

# Vocabularies lie under the path of their layer. No separator of another
# system, no drive, no control character.
_ASSET = re.compile(r"assets(/[^/\\:\x00-\x1f]+)+/?")


def check_members(infos: list[zipfile.ZipInfo], archive_bytes: int) -> None:
    """Raises unless the members are those that Keras writes.

    Args:
        infos: What the archive says of its members.
        archive_bytes: Size of the whole archive.

    Raises:
        ModelFileError: For an unknown, repeated, linked, encrypted, bloated or
            missing member.
    """
    if len(infos) > limits.MEMBERS:
        raise ModelFileError(
            f"has {len(infos)} members; expected {limits.MEMBERS} at most.",
            UNUSUAL,
        )
    names = [info.filename for info in infos]
    for info in infos:
        check_name(info.filename)
        _check_entry(info)
        if not 0 <= info.header_offset < archive_bytes:
            raise ModelFileError(
                f"places {info.filename!r} outside of itself.", DAMAGED
            )
    seen: set[str] = set()
    for name in names:
        # Some systems do not tell these apart when they unpack.
        if name.casefold() in seen:
            raise ModelFileError(f"holds {name!r} twice.", UNUSUAL)
        seen.add(name.casefold())
    check_complete(names)
    total = sum(info.file_size for info in infos)
    if total > limits.EXPANSION * (archive_bytes + limits.EXPANSION_FLOOR):
        raise ModelFileError(
            f"would unpack {archive_bytes} bytes to {total}.", UNUSUAL
        )


def check_name(name: str) -> None:
    """Raises unless a member may have this name.

    Raises:
        ModelFileError: For any other than Keras and `kt.export` write.
    """
    parts = name.rstrip("/").split("/")
    is_file = name in (*REQUIRED, DESCRIPTION)
    is_allowed = is_file or _ASSET.fullmatch(name)
    if not is_allowed or len(name) > limits.NAME_LENGTH or ".." in parts:
        raise ModelFileError(
            f"holds the member {name[:80]!r}; expected {', '.join(REQUIRED)} "
            "and files under assets/.",
            UNUSUAL,
        )


def check_complete(names: list[str]) -> None:
    """Raises unless the three members that every model has are there.

    Raises:
        ModelFileError: If one is missing.
    """
    for name in REQUIRED:
        if name not in names:
            raise ModelFileError(f"has no {name}.", DAMAGED)


def _check_entry(info):
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ModelFileError(
            f"holds {info.filename!r} as a link or device.", UNUSUAL
        )
    if info.flag_bits & 1:
        raise ModelFileError(f"holds {info.filename!r} encrypted.", UNUSUAL)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelFileError(
            f"holds {info.filename!r} in compression {info.compress_type}; "
            "expected none or deflate.",
            "Save it again with `model.save`.",
        )
    allowed = limits.EXPANSION * info.compress_size + limits.EXPANSION_FLOOR
    if info.file_size > allowed:
        raise ModelFileError(
            f"holds {info.compress_size} bytes in {info.filename!r} that "
            f"would unpack to {info.file_size}.",
            UNUSUAL,
        )
    is_json = info.filename in (CONFIG, METADATA, DESCRIPTION)
    if is_json and info.file_size > limits.JSON_BYTES:
        raise ModelFileError(
            f"holds a {info.filename} of {info.file_size} bytes; expected "
            f"{limits.JSON_BYTES} at most.",
            UNUSUAL,
        )
