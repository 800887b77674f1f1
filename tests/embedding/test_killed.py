"""Killed and started again, `embed` gives the same bytes."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt

CHILD = pathlib.Path(__file__).with_name("child.py")


def photographs(folder, count, size=(24, 24), different=10):
    """Photographs, most of them links to the first ones."""
    folder.mkdir()
    noise = np.random.default_rng(0)
    for number in range(different):
        pixels = noise.integers(0, 256, (*size, 3), "uint8")
        Image.fromarray(pixels).save(folder / f"{number}.jpg", quality=95)
    for number in range(different, count):
        os.link(folder / f"{number % different}.jpg", folder / f"{number}.jpg")
    return folder


def start(tmp_path, photos, out, batch_size):
    return subprocess.Popen(
        [
            sys.executable,
            CHILD,
            tmp_path / "m.keras",
            photos,
            out,
            str(batch_size),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )


def rows_done(out):
    try:
        return json.loads((out / "manifest.json").read_text())["rows_done"]
    except FileNotFoundError:
        return 0


def kill_when(child, out, rows, delay):
    """Kills a process once it has written so many rows and a little more."""
    while rows_done(out) < rows and child.poll() is None:
        time.sleep(0.001)
    time.sleep(delay)
    child.kill()
    child.communicate()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def model(tiny_backbone, tmp_path):
    model = kt.build_model(tiny_backbone((16, 16, 3)), kt.heads.LinearHead(2))
    kt.save_model(model, tmp_path / "m.keras")
    return model


def test_killed_at_a_random_moment_another_process_goes_on(model, tmp_path):
    """The one that goes on is this process: its fingerprint is the same."""
    photos = photographs(tmp_path / "photos", 100)
    kt.embed(model, photos, out=tmp_path / "whole", batch_size=2)
    child = start(tmp_path, photos, tmp_path / "out", 2)
    draw = random.Random(0)
    kill_when(
        child, tmp_path / "out", draw.randrange(2, 20), draw.random() / 20
    )
    assert child.returncode == -signal.SIGKILL
    assert 0 < rows_done(tmp_path / "out") < 100
    kt.embed(model, photos, out=tmp_path / "out", batch_size=2)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_ctrl_c_ends_it_within_a_batch_or_two(model, tmp_path):
    photos = photographs(tmp_path / "photos", 100)
    kt.embed(model, photos, out=tmp_path / "whole", batch_size=2)
    out, seen = tmp_path / "out", []

    def interrupt():
        while not seen:
            seen.extend([rows_done(out)] if rows_done(out) else [])
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        kt.embed(model, photos, out=out, batch_size=2)
    thread.join()
    assert seen[0] <= rows_done(out) < 80
    kt.embed(model, photos, out=out, batch_size=2)
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_bytes(model, tmp_path):
    photos = photographs(tmp_path / "photos", 300)
    kt.embed(model, photos, out=tmp_path / "whole", batch_size=2)
    draw, out, kills = random.Random(1), tmp_path / "out", 0
    while True:
        child = start(tmp_path, photos, out, 2)
        more = draw.randrange(20, 90)
        kill_when(child, out, rows_done(out) + more, draw.random() / 10)
        if child.returncode == 0:
            break
        kills += 1
    assert kills >= 4
    assert contents(out) == contents(tmp_path / "whole")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_photographs(
    tiny_backbone, tmp_path
):
    """At last they are 20 times what memory may grow by."""
    budget = 72 * 2**20
    model = kt.build_model(
        tiny_backbone((256, 256, 3), width=8), kt.heads.LinearHead(2)
    )
    kt.save_model(model, tmp_path / "m.keras")
    growth = {}
    for times in (1, 20):
        photos = photographs(
            tmp_path / f"{times}", 34 * times, (1400, 1400), different=4
        )
        size = sum(path.stat().st_size for path in photos.iterdir())
        assert size > times * budget
        child = start(tmp_path, photos, tmp_path / f"out_{times}", 4)
        printed, _ = child.communicate()
        assert child.returncode == 0
        growth[times] = [int(word) for word in printed.split()]
        print(f"{times} x: {size} bytes of photographs; growth {growth[times]}")
    assert growth[20][0] < budget
    assert growth[20][0] - growth[1][0] < budget / 4
