"""Files that nobody vouches for: read within bounds, or refused."""

import os

import pytest

from keras_transfer.files.untrusted import check_member
from keras_transfer.files.untrusted import read_json


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b'{"a": 1, "a": 2}', "it says 'a' twice in one object"),
        (b"[NaN]", "it holds NaN, which is no number"),
        (b"[" * 90, "nested too deeply|Expecting value"),
        (b"[" * 99_999, "larger than 100 bytes"),
        (b"\xff", "can't decode byte"),
    ],
)
def test_json_that_nobody_writes_is_refused(tmp_path, text, sentence):
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(ValueError, match=sentence):
        read_json(tmp_path / "a.json", 100)


def test_what_nests_deeper_than_python_is_refused(tmp_path):
    (tmp_path / "a.json").write_bytes(b"[" * 1_000_000)
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(tmp_path / "a.json", 1 << 20)


def test_a_file_as_large_as_allowed_is_read(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    assert read_json(tmp_path / "a.json", 3) == [1]
    with pytest.raises(ValueError, match="it is larger than 2 bytes"):
        read_json(tmp_path / "a.json", 2)


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in (".", "pipe"):
        with pytest.raises(ValueError, match="a device, a pipe or a folder"):
            read_json(tmp_path / name, 9)
    with pytest.raises(ValueError, match="it is a link"):
        read_json(tmp_path / "link", 9)


def test_a_member_lies_in_its_folder(tmp_path):
    folder = tmp_path / "folder"
    (folder / "within").mkdir(parents=True)
    for place in (folder / "within" / "file", tmp_path / "file"):
        place.touch()
    (folder / "out").symlink_to(tmp_path)
    (folder / "link").symlink_to(folder / "within" / "file")
    check_member(folder / "within" / "file", folder)
    for name in ("out/file", "within/../../file", "out"):
        with pytest.raises(ValueError, match=f"{name}' lies outside of its"):
            check_member(folder / name, folder)
    for name in ("link", "within", "missing"):
        with pytest.raises(ValueError, match=f"'{name}' is not a regular file"):
            check_member(folder / name, folder)
