"""What has a final name is whole."""

import pytest

from keras_transfer.files.whole_files import publish
from keras_transfer.files.whole_files import staging_folder


def test_a_folder_that_cannot_be_replaced_is_put_back(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "old").write_text("old")
    with staging_folder(tmp_path / "m") as folder:
        with pytest.raises(FileNotFoundError):
            publish([folder / "m"], tmp_path)
    assert (tmp_path / "m" / "old").read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["m"]


def test_files_and_folders_replace_those_of_their_names(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "old").write_text("old")
    (tmp_path / "m.json").write_text("old")
    with staging_folder(tmp_path / "m") as folder:
        (folder / "m").mkdir()
        (folder / "m" / "new").write_text("new")
        (folder / "m.json").write_text("new")
        publish([folder / "m", folder / "m.json"], tmp_path)
    assert [item.name for item in (tmp_path / "m").iterdir()] == ["new"]
    assert (tmp_path / "m.json").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 2
