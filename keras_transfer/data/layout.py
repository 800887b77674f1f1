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
from keras_transfer.data.folder_names import is_exact
from keras_transfer.data.folder_names import role_of
from keras_transfer.data.folders import PLAIN
from keras_transfer.data.folders import check_folder
from keras_transfer.data.folders import explain_flat
from keras_transfer.data.folders import has_images
from keras_transfer.data.folders import holders
from keras_transfer.data.folders import may_be_class
from keras_transfer.data.folders import subfolders
from keras_transfer.data.folders import with_images
from keras_transfer.data.folders import without_companions

_ROLES = (TRAIN, VALIDATION, TEST)


class Part(NamedTuple):
    """One part of a data set.

    Args:
        root: The folder that holds it.
        classes: The folders of each class, by its name as composed Unicode,
            sorted by name.
    """

    root: Path
    classes: dict[str, tuple[Path, ...]]


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


def find_parts(
    train: str | os.PathLike,
    validation: str | os.PathLike | None = None,
    test: str | os.PathLike | None = None,
) -> Layout:
    """Returns the class folders of parts that lie in folders of their own.

    Args:
        train: Folder with the class folders for training.
        validation: The same for validation. Defaults to `None`: none.
        test: The same for the test. Defaults to `None`: none.

    Raises:
        ValueError: One of them is no folder, or lies in another.
    """
    given = dict(zip(_ROLES, (train, validation, test), strict=True))
    roots = {role: Path(p) for role, p in given.items() if p is not None}
    for root in roots.values():
        check_folder(root)
    for role, root in roots.items():
        for other, around in roots.items():
            if role != other and root.resolve().is_relative_to(
                around.resolve()
            ):
                raise ValueError(
                    f"The {role} folder {root} is or lies in the {other} "
                    f"folder {around}, so that photographs would be in both. "
                    "Expected separate folders."
                )
    first = _class_folders(roots[TRAIN], ())
    found = {
        role: _class_folders(root, first.classes)
        for role, root in roots.items()
        if role != TRAIN
    }
    return Layout(first, found.get(VALIDATION), found.get(TEST))


def layout_of(
    path: str | os.PathLike | None,
    train: str | os.PathLike | None = None,
    validation: str | os.PathLike | None = None,
    test: str | os.PathLike | None = None,
    class_names: Sequence[str] | None = None,
) -> Layout:
    """Returns the class folders of each part, as `from_directory` takes them.

    Args:
        path: A folder of all parts; or, beside `validation` or `test`, of the
            training part.
        train: Folder of the training part.
        validation: Folder of the validation part.
        test: Folder of the test part.
        class_names: Names of the class folders, or `None`.

    Raises:
        ValueError: Both or neither of `path` and `train` are given, or the
            folders cannot be read.
    """
    _check_given(path, train)
    if (train, validation, test) == (None, None, None):
        return find_layout(path, class_names)
    return find_parts(path if train is None else train, validation, test)


def flat_roots(
    path: str | os.PathLike | None,
    train: str | os.PathLike | None = None,
    validation: str | os.PathLike | None = None,
    test: str | os.PathLike | None = None,
) -> dict[str, Path]:
    """Returns the folder of each part, where labels are not folders.

    Args:
        path: A folder, which is the training part itself unless folders in it
            are named like parts; or, beside `validation` or `test`, that part.
        train: Folder of the training part.
        validation: Folder of the validation part.
        test: Folder of the test part.

    Raises:
        ValueError: As of `layout_of`.
    """
    _check_given(path, train)
    given = zip(_ROLES, (train, validation, test), strict=True)
    roots = {role: Path(p) for role, p in given if p is not None}
    if roots:
        roots = {TRAIN: Path(path if train is None else train), **roots}
        for root in roots.values():
            check_folder(root)
        return roots
    root = Path(path)
    check_folder(root)
    while len(found := with_images(root)) == 1 and not has_images(root):
        root = found[0]
    roles = {child: role_of(child.name) for child in found}
    if TRAIN not in roles.values() or has_images(root):
        return {TRAIN: root}
    return {
        role: _only(root, [c for c, known in roles.items() if known == role])
        for role in _ROLES
        if role in roles.values()
    }


def roots_of(
    path: str | os.PathLike | None,
    train: str | os.PathLike | None = None,
    validation: str | os.PathLike | None = None,
    test: str | os.PathLike | None = None,
    class_names: Sequence[str] | None = None,
    label_from_name: str | None = None,
) -> list[Path]:
    """Returns the folder of each part, by the arguments of `from_directory`.

    Raises:
        ValueError: As of `layout_of`.
    """
    given = (path, train, validation, test)
    if label_from_name is not None:
        return [*flat_roots(*given).values()]
    layout = layout_of(*given, class_names)
    return [part.root for part in layout if part is not None]


def _check_given(path, train):
    if (path is None) == (train is None):
        raise ValueError(
            "Expected one folder of photographs, or train= with validation= "
            f"and test= beside it. Received: path={path!r}, train={train!r}."
        )


def _read(root, class_names):
    folders = without_companions(with_images(root))
    if class_names is not None:
        wanted = {composed(str(name)) for name in class_names}
        if wanted & {composed(folder.name) for folder in folders}:
            return Layout(_part(root, subfolders(root)))
    if len(folders) == 1 and not has_images(root):
        if not has_images(folders[0]):
            return _read(folders[0], class_names)
        if role_of(folders[0].name) or folders[0].name.lower() in PLAIN:
            raise ValueError(explain_flat(folders[0]))
    roles = {folder: role_of(folder.name) for folder in folders}
    parts = {
        role: _only(root, [f for f in holders(folders) if roles[f] == role])
        for role in _ROLES
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
    train = _class_folders(parts[TRAIN], ())
    held_out = {}
    for role, folder in parts.items():
        if role == TRAIN:
            continue
        part = _class_folders(folder, train.classes)
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
        role: _class_folders(folder, ()) for role, folder in parts.items()
    }
    names = set().union(*(part.classes for part in held_out.values()))
    plain = [f for f in holders(others) if roles[f] is None]
    rest = [_class_folders(f, names) for f in plain]
    matching = [part for part in rest if names & set(part.classes)]
    around = _part(root, [f for f in others if roles[f] is None])
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
    return Layout(_part(root, [f for f in subfolders(root) if may_be_class(f)]))


def _parts_in_classes(root, folders, inside):
    """Class folders that hold `train` beside `val` or `test`."""
    classes = {role: {} for role in _ROLES}
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
        for role in _ROLES:
            found = [g for g in inside[folder] if role_of(g.name) == role]
            if found:
                classes[role][composed(folder.name)] = (_only(folder, found),)
    parts = [Part(root, found) if found else None for found in classes.values()]
    return Layout(*parts)


def _class_folders(folder: Path, known) -> Part:
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
    return _part(folder, [f for f in subfolders(folder) if may_be_class(f)])


def _part(root, folders):
    classes = {}
    for folder in folders:
        name = composed(folder.name)
        classes[name] = (*classes.get(name, ()), folder)
    return Part(root, dict(sorted(classes.items())))


def _only(root, folders):
    """The one folder among those that mean the same."""
    exact = [folder for folder in folders if is_exact(folder)] or folders
    if len(exact) > 1:
        raise ValueError(
            f"{root} has {' beside '.join(repr(f.name) for f in exact)}, which "
            "mean the same; keep one of them, or pass the folders that are "
            "meant as train=, validation= and test=."
        )
    return exact[0]
