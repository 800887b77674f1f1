"""A program that runs one exported file and tells what that costs.

`export.py` starts it once for each measurement. Nothing but NumPy and the
runtime of the format is imported, as in production.
"""

import json
import os
import sys
import time


def age():
    """Returns the seconds since this process was started."""
    with open("/proc/self/stat") as file:
        ticks = int(file.read().rpartition(")")[2].split()[19])
    started = ticks / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def peak_memory():
    """Returns MiB; `getrusage` would count what started this process too."""
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def keras(path):
    import keras_transfer as kt

    return kt.load_model(path).predict_on_batch


def stock(path):
    import keras

    return keras.saving.load_model(path).predict_on_batch


def tf_saved_model(path):
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    return lambda images: loaded.serve(images).numpy()


def onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    return lambda images: session.run(None, {"image": images})[0]


def litert(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=os.cpu_count())
    image = interpreter.get_input_details()[0]["index"]
    output = interpreter.get_output_details()[0]["index"]
    shape = None

    def run(images):
        nonlocal shape
        if images.shape != shape:
            shape = images.shape
            interpreter.resize_tensor_input(image, shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(image, images)
        interpreter.invoke()
        return interpreter.get_tensor(output)

    return run


def openvino(path):
    import openvino

    options = {"INFERENCE_PRECISION_HINT": "f32"}
    network = openvino.Core().compile_model(path, "CPU", options)
    return lambda images: network(images)[0]


LOADERS = {
    loader.__name__: loader
    for loader in (keras, stock, tf_saved_model, onnx, litert, openvino)
}
REPEATS = 3
BATCHES = {1: 21, 32: 3}


def main(format, path, images_file, out):
    import numpy as np

    images = np.load(images_file, mmap_mode="r")
    batches = {size: np.array(images[:size]) for size in BATCHES}
    run = LOADERS[format](path)
    run(batches[1])
    figures = {"start": age()}
    for size, batch in batches.items():
        run(batch)  # What is compiled for this size is no prediction.
        times = []
        for _ in range(BATCHES[size]):
            begun = time.perf_counter()
            run(batch)
            times.append(time.perf_counter() - begun)
        figures[f"batch_{size}"] = size / sorted(times)[len(times) // 2]
    figures["memory"] = peak_memory()
    if out:
        first, *others = [np.array(run(batches[32])) for _ in range(REPEATS)]
        figures["repeats"] = all(np.array_equal(first, o) for o in others)
        parts = [
            np.array(run(np.array(images[start : start + 32])))
            for start in range(0, len(images), 32)
        ]
        np.save(out, np.concatenate(parts))
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
