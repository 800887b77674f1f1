"""Builds models one after another, each saved with what it computes.

A part of `survey`: `measure FOLDER NAME...` writes `NAME.keras`, `NAME.npz`
and `NAME.json` for each; `NAME.json` says why where a model fails.
"""

import json
import pathlib
import re
import sys
import time
import warnings
import zipfile

import keras
import numpy as np

import keras_transfer as kt
from keras_transfer_kecam import building
from keras_transfer_kecam import catalogue
from keras_transfer_kecam.development import named_stages

SIZES = (64, 128, 192)


def main(folder: str, names: list[str]) -> None:
    """Measures the named models."""
    # Keras's sign that images are too small for the network's windows.
    warnings.filterwarnings("error", message="You are using a softmax over")
    for name in names:
        print("begin", name, flush=True)
        keras.utils.clear_session()
        keras.utils.set_random_seed(0)
        start = time.perf_counter()
        target = pathlib.Path(folder, name)
        row = _measure(catalogue.models()[name], target)
        row["seconds"] = round(time.perf_counter() - start, 1)
        target.with_suffix(".json").write_text(json.dumps(row))
        print("end", name, row, flush=True)


def _measure(model, target):
    sizes = sorted({size for size in SIZES if size < model.size})
    reason = ""
    for size in (*sizes, model.size):
        try:
            built, inputs, outputs = _run(model, size)
        except Exception as error:  # Whatever kecam or Keras raises.
            reason = f"{type(error).__name__}: {str(error).strip()}"
            continue
        built.save(target.with_suffix(".keras"))
        np.savez(target.with_suffix(".npz"), inputs=inputs, outputs=outputs)
        return {
            "minimum_size": size,
            "output": "x".join(str(n) for n in built.output_shape[1:]),
            "parameters": built.count_params(),
            "classes": _own_classes(target.with_suffix(".keras")),
            "stages": named_stages.find_stages(built),
        }
    return {"reason": reason[:600]}


def _run(model, size):
    spec = kt.BackboneSpec(
        building.builder_of(model), name=f"kecam/{model.name}", minimum_size=1
    )
    built = kt.create_backbone(spec, weights=None, input_shape=(size, size, 3))
    inputs = np.random.default_rng(0).normal(size=(2, size, size, 3))
    outputs = keras.ops.convert_to_numpy(built(inputs.astype("float32")))
    if outputs.size == 0 or not np.isfinite(outputs).all():
        raise ValueError(f"the features are {outputs.shape}, or not finite")
    return built, inputs.astype("float32"), outputs


def _own_classes(path):
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json").decode()
    return sorted(set(re.findall(r'"(kecam\.[\w.]+>\w+)"', config)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
