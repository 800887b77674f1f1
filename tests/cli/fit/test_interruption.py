import json
import os
import signal

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.cli.fit.interruption import StopOnInterrupt


class Interrupt(keras.callbacks.Callback):
    def on_features_batch_end(self, rows):
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="it has no cache"
)
def test_ctrl_c_stops_the_computing_of_features(tiny_model, tmp_path, capfd):
    kt.freeze(tiny_model)
    kt.compile_for_transfer(tiny_model)
    images = np.full((9, 32, 32, 3), 200.0)
    with StopOnInterrupt() as stop, pytest.raises(KeyboardInterrupt):
        kt.fit(
            tiny_model,
            images,
            np.zeros(9),
            batch_size=3,
            cache=tmp_path,
            callbacks=[Interrupt(), stop],
            verbose=0,
        )
    assert "Stopping after this batch" in capfd.readouterr().err
    (manifest,) = tmp_path.glob("features-*/manifest.json")
    assert json.loads(manifest.read_text())["rows_done"] == 3
