"""Trains or saves in processes that the tests kill.

`python -m tests.saving.saving_child` imports once, then forks a child for each
line of its input: starting Python two hundred times would take an hour.
"""

import json
import os
import signal
import sys
import time

EPOCHS = 10_000


def save_for_ever(path, plainly):
    """Saves a model over and over, each time with another number as weights."""
    import keras
    import numpy as np

    import keras_transfer as kt

    model = keras.Sequential([keras.Input((256,))])
    for _ in range(4):
        model.add(keras.layers.Dense(256))
    number = 0
    while True:
        number += 1
        for weight in model.weights:
            weight.assign(np.full(weight.shape, number, "float32"))
        model.save(path) if plainly else kt.save_model(model, path)
        if number == 1:
            yield


def train(folder, epochs):
    """Trains with a checkpoint after each epoch."""
    import keras
    import numpy as np

    import keras_transfer as kt

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((64,))])
    for _ in range(3):
        model.add(keras.layers.Dense(64, "tanh"))
    # A few steps take less time than a trace.
    model.compile(keras.optimizers.Adam(1e-3), "mse", run_eagerly=True)
    x = np.random.default_rng(0).normal(size=(8, 64))
    seen = []

    def note(epoch, logs):
        seen.append(epoch)
        if len(seen) == 2:  # One file of this run is there.
            print("ready", flush=True)

    begun = keras.callbacks.LambdaCallback(on_epoch_end=note)
    model.fit(
        x,
        np.sin(x),
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=[begun, kt.callbacks.SafeCheckpoint(folder, keep=2)],
    )


def run(task, target):
    if task == "train":
        train(target, EPOCHS)
    elif isinstance(task, int):
        train(target, task)
    else:
        for _ in save_for_ever(target, task == "plain"):
            print("ready", flush=True)


def main():
    # Imported, but asked for nothing: a runtime that has begun does not
    # survive the fork.
    import tensorflow  # noqa: F401

    import keras_transfer  # noqa: F401

    for line in sys.stdin:
        task, target, seconds = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(write, 1)
            os.close(read)
            os.close(write)
            run(task, target)
            os._exit(0)
        os.close(write)
        if os.read(read, 1) and seconds is not None:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(read)
        print(code, flush=True)


if __name__ == "__main__":
    main()
