import os
import stat

import pytest

from keras_transfer.whole_files import replacing


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("old")

    def fail_half_way():
        with replacing(path) as new:
            new.write_text("ne")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_file_is_as_readable_as_others(tmp_path):
    (tmp_path / "other").touch()
    with replacing(tmp_path / "new") as temporary:
        temporary.write_text("new")
    modes = [
        stat.S_IMODE(os.stat(tmp_path / name).st_mode)
        for name in ("new", "other")
    ]
    assert modes[0] == modes[1]
