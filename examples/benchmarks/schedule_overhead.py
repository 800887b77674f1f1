"""What a freeze schedule costs where it changes nothing.

Two trainings of the same frozen network take turns, one with layers frozen by
hand and Keras's own Adam, one with a schedule of a single phase:

    python examples/benchmarks/schedule_overhead.py --rounds 10
"""

import argparse
import statistics
import time

import keras
import numpy as np
import tensorflow as tf

import keras_transfer as kt


class EpochTimes(keras.callbacks.Callback):
    """Notes wall time and processor time of each epoch."""

    def __init__(self):
        super().__init__()
        self.wall, self.processor = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.wall.append(time.perf_counter() - self._start[0])
        self.processor.append(time.process_time() - self._start[1])


def build(size):
    keras.utils.set_random_seed(0)
    model = kt.build_model(
        kt.create_backbone(
            "mobilenet", alpha=0.75, weights=None, input_shape=(size, size, 3)
        ),
        kt.heads.LinearHead(2),
    )
    kt.freeze(model)
    return model


def main(arguments):
    rng = np.random.default_rng(0)
    shape = (arguments.images, arguments.size, arguments.size, 3)
    images = rng.integers(0, 256, shape).astype("float32")
    labels = rng.integers(0, 2, arguments.images)
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(32)
    # Whose thread makes the end of an epoch wait, now and then.
    options = tf.data.Options()
    options.autotune.enabled = False
    data = data.with_options(options)
    by_hand, scheduled = build(arguments.size), build(arguments.size)
    by_hand.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    kt.compile_for_transfer(scheduled)
    sides = {
        "by hand": (by_hand, []),
        "schedule": (scheduled, [kt.schedules.LinearProbe()]),
    }
    ratios = {"wall": [], "processor": []}
    for number in range(arguments.rounds):
        order = list(sides) if number % 2 else list(reversed(sides))
        medians = {}
        for name in order:
            model, callbacks = sides[name]
            times = EpochTimes()
            model.fit(
                data,
                epochs=6,
                shuffle=False,
                verbose=0,
                callbacks=[*callbacks, times],
            )
            # The first epoch traces.
            medians[name] = {
                "wall": statistics.median(times.wall[1:]),
                "processor": statistics.median(times.processor[1:]),
            }
        for clock, values in ratios.items():
            values.append(
                medians["schedule"][clock] / medians["by hand"][clock]
            )
    for clock, values in ratios.items():
        print(
            f"{clock} time of an epoch, schedule to by hand: ratio: "
            f"{statistics.median(values):.3f} ({min(values):.3f} to "
            f"{max(values):.3f})"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--size", type=int, default=128)
    main(parser.parse_args())
