"""Portable files, read by older versions of Keras.

The oldest that reads them is 3.6: before, a model's inputs and outputs were
described otherwise. They are installed beside each other by `pip install
--no-deps --target FOLDER keras==3.6.0`, and named by
`KERAS_TRANSFER_OLDER_KERAS=FOLDER:FOLDER`.
"""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.conftest import build_tiny

FOLDERS = os.environ.get("KERAS_TRANSFER_OLDER_KERAS", "").split(os.pathsep)
READER = """
import sys
import keras
import numpy as np

names, outputs = sys.argv[1:], []
for name in names:
    try:
        model = keras.saving.load_model(name + ".keras", safe_mode=True)
    except Exception as error:
        print(name, type(error).__name__)
        continue
    x = np.load(name + ".npy")
    np.save(name + ".read.npy", model.predict(x, verbose=0))
print(keras.__version__)
"""


def tokens():
    sequence = keras.Input((5, 8))
    x = keras.layers.MultiHeadAttention(2, 4)(sequence, sequence)
    x = keras.layers.LayerNormalization()(x)
    return keras.Model(sequence, keras.layers.Dense(2)(x))


def compiled(model):
    model.compile("adam", "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    return model


def stock(head):
    return kt.to_stock(kt.build_model(build_tiny(), head))


@pytest.mark.slow
@pytest.mark.skipif(FOLDERS == [""], reason="no older Keras is named")
@pytest.mark.parametrize("folder", FOLDERS)
def test_an_older_keras_reads_portable_files(folder, tmp_path):
    models = {
        "linear": stock(kt.heads.LinearHead(2)),
        "mlp": stock(kt.heads.MLPHead(3, hidden_units=(4,), dropout=0.2)),
        "compiled": compiled(stock(kt.heads.LinearHead(2))),
        "ours": kt.compile_for_transfer(stock(kt.heads.LinearHead(2))),
        "tokens": tokens(),
        "mobilenet": keras.applications.MobileNetV2(
            (32, 32, 3), weights=None, include_top=False, alpha=0.35
        ),
        "plain": stock(kt.heads.LinearHead(2)),
    }
    for name, model in models.items():
        path = tmp_path / f"{name}.keras"
        kt.save_model(model, path, portable=name != "plain")
        x = np.random.default_rng(0).uniform(size=(2, *model.input_shape[1:]))
        np.save(tmp_path / f"{name}.npy", x)
    printed = subprocess.run(
        [sys.executable, "-c", READER, *models],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": folder},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed.splitlines()[-1] in folder
    # The same file, not made portable, is what it cannot read.
    assert printed.splitlines()[0].startswith("plain ")
    del models["plain"]
    for name, model in models.items():
        np.testing.assert_allclose(
            np.load(tmp_path / f"{name}.read.npy"),
            model.predict(np.load(tmp_path / f"{name}.npy"), verbose=0),
            atol=1e-6,
        )
