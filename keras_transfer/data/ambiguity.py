"""Questions about folders that can be read in two ways."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

from keras_transfer.data.folder_names import TEST
from keras_transfer.data.folder_names import TRAIN
from keras_transfer.data.folder_names import VALIDATION
from keras_transfer.data.folder_names import are_shards
from keras_transfer.data.folder_names import holds_any_class
from keras_transfer.data.folder_names import is_exact
from keras_transfer.data.folder_names import role_of


def ask_of_flat_parts(
    root: Path, folders: Sequence[Path], roles: Mapping[Path, str | None]
) -> None:
    """Raises where folders of images are named like parts of a data set."""
    found = {role for role in roles.values() if role}
    plain = [f for f in folders if roles[f] is None]
    if len(found) > 1 and not plain:
        raise ValueError(
            two_readings(
                root,
                folders,
                f"{quoted(folders)} are the parts of a data set whose images "
                "lie in no class folders, and their classes must be told by "
                "label_from_name=, by a table, or by sorting them into folders",
            )
        )
    held_out = [
        f for f in folders if roles[f] in (VALIDATION, TEST) and is_exact(f)
    ]
    if held_out and len(plain) > 1:
        raise ValueError(
            two_readings(
                root,
                folders,
                f"{quoted(held_out)} holds images without classes beside the "
                f"class folders {quoted(plain)}: move it elsewhere",
            )
        )
    if len(folders) > 1 and not found and are_shards(f.name for f in folders):
        raise ValueError(
            two_readings(
                root,
                folders,
                f"{quoted(folders)} are pieces of one collection whose images "
                "lie in no class folders, and their classes must be told by "
                "label_from_name= or by a table",
            )
        )


def are_alike(sets: Sequence[set[str]]) -> bool:
    """Tells whether folders hold others of the same names, not numbers."""
    common, every = set.intersection(*sets), set.union(*sets)
    return (
        len(common) > 1
        and 2 * len(common) >= len(every)
        and any(map(holds_any_class, common))
    )


def missing_part(
    root: Path, part: Path, folders: Sequence[Path], others: Sequence[Path]
) -> str:
    """Returns the question where the training or validation part is missing."""
    is_train = role_of(part.name) == TRAIN
    missing = "validation" if is_train else "training"
    names = ["val", "valid", "validation"] if is_train else ["train"]
    return two_readings(
        root,
        folders,
        f"{part.name!r} holds class folders for "
        f"{'training' if is_train else 'judging'}, but none for {missing} is "
        f"known beside {quoted(others) or 'it'}: name that one of {names}, or "
        f"pass {part} alone to have its images split",
    )


def two_readings(root: Path, folders: Sequence[Path], reading: str) -> str:
    """Returns both readings of a folder, and how to choose."""
    names = [folder.name for folder in folders]
    shown = names if len(names) <= 8 else [*names[:8], "..."]
    return (
        f"{root} can be read in two ways. Either {reading}; separate folders "
        "may also be passed as train=, validation= and test=. Or the classes "
        f"are {quoted(folders)}: pass class_names={shown}."
    )


def quoted(folders: Iterable[Path]) -> str:
    """Returns the names of folders, in quotation marks."""
    return some_of([folder.name for folder in folders])


def some_of(names: Iterable[str], most: int = 6) -> str:
    """Returns some names in quotation marks, and the number of the others."""
    names = sorted(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
