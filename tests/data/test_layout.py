import pytest

from keras_transfer.data.layout import find_layout
from tests.data.photos import class_folders
from tests.data.photos import photo


def _tree(root, *names):
    for name in names:
        class_folders(root / name, {"a": 1, "b": 1})
    return root


@pytest.mark.parametrize(
    ("train", "validation"),
    [
        ("train", "val"),
        ("Train", "VALID"),
        ("training", "validation"),
        ("train", "test"),
    ],
)
def test_folders_for_training_or_validation_are_found(
    tmp_path, train, validation
):
    _tree(tmp_path, train, validation)
    assert find_layout(tmp_path) == (tmp_path / train, tmp_path / validation)


def test_validation_goes_before_test(tmp_path):
    _tree(tmp_path, "train", "test", "val")
    assert find_layout(tmp_path).validation == tmp_path / "val"


def test_class_folders_alone_are_to_be_split(tmp_path):
    class_folders(tmp_path, {"a": 1, "b": 1})
    assert find_layout(tmp_path) == (tmp_path, None)


def test_a_train_folder_alone_is_to_be_split(tmp_path):
    _tree(tmp_path, "train", "__MACOSX")
    assert find_layout(tmp_path) == (tmp_path / "train", None)


def test_a_class_may_be_named_train(tmp_path):
    class_folders(tmp_path, {"train": 2, "bus": 2})
    assert find_layout(tmp_path) == (tmp_path, None)


def test_flat_train_or_val_folders_are_no_classes(tmp_path):
    class_folders(tmp_path, {"train": 2, "val": 2})
    assert find_layout(tmp_path) == (tmp_path / "train", tmp_path / "val")


def test_validation_without_training_is_an_error(tmp_path):
    _tree(tmp_path, "val", "photos")
    with pytest.raises(ValueError, match="'val' .* but none for training"):
        find_layout(tmp_path)


def test_training_beside_unknown_folders_is_an_error(tmp_path):
    _tree(tmp_path, "train", "holdout")
    with pytest.raises(ValueError, match="'train' .* but none for validation"):
        find_layout(tmp_path)


def test_two_folders_that_mean_the_same_are_an_error(tmp_path):
    _tree(tmp_path, "train", "val", "valid")
    with pytest.raises(ValueError, match="'val' beside 'valid', which mean"):
        find_layout(tmp_path)


def test_folders_that_are_not_read_are_named(tmp_path):
    _tree(tmp_path, "train", "val", "test", "extra")
    (tmp_path / "docs").mkdir()
    with pytest.warns(UserWarning, match="left out: 'extra'"):
        find_layout(tmp_path)


def test_a_missing_folder_gets_a_suggestion(tmp_path):
    class_folders(tmp_path / "photos", {"a": 1, "b": 1})
    with pytest.raises(ValueError, match=r"no folder .*Did you mean .*photos'"):
        find_layout(tmp_path / "photo")


def test_a_file_is_no_folder(tmp_path):
    with pytest.raises(ValueError, match="is a file, not a folder"):
        find_layout(photo(tmp_path / "a.png"))
