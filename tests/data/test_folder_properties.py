import os
import pathlib
import tempfile
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image

import keras_transfer as kt
from keras_transfer.data.folder_names import COMPANIONS
from keras_transfer.data.folder_names import composed
from keras_transfer.data.folder_names import role_of
from keras_transfer.data.folders import PLAIN
from keras_transfer.data.listing import is_debris


def _place(file):
    below, stem = file
    return (*below, stem)


odd = st.sampled_from(
    [
        "[x]",
        "a b",
        "*",
        "?",
        "#1",
        "a%20b",
        "$HOME",
        "~",
        "-",
        "'q'",
        "ü",
        "e\u0301",
    ]
    + [
        "猫",
        "🐝",
        "a.b",
        "jpg",
        "x.jpg",
        "10",
        "9",
        "A",
        " a",
        "a ",
        "{}",
        "\\n",
    ]
)
anything = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"),
    min_size=1,
    max_size=12,
)
names = st.one_of(odd, anything).filter(
    lambda name: (
        not is_debris(name)
        and role_of(name) is None
        and name.lower() not in (*COMPANIONS, *PLAIN)
        and len(os.fsencode(name)) < 200
    )
)
folders = st.dictionaries(
    names,
    st.lists(
        st.tuples(st.lists(names, max_size=2), names),
        min_size=1,
        max_size=6,
        unique_by=_place,
    ),
    min_size=2,
    max_size=4,
).filter(
    lambda tree: (
        any(len(files) > 1 for files in tree.values())
        and len(set(map(composed, tree))) == len(tree)
    )
)
suffixes = st.sampled_from([".png", ".PNG", ".bmp", ".gif"])


def _write(root, tree, suffix):
    """Makes a class folder of each entry, an image of each file in it."""
    number = 0
    for name, files in tree.items():
        for below, stem in files:
            folder = root.joinpath(name, *below)
            folder.mkdir(parents=True, exist_ok=True)
            # No two alike: copies would stay on one side.
            pixel = Image.new("RGB", (1, 1), (10, 20, number))
            pixel.save(folder / f"{stem}{suffix}")
            number += 1


def _read(root, **options):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "There are no validation images")
        warnings.filterwarnings("ignore", "Left out these folders")
        warnings.filterwarnings("ignore", ".*byte for byte")
        try:
            return kt.data.from_directory(root, image_size=1, **options)
        except ValueError as error:
            # Folders of the same names in each could be kinds of images.
            assume("can be read in two ways" not in str(error))
            raise


def _clashes(tree, suffix):
    # A file 'a.png' beside a folder 'a.png' cannot be.
    return any(
        f"{stem}{suffix}" in [part for b, _ in files for part in b]
        for files in tree.values()
        for _, stem in files
    )


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    tree=folders,
    suffix=suffixes,
    seed=st.integers(0, 2**32 - 1),
    validation_split=st.floats(0.01, 0.99),
)
def test_any_folder_is_divided_wholly_by_class(
    tree, suffix, seed, validation_split
):
    assume(not _clashes(tree, suffix))
    options = {"seed": seed, "validation_split": validation_split}
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        _write(root, tree, suffix)
        parts = _read(root, **options)
        again = _read(root, **options)
        images, labels = next(iter(parts[1]))

    train, validation = parts
    expected = {
        os.path.join(root, name, *below, f"{stem}{suffix}")
        for name, files in tree.items()
        for below, stem in files
    }
    folders = {composed(name): name for name in tree}
    assert train.class_names == validation.class_names == sorted(folders)
    assert not set(train.file_paths) & set(validation.file_paths)
    assert {*train.file_paths, *validation.file_paths} == expected
    assert len(train.file_paths) + len(validation.file_paths) == len(expected)
    for part in parts:
        for path, label in zip(part.file_paths, part.labels, strict=True):
            top = pathlib.Path(path).relative_to(root).parts[0]
            assert part.class_names[label] == composed(top)
    for label, name in enumerate(sorted(folders)):
        assert label in train.labels
        several = len(tree[folders[name]]) > 1
        assert (label in validation.labels) == several
    for part, same in zip(parts, again, strict=True):
        assert part.file_paths == same.file_paths
    np.testing.assert_array_equal(labels, validation.labels[:32])
    assert (images.numpy()[..., :2] == [10, 20]).all()


@settings(max_examples=40, deadline=None)
@given(tree=folders, data=st.data())
def test_divided_folders_give_the_same_label_to_the_same_name(tree, data):
    held_out = data.draw(
        st.lists(st.sampled_from(sorted(tree)), min_size=2, unique=True)
    )
    assume(not _clashes(tree, ".png"))
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        _write(root / "train", tree, ".png")
        _write(root / "val", {name: tree[name] for name in held_out}, ".png")
        if len(held_out) < len(tree):
            with pytest.raises(ValueError, match="has no folder for"):
                _read(root, check=False)
        train, validation = _read(root, check=False, class_names=held_out)
    chosen = [composed(name) for name in held_out]
    assert train.class_names == validation.class_names == chosen
    for part, below in ((train, "train"), (validation, "val")):
        for path, label in zip(part.file_paths, part.labels, strict=True):
            top = pathlib.Path(path).relative_to(root / below).parts[0]
            assert part.class_names[label] == composed(top)
    assert len(train.file_paths) == sum(len(tree[name]) for name in held_out)


@settings(max_examples=40, deadline=None)
@given(tree=folders, extra=names)
def test_a_class_of_validation_alone_never_passes(tree, extra):
    assume(extra not in tree and not _clashes(tree, ".png"))
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        _write(root / "train", tree, ".png")
        _write(root / "val", {**tree, extra: [([], "1")]}, ".png")
        with pytest.raises(ValueError, match="class folders that"):
            _read(root, check=False)


def test_names_that_are_no_unicode_are_read(tmp_path):
    for name in (b"caf\xe9", b"na\xefve"):
        folder = os.path.join(os.fsencode(tmp_path), name)
        os.mkdir(folder)
        for number in (1, 2):
            file = os.path.join(folder, b"%d.png" % number)
            pixel = Image.new("RGB", (1, 1), (10, 20, len(name) + 9 * number))
            pixel.save(os.fsdecode(file))
    _, validation = _read(tmp_path)
    images, labels = next(iter(validation))
    assert labels.numpy().tolist() == [0, 1]
    assert (images.numpy()[..., :2] == [10, 20]).all()
