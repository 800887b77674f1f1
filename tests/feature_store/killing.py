"""Kills a process at every step of writing a store, then starts it again.

Prints a line for each kill: at which step, which rows were made twice, and
whether the files are those of a run that nothing stopped.
"""

import os
import pathlib
import signal
import sys

import numpy as np

from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.feature_store.store_writer import StoreWriter

ROWS, BATCH = 8, 5
SPECS = {
    "maps": ArraySpec((3, 4), "bfloat16"),
    "labels": ArraySpec((), "int32"),
}


def rows_from(start):
    numbers = np.arange(start, min(start + BATCH, ROWS))
    values = np.sin(numbers[:, None] + np.arange(12))
    return {
        "maps": values.reshape(-1, 3, 4),
        "labels": numbers,
    }


def write(folder, made=None):
    with StoreWriter(
        folder, SPECS, rows=ROWS, fingerprint={"data": "d"}
    ) as writer:
        for start in range(writer.rows_done, ROWS, BATCH):
            if made is not None:
                os.write(made, b"%d\n" % start)
            writer.write(rows_from(start))
        writer.finish()


def die_at(step):
    """Arranges that the process kills itself before or after a call."""
    count = 0

    def dangerous(call):
        def wrapped(*arguments):
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*arguments)
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapped

    for name in ("fsync", "replace", "chmod"):
        setattr(os, name, dangerous(getattr(os, name)))


def contents(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def main(root):
    write(root / "whole")
    expected = contents(root / "whole")
    step = 0
    while True:
        step += 1
        folder = root / f"{step}"
        made = os.open(
            root / f"{step}.log", os.O_RDWR | os.O_CREAT | os.O_APPEND
        )
        child = os.fork()
        if child == 0:
            die_at(step)
            write(folder, made)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            break
        write(folder, made)
        starts = (root / f"{step}.log").read_text().split()
        twice = len(starts) - len(set(starts))
        print(step, twice, contents(folder) == expected)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
