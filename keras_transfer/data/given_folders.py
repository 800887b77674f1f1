"""Folders as `from_directory` takes them: one of all parts, or one each."""

import os
from collections.abc import Sequence
from pathlib import Path

from keras_transfer.data.folder_names import TEST
from keras_transfer.data.folder_names import TRAIN
from keras_transfer.data.folder_names import VALIDATION
from keras_transfer.data.folder_names import role_of
from keras_transfer.data.folders import check_folder
from keras_transfer.data.folders import has_images
from keras_transfer.data.folders import only_one
from keras_transfer.data.folders import with_images
from keras_transfer.data.layout import ROLES
from keras_transfer.data.layout import Layout
from keras_transfer.data.layout import class_folders
from keras_transfer.data.layout import find_layout


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
    given = dict(zip(ROLES, (train, validation, test), strict=True))
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
    first = class_folders(roots[TRAIN], ())
    found = {
        role: class_folders(root, first.classes)
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
    given = zip(ROLES, (train, validation, test), strict=True)
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
        role: only_one(root, [c for c, known in roles.items() if known == role])
        for role in ROLES
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
