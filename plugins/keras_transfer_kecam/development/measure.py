"""Builds a model and saves it with what it computes.

A part of `survey`: `measure FOLDER` reads names from standard input and
writes `NAME.keras`, `NAME.npz` and `NAME.json` for each; `NAME.json` says why
where a model fails.
"""

import json
import math
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
from keras_transfer_kecam.development import worker

SIZES = (64, 128, 192)
LARGEST = 900_000_000  # Parameters, of four bytes.


class TooLarge(BaseException):
    """A model has more weights than this machine should hold.

    Not an `Exception`, which Keras and the plugin's builder would turn into
    one of theirs.
    """


def main(folder: str) -> None:
    """Measures the models whose names are asked for."""
    # Keras's sign that images are too small for the network's windows.
    warnings.filterwarnings("error", message="You are using a softmax over")
    count = _count_parameters()

    def work(name):
        keras.utils.clear_session()
        keras.utils.set_random_seed(0)
        start = time.perf_counter()
        target = pathlib.Path(folder, name)
        try:
            row = _measure(catalogue.models()[name], target, count)
        except TooLarge as error:
            row = {"state": "too large", "reason": str(error)}
        row["seconds"] = round(time.perf_counter() - start, 1)
        target.with_suffix(".json").write_text(json.dumps(row))

    worker.serve(work)


def _count_parameters():
    """Makes Keras stop at too many; returns what starts the count anew."""
    counted, add_weight = [], keras.layers.Layer.add_weight

    def add_counted_weight(self, shape=None, *args, **options):
        counted.append(math.prod(shape or ()))
        if sum(counted) > LARGEST:
            raise TooLarge(
                f"more than {LARGEST:_} parameters; too large for the machine "
                "on which the others were tried"
            )
        return add_weight(self, shape, *args, **options)

    keras.layers.Layer.add_weight = add_counted_weight
    return counted.clear


def _measure(model, target, count_anew):
    sizes = sorted({size for size in SIZES if size < model.size})
    reason = ""
    for size in (*sizes, model.size):
        count_anew()
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
    main(sys.argv[1])
