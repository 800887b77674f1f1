"""Step time after freezing in the middle of `fit`.

Two equal models train a head on a frozen backbone. One was compiled frozen, by
plain Keras. The other was trained whole first and frozen by a schedule inside
the same `fit`. Epochs of both alternate; the ratio of medians is printed:

    python examples/benchmarks/frozen_step.py --rounds 9
"""

import argparse
import statistics
import time

import keras
import numpy as np

import keras_transfer as kt
from keras_transfer.schedules import Epochs
from keras_transfer.schedules import FreezeSchedule
from keras_transfer.schedules import Phase


def build(size):
    keras.utils.set_random_seed(0)
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, weights=None, input_shape=(size, size, 3)
    )
    return kt.build_model(backbone, kt.heads.LinearHead(2))


def main(arguments):
    rng = np.random.default_rng(0)
    shape = (16 * arguments.steps, arguments.size, arguments.size, 3)
    x = rng.uniform(0, 255, shape).astype("float32")
    y = np.arange(len(x)) % 2
    options = {"batch_size": 16, "verbose": 0, "shuffle": False}
    loss = "sparse_categorical_crossentropy"

    natively = build(arguments.size)
    kt.freeze(natively)
    natively.compile("adam", loss)

    scheduled = build(arguments.size)
    scheduled.compile("adam", loss)
    schedule = FreezeSchedule(
        [Phase("*", until=Epochs(1), batch_norm="full"), Phase("head")]
    )
    scheduled.fit(x, y, epochs=2, callbacks=[schedule], **options)

    times = {"natively": [], "scheduled": []}
    for model in (natively, scheduled):  # Traces are not what is measured.
        model.fit(x, y, **options)
    for number in range(arguments.rounds):
        pair = [("natively", natively), ("scheduled", scheduled)]
        for name, model in pair if number % 2 else reversed(pair):
            start = time.perf_counter()
            model.fit(x, y, **options)
            times[name].append(time.perf_counter() - start)
    for name, seconds in times.items():
        milliseconds = 1000 * statistics.median(seconds) / arguments.steps
        print(f"{name:>10}: {milliseconds:6.1f} ms per step (median)")
    ratios = sorted(
        b / a
        for a, b in zip(times["natively"], times["scheduled"], strict=True)
    )
    ratio = statistics.median(times["scheduled"]) / statistics.median(
        times["natively"]
    )
    print(
        f"     ratio: {ratio:.3f} of medians; by round from {ratios[0]:.3f} "
        f"to {ratios[-1]:.3f}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--size", type=int, default=96)
    main(parser.parse_args())
