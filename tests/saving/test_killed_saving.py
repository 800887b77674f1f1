"""Saving and checkpointing that are killed leave a whole file."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from keras_transfer.callbacks import safe_checkpoint
from keras_transfer.saving import model_archive

ROOT = pathlib.Path(__file__).parents[2]
KILLED = -signal.SIGKILL

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="needs os.fork to be fast enough"
)
# How often, and the seed of when: two hundred in all, in parts of minutes.
KILLS = [pytest.param(3, 0, id="few")] + [
    pytest.param(50, part, id=f"part_{part}_of_4", marks=pytest.mark.slow)
    for part in (1, 2, 3, 4)
]


class Nursery:
    """Runs a program in processes, and kills them."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.saving.saving_child"],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT}/plugins",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self

    def run(self, task, target, seconds=None):
        """Returns the exit code of a child that was killed so much later."""
        line = json.dumps([task, str(target), seconds])
        print(line, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def __exit__(self, *exception):
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as found:
        yield found


def weights_in(path):
    """All stored weights of the layers, in one array."""
    arrays = []

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and name.startswith("layers"):
            arrays.append(np.ravel(item))

    with (
        zipfile.ZipFile(path) as archive,
        archive.open("model.weights.h5") as member,
        h5py.File(member, "r") as file,
    ):
        file.visititems(visit)
    return np.concatenate(arrays)


def temporaries(folder):
    return [p.name for p in folder.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize(("kills", "seed"), KILLS)
def test_a_killed_save_leaves_a_whole_file(kills, seed, nursery, tmp_path):
    generator, left = random.Random(seed), 0
    path = tmp_path / "model.keras"
    for _ in range(kills):
        assert nursery.run("save", path, generator.uniform(0, 0.2)) == KILLED
        assert model_archive.fault_of(path) is None
        # All of it from one save, not some of the old and some new.
        assert len(set(weights_in(path))) == 1
        # What the kills before have left is gone.
        assert len(temporaries(tmp_path)) <= 1
        left += len(temporaries(tmp_path))
    # Of many, some come while a file is written.
    assert left >= kills // 10
    print(f"{left} of {kills} kills came while a file was written")


def test_killed_saves_of_keras_alone_lose_the_file(nursery, tmp_path):
    """What the test above would show without our way of saving."""
    generator, path = random.Random(0), tmp_path / "model.keras"
    lost = 0
    for _ in range(3):
        assert nursery.run("plain", path, generator.uniform(0, 0.2)) == KILLED
        lost += model_archive.fault_of(path) is not None
    assert lost


@pytest.mark.parametrize(("kills", "seed"), KILLS)
def test_a_killed_training_goes_on_from_a_whole_file(
    kills, seed, nursery, tmp_path
):
    generator, epoch, left = random.Random(seed), 0, 0
    folder = tmp_path / "a"
    for _ in range(kills):
        moment = generator.uniform(0, 0.2)
        assert nursery.run("train", folder, moment) == KILLED
        found = safe_checkpoint.checkpoints(folder)
        for _, path in found:
            assert model_archive.fault_of(path) is None
        newest = found[-1][0] if found else 0
        assert newest >= epoch
        epoch = newest
        left += len(temporaries(folder))
    assert epoch > 0
    # To the same weights as in one go.
    assert nursery.run(epoch + 1, folder) == 0
    assert nursery.run(epoch + 1, tmp_path / "b") == 0
    assert not temporaries(folder)
    name = f"epoch-{epoch + 1:05}.keras"
    np.testing.assert_array_equal(
        weights_in(folder / name), weights_in(tmp_path / "b" / name)
    )
    print(f"{left} of {kills} kills came while a file was written")
