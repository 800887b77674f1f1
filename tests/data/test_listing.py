import os

import pytest

from keras_transfer.data import list_images
from keras_transfer.data.listing import list_files
from tests.data.photos import photo


def _names(folder, images):
    return [image.relative_to(folder).as_posix() for image in images]


def test_numbers_in_names_are_sorted_by_value(tmp_path):
    for name in ["bee10.png", "bee2.png", "Bee1.png", "ant.png", "x/bee3.png"]:
        photo(tmp_path / name)
    assert _names(tmp_path, list_images(tmp_path)) == [
        "ant.png",
        "Bee1.png",
        "bee2.png",
        "bee10.png",
        "x/bee3.png",
    ]


def test_files_are_taken_as_named_in_the_order_given(tmp_path):
    b, a = photo(tmp_path / "b.png"), photo(tmp_path / "f" / "a.png")
    (tmp_path / "photo").write_bytes(b.read_bytes())
    paths = [b, str(tmp_path / "f"), tmp_path / "photo"]
    assert list_images(paths) == [b, a, tmp_path / "photo"]
    assert list_images(str(b)) == [b]


def test_hidden_or_foreign_files_are_left_out(tmp_path):
    kept = photo(tmp_path / "a.jpg")
    for name in ["._a.jpg", ".b/c.jpg", "__MACOSX/d.jpg", "@eaDir/e.jpg"]:
        photo(tmp_path / name)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "Thumbs.db").write_text("")
    assert list_images(tmp_path) == [kept]


def test_extensions_are_known_in_either_case(tmp_path):
    for name in ["a.JPG", "b.Png", "c.jpeg", "d.WEBP", "e.gif", "f.bmp"]:
        photo(tmp_path / name)
    assert len(list_images(tmp_path)) == 6


def test_a_circle_of_links_ends(tmp_path):
    kept = photo(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert list_files(tmp_path) == [kept]


def test_linked_folders_are_read(tmp_path):
    photo(tmp_path / "elsewhere" / "1.png")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere")
    assert _names(tmp_path, list_images(tmp_path / "here")) == [
        "here/link/1.png"
    ]


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"There is no file or folder .*nothing"
    ):
        list_images([tmp_path / "nothing"])


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no image at any depth"):
        list_images(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_is_an_error(tmp_path):
    (tmp_path / "locked").mkdir(mode=0)
    with pytest.raises(PermissionError):
        list_images(tmp_path)
