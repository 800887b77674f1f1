"""What the name of a folder says: a part of a data set, or its masks."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

TRAIN, VALIDATION, TEST = "train", "validation", "test"
_WORDS = {
    TRAIN: ("train", "training", "trn"),
    VALIDATION: ("val", "valid", "validation", "validate", "dev"),
    TEST: ("test", "testing", "tst", "eval", "evaluation"),
}
_ROLES = {
    word + ending: role
    for role, words in _WORDS.items()
    for word in words
    for ending in ("", "set", "sets", "data", "images", "imgs", "split")
}
# Words that name the part itself when they stand beside one of the above.
_FILLERS = ("set", "data", "images", "imgs", "split", "dataset")
# What lies beside photographs in published data sets, as images of its own.
COMPANIONS = (
    "annotation",
    "annotations",
    "ground_truth",
    "groundtruth",
    "label",
    "labels",
    "mask",
    "masks",
    "segmentation",
    "segmentations",
    "trimaps",
)
_SHARDS = ("part", "batch", "fold", "shard", "chunk", "images", "img", "vol")


def composed(name: str) -> str:
    """Returns a name as composed Unicode, which file systems may take apart.

    Example:
    >>> len(composed("Cafe" + chr(0x301)))
    4
    """
    return unicodedata.normalize("NFC", name)


def role_of(name: str) -> str | None:
    """Returns the part of a data set that a folder's name says it is.

    Args:
        name: The name alone.

    Returns:
        `"train"`, `"validation"`, `"test"`, or `None` if it names none of
        them or several.

    Example:
    >>> role_of("seg_train"), role_of("ValidationSet"), role_of("ants")
    ('train', 'validation', None)
    """
    found = {_ROLES[word] for word in _words(name) if word in _ROLES}
    return found.pop() if len(found) == 1 else None


def is_exact(folder: Path) -> bool:
    """Whether a folder is named like a part of a data set and nothing else."""
    words = [word for word in _words(folder.name) if word not in _FILLERS]
    return len(words) == 1 and words[0] in _ROLES


def are_shards(names: Iterable[str]) -> bool:
    """Whether folders are numbered pieces of one collection.

    Example:
    >>> are_shards(["images_part_1", "images_part_2"])
    True
    >>> are_shards(["00000", "00001"]), are_shards(["class1", "class2"])
    (False, False)
    """
    names = list(names)
    stems = {tuple(_words(name)) for name in names}
    is_numbered = all(re.search(r"\d", name) for name in names)
    return len(stems) == 1 and is_numbered and bool({*_SHARDS} & {*stems.pop()})


def holds_any_class(name: str) -> bool:
    """Whether a name has letters; years and lots are no classes."""
    return any(character.isalpha() for character in name)


def _words(name):
    """The words of a name in small letters: `asl_Train2` is asl, train."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", composed(name))
    return [word for word in re.split(r"[\W\d_]+", parted.casefold()) if word]
