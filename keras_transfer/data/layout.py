"""Which folders below one hold classes, and for which part of a data set.

Nothing is guessed: where folders could be classes as well as the parts of a
data set, an error gives both readings and how to choose.
"""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from keras_transfer.data.ambiguity import are_alike
from keras_transfer.data.ambiguity import ask_of_flat_parts
from keras_transfer.data.ambiguity import missing_part
from keras_transfer.data.ambiguity import quoted
from keras_transfer.data.ambiguity import some_of
from keras_transfer.data.ambiguity import two_readings
from keras_transfer.data.folder_names import TEST
from keras_transfer.data.folder_names import TRAIN
from keras_transfer.data.folder_names import VALIDATION
from keras_transfer.data.folder_names import composed
from keras_transfer.data.folder_names import role_of
from keras_transfer.data.folders import PLAIN
from keras_transfer.data.folders import Part
from keras_transfer.data.folders import check_folder
from keras_transfer.data.folders import explain_flat
from keras_transfer.data.folders import has_images
from keras_transfer.data.folders import holders
from keras_transfer.data.folders import may_be_class
from keras_transfer.data.folders import only_one
from keras_transfer.data.folders import part_of
from keras_transfer.data.folders import subfolders
from keras_transfer.data.folders import with_images
from keras_transfer.data.folders import without_companions

ROLES = (TRAIN, VALIDATION, TEST)


class Layout(NamedTuple):
    """The parts of a data set; `validation` and `test` may be missing."""

    train: Part
    validation: Part | None = None
    test: Part | None = None


def find_layout(
    path: str | os.PathLike, class_names: Sequence[str] | None = None
) -> Layout:
    """Returns the class folders of each part of a data set.

    Args:
        path: A folder; other folders may be wrapped around what it is about.
        class_names: Names of the class folders, where they could be taken for
            parts. Defaults to `None`: they follow from the folders.

    Raises:
        ValueError: The path is no folder, or it can be read in two ways.
    """
    root = Path(path)
    check_folder(root)
    return _read(root, class_names)


def _read(root, class_names):
    folders = without_companions(with_images(root))
    if class_names is not None:
        wanted = {composed(str(name)) for name in class_names}
        if wanted & {composed(folder.name) for folder in folders}:
            return Layout(part_of(root, subfolders(root)))
    if len(folders) == 1 and not has_images(root):
        if not has_images(folders[0]):
            return _read(folders[0], class_names)
        if role_of(folders[0].name) or folders[0].name.lower() in PLAIN:
            raise ValueError(explain_flat(folders[0]))
    roles = {folder: role_of(folder.name) for folder in folders}
    parts = {
        role: only_one(root, [f for f in holders(folders) if roles[f] == role])
        for role in ROLES
        if any(roles[f] == role for f in holders(folders))
    }
    if TRAIN in parts:
        return _divided(root, folders, roles, parts)
    if parts:
        return _without_train(root, folders, roles, parts)
    ask_of_flat_parts(root, folders, roles)
    return _by_class(root, folders)


def _divided(root, folders, roles, parts):
    """Parts beside each other, each with its class folders."""
    others = [f for f in folders if f not in parts.values()]
    unread = [f for f in others if roles[f] != VALIDATION]
    if VALIDATION not in parts:
        flat = [f for f in others if roles[f] == VALIDATION]
        if flat:
            raise ValueError(explain_flat(flat[0]))
        named = [f for f in others if roles[f] is None]
        if TEST not in parts and holders(named):
            raise ValueError(missing_part(root, parts[TRAIN], folders, named))
    if unread:
        warnings.warn(
            f"Only {', '.join(repr(f.name) for f in parts.values())} of {root} "
            f"are read; left out: {', '.join(repr(f.name) for f in unread)}.",
            stacklevel=5,
        )
    train = class_folders(parts[TRAIN], ())
    held_out = {}
    for role, folder in parts.items():
        if role == TRAIN:
            continue
        part = class_folders(folder, train.classes)
        if len(part.classes) == 1 and not set(part.classes) & set(
            train.classes
        ):
            (only,) = part.classes.values()
            if role == VALIDATION:
                raise ValueError(explain_flat(only[0]))
            warnings.warn(
                f"{only[0]} holds images without class folders, so that they "
                "cannot be judged; left out.",
                stacklevel=5,
            )
            continue
        if not set(part.classes) & set(train.classes):
            raise ValueError(
                two_readings(
                    root,
                    folders,
                    f"{train.root.name!r} and {part.root.name!r} hold the "
                    "parts of a data set, but none of their folders have the "
                    f"same name ({some_of(train.classes)}; "
                    f"{some_of(part.classes)})",
                )
            )
        held_out[role] = part
    return Layout(train, held_out.get(VALIDATION), held_out.get(TEST))


def _without_train(root, folders, roles, parts):
    """Folders for validation or the test, beside others that hold the rest."""
    others = [f for f in folders if f not in parts.values()]
    held_out = {
        role: class_folders(folder, ()) for role, folder in parts.items()
    }
    names = set().union(*(part.classes for part in held_out.values()))
    plain = [f for f in holders(others) if roles[f] is None]
    rest = [class_folders(f, names) for f in plain]
    matching = [part for part in rest if names & set(part.classes)]
    around = part_of(root, [f for f in others if roles[f] is None])
    if len(matching) == 1 and len(others) == 1:
        train = matching[0]
    elif names <= set(around.classes):
        train = around
    else:
        folder = next(iter(parts.values()))
        raise ValueError(missing_part(root, folder, folders, others))
    return Layout(train, held_out.get(VALIDATION), held_out.get(TEST))


def _by_class(root, folders):
    """Class folders alone, or with the parts of the data set in each."""
    nested = holders(folders)
    inside = {f: without_companions(with_images(f)) for f in nested}
    if nested and len(nested) == len(folders):
        roles = [{role_of(g.name) for g in inside[f]} for f in folders]
        if all(TRAIN in found for found in roles):
            return _parts_in_classes(root, folders, inside)
        sets = [{composed(g.name) for g in inside[f]} for f in folders]
        if len(folders) > 1 and are_alike(sets):
            raise ValueError(
                two_readings(
                    root,
                    folders,
                    f"{quoted(folders)} are kinds of images of the same "
                    f"classes ({some_of(sets[0])}), and one of them is meant: "
                    f"pass {folders[0]}",
                )
            )
    names = {composed(f.name) for f in folders}
    for folder in nested:
        repeated = {composed(g.name) for g in inside[folder]}
        if len(repeated) > 1 and repeated <= names:
            raise ValueError(
                two_readings(
                    root,
                    folders,
                    f"{folder.name!r} repeats the class folders beside it, "
                    "perhaps as a copy: move it elsewhere",
                )
            )
    return Layout(
        part_of(root, [f for f in subfolders(root) if may_be_class(f)])
    )


def _parts_in_classes(root, folders, inside):
    """Class folders that hold `train` beside `val` or `test`."""
    classes = {role: {} for role in ROLES}
    for folder in folders:
        strange = [
            g
            for g in inside[folder]
            if role_of(g.name) is None or len(holders([g])) == 1
        ]
        if strange:
            raise ValueError(
                f"{folder} holds parts of a data set as well as "
                f"{quoted(strange)} with folders of images, so that what is a "
                "class cannot be known. Pass the folders that are meant as "
                "train=, validation= and test=."
            )
        for role in ROLES:
            found = [g for g in inside[folder] if role_of(g.name) == role]
            if found:
                classes[role][composed(folder.name)] = (
                    only_one(folder, found),
                )
    parts = [Part(root, found) if found else None for found in classes.values()]
    return Layout(*parts)


def class_folders(folder: Path, known) -> Part:
    """The class folders below one, within whatever is wrapped around them.

    `known` are the names of classes, which are no wrappers.
    """
    while (
        len(folders := without_companions(with_images(folder))) == 1
        and not has_images(folder)
        and not has_images(folders[0])
        and composed(folders[0].name) not in known
    ):
        folder = folders[0]
    if not folders and has_images(folder):
        raise ValueError(explain_flat(folder))
    return part_of(folder, [f for f in subfolders(folder) if may_be_class(f)])
