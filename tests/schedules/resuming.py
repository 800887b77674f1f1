"""A training run that can be cut off after any epoch; also a program.

`python -m tests.schedules.resuming '{"folder": ..., "cut": 1}'` trains and
kills itself with SIGKILL in the middle of the epoch after the cut. Called
again without a cut it goes on; the weights are then in `final.npz`.
"""

import json
import os
import pathlib
import signal
import sys

import keras
import numpy as np

from keras_transfer import schedules as ks
from tests.schedules import networks as net

SCHEDULES = {
    "gradual": lambda: ks.GradualUnfreeze(every=1, start=1),
    "plateau": lambda: ks.UnfreezeOnPlateau(
        "loss", patience=1, min_delta=0.05, restore_best=True
    ),
    "steps": lambda: ks.FreezeSchedule(
        [
            ks.Phase("head", until=ks.Steps(4)),
            ks.Phase(["stage_2", "head"], warmup_steps=3, until=ks.Steps(3)),
            ks.Phase(["stem", "head"], learning_rate_multiplier=0.5),
        ]
    ),
    "chain": lambda: ks.ChainThaw(),
    "freeze_out": lambda: ks.FreezeOut(t0=0.5),
}
EPOCHS = 4


class Cut(keras.callbacks.Callback):
    """Ends the run in the second batch after the epoch of the cut."""

    def __init__(self, epoch, end):
        super().__init__()
        self.epoch = epoch
        self.end = end

    def on_epoch_begin(self, epoch, logs=None):
        self.current = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if self.current == self.epoch + 1 and batch == 1:
            self.end()


def run(
    folder,
    schedule="gradual",
    through="keras",
    order="first",
    cut=None,
    end=None,
    epochs=EPOCHS,
    ema=False,
    accumulation=None,
    dropout=0.0,
    shuffle=False,
    mixed=False,
):
    """Trains, or goes on training, and returns the model."""
    folder = pathlib.Path(folder)
    keras.utils.set_random_seed(7)
    keras.config.set_dtype_policy("mixed_float16" if mixed else "float32")
    try:
        checkpoint = folder / "model.keras"
        initial_epoch = 0
        if through == "keras":
            saver = keras.callbacks.ModelCheckpoint(checkpoint)
            if checkpoint.exists():
                initial_epoch = json.loads((folder / "epoch").read_text())
        else:
            saver = keras.callbacks.BackupAndRestore(folder / "backup")
        if initial_epoch:
            model = keras.saving.load_model(checkpoint)
        else:
            model = net.compiled(
                keras.optimizers.Adam(
                    1e-2,
                    use_ema=ema,
                    ema_momentum=0.9,
                    gradient_accumulation_steps=accumulation,
                ),
                dropout=dropout,
            )
            # The seed of the run, not that of the network.
            keras.utils.set_random_seed(7)
        callbacks = [SCHEDULES[schedule](), saver]
        if order != "first":
            callbacks.reverse()
        if cut is not None:
            callbacks.insert(0, Cut(cut, end))
            (folder / "epoch").write_text(str(cut + 1))
        model.fit(
            net.IMAGES,
            net.LABELS,
            batch_size=4,
            initial_epoch=initial_epoch,
            epochs=epochs,
            shuffle=shuffle,
            verbose=0,
            callbacks=callbacks,
        )
        return model
    finally:
        keras.config.set_dtype_policy("float32")


def main():
    arguments = json.loads(sys.argv[1])

    def end():
        os.kill(os.getpid(), signal.SIGKILL)

    model = run(end=end, **arguments)
    final = pathlib.Path(arguments["folder"]) / "final.npz"
    np.savez(final, **net.values(model), **net.moments(model))


if __name__ == "__main__":
    main()
