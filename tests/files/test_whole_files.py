import os
import pathlib
import stat
import subprocess
import sys
import tempfile

import pytest

from keras_transfer.files import whole_files
from keras_transfer.files.whole_files import replacing
from keras_transfer.files.whole_files import sweep
from keras_transfer.files.whole_files import sweep_folder


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


KILLED = """
import os, pathlib, signal, sys
from keras_transfer.files import whole_files
folder = {folder}
with folder as place:
    (place / "half").write_text("half of it")
    print(place, flush=True)
    {end}
"""


def child(folder, end, tmp_path):
    return subprocess.Popen(
        [sys.executable, "-c", KILLED.format(folder=folder, end=end)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs file locks")
@pytest.mark.parametrize(
    ("make", "code"),
    [
        (
            lambda path: whole_files.staging_folder(path),
            "whole_files.staging_folder({path!r})",
        ),
        (
            lambda path: whole_files.private_folder(),
            "whole_files.private_folder()",
        ),
    ],
)
def test_only_folders_of_killed_processes_are_swept(
    make, code, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "x.tflite"
    code = code.format(path=str(path))
    living = child(code, "sys.stdin.read()", tmp_path)
    held = pathlib.Path(living.stdout.readline().strip())
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    killed = child(code, kill, tmp_path)
    left = pathlib.Path(killed.communicate()[0].strip())
    assert (left / "half").is_file()
    with make(path):
        assert not left.exists()
        assert (held / "half").is_file()
    living.communicate()
    assert not list(tmp_path.iterdir())
