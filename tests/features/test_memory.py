import os
import pathlib
import subprocess
import sys

import pytest

from tests.features.photographs import write_photographs

ROOT = pathlib.Path(__file__).parent.parent.parent
MIB = 2**20


def linked(folder, originals, times):
    for path in originals.rglob("*.png"):
        place = folder / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        for number in range(times):
            os.link(path, place / f"{path.stem}-{number}.png")
    return folder


@pytest.mark.slow
def test_memory_does_not_grow_with_the_features_on_disk(tmp_path):
    """The features of 16 times the photographs are ten times the limit."""
    originals = write_photographs(tmp_path / "originals", each=4)
    first = linked(tmp_path / "first", originals, 4)
    growth = {}
    for times in (1, 4, 16):
        photographs = linked(tmp_path / f"{times}", originals, 8 * times)
        features = tmp_path / f"features-{times}"
        child = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.features.memory_child",
                first,
                photographs,
                features,
            ],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        growth[times] = int(child.stdout.split()[-1])
        size = sum(path.stat().st_size for path in features.rglob("*.npy"))
        assert size > times * 45 * MIB
        print(f"{times} x: {size / MIB:.0f} MiB, grown {growth[times] / MIB}")
    assert growth[16] < 72 * MIB
    assert growth[16] - growth[1] < 36 * MIB
