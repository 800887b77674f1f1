"""Files replaced by whole new ones, whatever happens on the way.

So it is with every file that the package writes in parts.
"""

import os
import random
import signal
import stat
import time

import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.feature_store.store_writer import StoreWriter
from keras_transfer.files.download import download
from keras_transfer.files.whole_files import publish
from keras_transfer.files.whole_files import replacing
from keras_transfer.files.whole_files import staging_folder
from keras_transfer.files.whole_files import sweep
from keras_transfer.files.whole_files import sweep_folder
from tests.files.file_server import FileServer


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


def left_by_a_killed_process(folder, name):
    """What `replacing` leaves when nothing after its block can run."""
    return_code = os.fork()
    if return_code == 0:
        with replacing(folder / name) as temporary:
            temporary.write_text("half")
            os._exit(0)
    os.waitpid(return_code, 0)
    (left,) = [p for p in folder.iterdir() if p.name.startswith(".")]
    assert left.read_text() == "half"
    return left


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    left = left_by_a_killed_process(tmp_path, "notes.txt")
    sweep(tmp_path / "other.txt")
    sweep(tmp_path / "notes.json")
    assert left.exists()  # It is not theirs.
    with replacing(tmp_path / "notes.txt") as temporary:
        temporary.write_text("all")
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_folder_is_swept_of_what_nobody_is_writing(tmp_path):
    left_by_a_killed_process(tmp_path, "notes.txt")
    (tmp_path / ".hidden-by-the-user.txt").touch()
    with replacing(tmp_path / "model.txt") as temporary:
        sweep_folder(tmp_path)
        assert temporary.exists()
        temporary.write_text("all")
    assert sorted(os.listdir(tmp_path)) == [
        ".hidden-by-the-user.txt",
        "model.txt",
    ]


def test_a_folder_that_is_not_there_needs_no_sweep(tmp_path):
    sweep(tmp_path / "missing" / "notes.txt")
    sweep_folder(tmp_path / "missing")


def test_who_reads_the_old_file_reads_it_to_the_end(tmp_path):
    """The new file takes the name; nothing is written over the old one."""
    path = tmp_path / "notes.txt"
    path.write_text("old")
    os.link(path, tmp_path / "link.txt")
    with path.open() as reader:
        with replacing(path) as temporary:
            assert temporary.parent == tmp_path  # A rename within one disk.
            temporary.write_text("new, and longer")
            written = temporary.stat().st_ino
        assert reader.read() == "old"
    assert path.read_text() == "new, and longer"
    assert path.stat().st_ino == written
    assert (tmp_path / "link.txt").read_text() == "old"


@pytest.fixture
def calls(monkeypatch):
    """Lists what is synced and renamed from here on, in order.

    A power cut cannot be had in a test. What is recorded still happens.
    """
    found = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(file):
        handle = file if isinstance(file, int) else file.fileno()
        state = os.fstat(handle)
        is_folder = stat.S_ISDIR(state.st_mode)
        size = None if is_folder else state.st_size
        found.append(("sync", state.st_ino, size))
        fsync(file)

    def recorded_replace(source, target):
        state = os.stat(source)
        found.append(("rename", state.st_ino, os.path.basename(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    return found


def test_a_power_cut_finds_the_old_file_or_the_whole_new_one(tmp_path, calls):
    path = tmp_path / "notes.txt"
    with replacing(path) as temporary:
        temporary.write_bytes(b"x" * 5000)
    new, folder = path.stat().st_ino, tmp_path.stat().st_ino
    assert calls == [
        ("sync", new, 5000),  # All of it, before it has the name.
        ("rename", new, "notes.txt"),
        ("sync", folder, None),  # The name, before the caller goes on.
    ]


def test_what_is_published_is_synced_before_it_has_its_name(tmp_path, calls):
    with staging_folder(tmp_path / "m") as staging:
        (staging / "m").mkdir()
        (staging / "m" / "weights").write_bytes(b"x" * 5000)
        (staging / "m.json").write_bytes(b"{}")
        publish([staging / "m", staging / "m.json"], tmp_path)
    weights = (tmp_path / "m" / "weights").stat().st_ino
    sidecar = (tmp_path / "m.json").stat().st_ino
    folder = (tmp_path / "m").stat().st_ino
    assert calls.index(("sync", weights, 5000)) < calls.index(
        ("rename", folder, "m")
    )
    assert calls.index(("sync", sidecar, 2)) < calls.index(
        ("rename", sidecar, "m.json")
    )


def test_a_download_is_synced_before_it_has_its_name(
    tmp_path, calls, monkeypatch
):
    monkeypatch.setenv("no_proxy", "*")
    path = tmp_path / "file.bin"
    with FileServer(b"x" * 5000).running() as server:
        download(server.url, path, progress=False)
    new = path.stat().st_ino
    assert calls == [("sync", new, 5000), ("rename", new, "file.bin")]


def test_a_preset_is_described_when_its_model_is_on_disk(
    tiny_backbone, tmp_path, calls
):
    kt.save_backbone(tiny_backbone(), tmp_path / "preset")
    (model,) = (tmp_path / "preset").glob("*.keras")
    (text,) = (tmp_path / "preset").glob("*.json")
    ours = {file.stat().st_ino: file for file in (model, text)}
    found = [
        (kind, ours[inode].name) for kind, inode, _ in calls if inode in ours
    ]
    # The first rename is from the name under which it was saved.
    assert found == [
        ("sync", model.name),
        ("rename", model.name),
        ("rename", model.name),
        ("sync", text.name),
        ("rename", text.name),
    ]


def test_rows_are_counted_when_they_are_on_disk(tmp_path, calls):
    rows = np.ones((4, 2), "float32")
    folder = tmp_path / "store"
    with StoreWriter(folder, {"x": ArraySpec((2,))}, rows=8) as writer:
        writer.write({"x": rows})
        calls.clear()
        writer.write({"x": rows})
        (data,) = folder.glob("*.npy")
        data = data.stat().st_ino
    kinds = ["rows" if inode == data else kind for kind, inode, _ in calls]
    # The rows, then the record of how many there are: see above.
    assert kinds == ["rows", "sync", "rename", "sync"]


def test_killed_at_any_moment_it_leaves_one_whole_file(tmp_path):
    """The moments differ; none of them may show a mixture."""
    path = tmp_path / "notes.bin"
    size = 1 << 22
    whole = {bytes([number]) * size for number in range(2)}
    path.write_bytes(bytes(size))
    generator, found = random.Random(0), set()
    for _ in range(20):
        child = os.fork()
        if child == 0:
            while True:
                for contents in whole:
                    with replacing(path) as temporary:
                        temporary.write_bytes(contents)
        time.sleep(generator.uniform(0.005, 0.05))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        contents = path.read_bytes()
        assert contents in whole
        found.add(contents)
        # What earlier kills left is swept; of the last there is one file.
        assert len(os.listdir(tmp_path)) <= 2
    assert found == whole  # They came between writes of either.
