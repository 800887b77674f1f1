"""Comparing a saved model with what it computed before."""

import json
import pathlib

import numpy as np


def compare(folder: str, name: str) -> None:
    """Loads `NAME.keras` and adds `round_trip` to `NAME.json`.

    Args:
        folder: Where `measure` saved the model.
        name: Which one.
    """
    path = pathlib.Path(folder, f"{name}.json")
    row = json.loads(path.read_text())
    row["round_trip"] = _compare(path)
    path.write_text(json.dumps(row))


def _compare(path):
    import keras

    with np.load(path.with_suffix(".npz")) as stored:
        inputs, expected = stored["inputs"], stored["outputs"]
    keras.utils.clear_session()
    try:
        model = keras.saving.load_model(path.with_suffix(".keras"))
        received = keras.ops.convert_to_numpy(model(inputs))
    except Exception as error:  # Whatever Keras raises.
        return f"{type(error).__name__}: {error}"[:600]
    difference = np.abs(received - expected).max()
    return "bit-equal" if difference == 0 else f"differs by {difference:.1e}"
