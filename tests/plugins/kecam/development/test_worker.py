"""A process for many models: it answers, crashes or is too slow."""

import os
import sys

import pytest
from keras_transfer_kecam.development.worker import Worker

# Exits at "crash", sleeps at "sleep", notes its own number at all else.
PROGRAM = """
import os, sys, time
from keras_transfer_kecam.development.worker import serve
def work(name):
    print("a library says something")
    if name == "crash":
        os._exit(1)
    if name == "sleep":
        time.sleep(60)
    with open(os.path.join(sys.argv[1], name), "w") as file:
        file.write(str(os.getpid()))
serve(work)
"""


@pytest.fixture
def worker(tmp_path):
    worker = Worker([sys.executable, "-c", PROGRAM, os.fspath(tmp_path)])
    yield worker
    worker.close()


def test_one_process_does_many_names(worker, tmp_path):
    worker.run("a", 60)
    worker.run("b", 60)
    first, second = ((tmp_path / name).read_text() for name in "ab")
    assert first == second != str(os.getpid())


def test_a_crash_is_told_and_the_next_name_gets_a_new_process(worker, tmp_path):
    worker.run("a", 60)
    with pytest.raises(ChildProcessError, match="crashed while at 'crash'"):
        worker.run("crash", 60)
    worker.run("b", 60)
    assert (tmp_path / "a").read_text() != (tmp_path / "b").read_text()


def test_what_is_too_slow_is_killed(worker, tmp_path):
    worker.run("a", 60)
    with pytest.raises(TimeoutError, match=r"No result of 'sleep' within 0\.5"):
        worker.run("sleep", 0.5)
    worker.run("b", 60)
    assert not (tmp_path / "sleep").exists()
