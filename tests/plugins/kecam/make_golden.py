"""Compares this plugin with the oracle and keeps a few of its values.

A script: `python -m tests.plugins.kecam.make_golden FOLDER`, over the `.npz`
files that `oracle.py` has written there, in the repository's root. It prints
the relative difference of every model and writes `golden.json`.
"""

import dataclasses
import json
import pathlib
import sys

import keras
import numpy as np

import keras_transfer as kt
from tests.plugins.kecam import values

GOLDEN = pathlib.Path(__file__).with_name("golden.json")


def features_of(name, size):
    """What the plugin's model computes with made-up weights."""
    spec = dataclasses.replace(kt.get_backbone(f"kecam/{name}"), minimum_size=1)
    model = kt.create_backbone(spec, weights=None, input_shape=(size, size, 3))
    values.fill(model)
    return keras.ops.convert_to_numpy(model(values.images(size)))


def difference(received, expected):
    """The largest difference, as a part of the largest value."""
    return np.abs(received - expected).max() / np.abs(expected).max()


def main(folder):
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    for path in sorted(pathlib.Path(folder).glob("*.npz")):
        name = path.stem
        with np.load(path) as stored:
            features, size = stored["features"], int(stored["size"])
        keras.utils.clear_session()
        try:
            received = features_of(name, size)
            worst = difference(received, features)
        except Exception as error:
            print("fail", name, type(error).__name__, str(error)[:200])
            continue
        print("end", name, received.shape, f"{worst:.1e}", flush=True)
        if worst <= 1e-5:
            golden[name] = {
                "size": size,
                "shape": list(features.shape),
                "largest": float(np.abs(features).max()),
                "difference": float(f"{worst:.1e}"),
                "values": [float(v) for v in values.sample(features)],
            }
    lines = [f'"{n}": {json.dumps(golden[n])}' for n in sorted(golden)]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1])
