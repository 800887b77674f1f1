import os
import tempfile

import pytest

from keras_transfer.files.output_path import check_output


def test_a_good_path_is_returned_and_nothing_is_made(tmp_path):
    path = tmp_path / "model.keras"
    assert check_output(path) == path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    not hasattr(os, "O_TMPFILE"), reason="only Linux has nameless files"
)
def test_a_kill_during_the_trial_leaves_nothing(tmp_path, monkeypatch):
    seen, make = [], tempfile.TemporaryFile

    def look(**options):
        file = make(**options)
        seen.append(os.listdir(tmp_path))
        return file

    monkeypatch.setattr(tempfile, "TemporaryFile", look)
    check_output(tmp_path / "model.keras")
    assert seen == [[]]


def test_an_existing_file_stays_as_it_is(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("old")
    check_output(path)
    assert path.read_text() == "old"


def test_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert check_output("~/model.keras") == tmp_path / "model.keras"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="'.*/no' does not exist. Create it"):
        check_output(tmp_path / "no" / "model.keras")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ValueError, match="it is a folder. Name a file"):
        check_output(tmp_path)


def test_a_device_folder_refuses_files():
    with pytest.raises(ValueError, match="Choose another folder"):
        check_output("/proc/model.keras")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_a_protected_file_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    path.touch(mode=0o444)
    with pytest.raises(ValueError, match="must not be changed"):
        check_output(path)
