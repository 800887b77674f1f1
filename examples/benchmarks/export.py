"""What each exported format costs to start, to hold and to run.

Writes one model in every format whose packages are installed and runs each in
fresh processes, in turn, so that a busy machine is no format's fault alone:

    python examples/benchmarks/export.py                # an untrained network
    python examples/benchmarks/export.py model.keras    # your own

Figures are medians; `start` is the time from the start of Python to the first
prediction, and `sooner` how many times that is less than that of `.keras`.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

# Runs in a process of its own; only the runtime is imported there.
CLIENT = """
import json, os, resource, sys, time

def clock():  # Seconds since this process was started.
    with open("/proc/self/stat") as file:
        ticks = int(file.read().rpartition(")")[2].split()[19])
    started = ticks / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started

import numpy as np
path, shape, rounds = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
images = np.random.default_rng(0).uniform(0, 255, (32, *shape))
images = images.astype("float32")
{load}
run(images[:1])
result = {{"start": clock()}}
for batch in (1, 32):
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run(images[:batch])
        times.append(time.perf_counter() - begun)
    result[f"batch {{batch}}"] = batch / sorted(times)[len(times) // 2]
kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({{**result, "memory": kilobytes / 1024}}))
"""
KERAS = """
import keras_transfer as kt
model = kt.load_model(path)
run = lambda x: model.predict_on_batch(x)
"""
LOAD = {
    "tf_saved_model": """
import tensorflow as tf
loaded = tf.saved_model.load(path)
run = lambda x: loaded.serve(x).numpy()
""",
    "onnx": """
import onnxruntime
session = onnxruntime.InferenceSession(path)
run = lambda x: session.run(None, {"image": x})[0]
""",
    "litert": """
import os
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(path, num_threads=os.cpu_count())
image = interpreter.get_input_details()[0]["index"]
output = interpreter.get_output_details()[0]["index"]
size = 0
def run(x):
    global size
    if len(x) != size:
        size = len(x)
        interpreter.resize_tensor_input(image, x.shape)
        interpreter.allocate_tensors()
    interpreter.set_tensor(image, x)
    interpreter.invoke()
    return interpreter.get_tensor(output)
""",
    "openvino": """
import openvino
options = {"INFERENCE_PRECISION_HINT": "f32"}
network = openvino.Core().compile_model(path, "CPU", options)
run = lambda x: network(x)[0]
""",
    "stock": """
import keras
model = keras.saving.load_model(path)
run = lambda x: model.predict_on_batch(x)
""",
}
COLUMNS = ("MB", "start s", "sooner", "1 at a time", "32 at a time", "RSS MB")


def write_all(model_file, size, folder):
    """Writes the model in each format; returns the paths and the shape."""
    import keras_transfer as kt
    from keras_transfer.exporting.formats import FORMATS

    if model_file is None:
        model = untrained(size)
        model_file = folder / "original.keras"
        kt.save_model(model, model_file)
    else:
        model = kt.load_model(model_file)
    paths = {".keras": model_file}
    for name, format in FORMATS.items():
        try:
            format.check()
        except (ImportError, ValueError) as error:
            print(error, file=sys.stderr)
            continue
        paths[name] = folder / f"exported-{name}{format.suffix}"
        exported = kt.export(model, paths[name], name)
        print(f"{name}: difference {exported.trial.difference:.1g}")
    return paths, model.input_shape[1:]


def untrained(size):
    """MobileNet 0.75 whose outputs vary from image to image."""
    import keras
    import numpy as np

    import keras_transfer as kt

    keras.utils.set_random_seed(0)
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, weights=None, input_shape=(size, size, 3)
    )
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            layer.set_weights([3 * w for w in layer.get_weights()])
    model = kt.build_model(backbone, kt.heads.LinearHead(2, dropout=0.2))
    head = model.layers[-1].predictions
    kernel, bias = head.get_weights()
    head.set_weights([kernel * np.float32(10), bias])
    return model


def size_of(path):
    files = [path, *path.rglob("*"), path.with_suffix(".bin")]
    return sum(f.stat().st_size for f in files if f.is_file()) / 1e6


def measure(load, path, shape, rounds):
    # OpenVINO reports its import to a server unless it runs in CI.
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CI": "true"}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            CLIENT.format(load=load),
            str(path),
            json.dumps(shape),
            str(rounds),
        ],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    loads = {".keras": KERAS, **LOAD}
    with tempfile.TemporaryDirectory() as folder:
        paths, shape = write_all(
            arguments.model, arguments.size, pathlib.Path(folder)
        )
        runs = {name: [] for name in paths}
        for _ in range(arguments.processes):
            for name, path in paths.items():
                runs[name].append(
                    measure(loads[name], path, shape, arguments.rounds)
                )
        sizes = {name: size_of(path) for name, path in paths.items()}
    median = {
        name: {
            key: statistics.median(run[key] for run in results)
            for key in results[0]
        }
        for name, results in runs.items()
    }
    print(f"{'':<15}" + "".join(f"{column:>14}" for column in COLUMNS))
    for name, figures in median.items():
        ratios = [
            keras_run["start"] / run["start"]
            for keras_run, run in zip(runs[".keras"], runs[name], strict=True)
        ]
        row = (
            f"{sizes[name]:.1f}",
            f"{figures['start']:.2f}",
            f"{statistics.median(ratios):.1f}",
            f"{figures['batch 1']:.0f}/s",
            f"{figures['batch 32']:.0f}/s",
            f"{figures['memory']:.0f}",
        )
        print(f"{name:<15}" + "".join(f"{cell:>14}" for cell in row))


if __name__ == "__main__":
    main()
