"""LiteRT, formerly TensorFlow Lite, run by its interpreter."""

import importlib.metadata
import os

import numpy as np

from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.format import check_sizes
from keras_transfer.exporting.formats.runner import Axes
from keras_transfer.exporting.formats.runner import Runner


class LiteRT(Format):
    """One small file for mobile and embedded devices."""

    name = "litert"
    suffix = ".tflite"
    packages = ("tensorflow", "ai_edge_litert")
    reader = "ai_edge_litert"
    extra = "litert"
    precisions = ("float32", "float16", "int8")

    def write(
        self, model, path, description, precision="float32", calibration=None
    ):
        options = _options(precision, calibration)
        model.export(path, format="litert", verbose=False, **options)
        # Keras lets operations through that the interpreter does not have.
        from ai_edge_litert.interpreter import Interpreter

        Interpreter(str(path)).allocate_tensors()

    def open(self, path):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path), num_threads=os.cpu_count())
        check_sizes(
            tensor["shape"].tolist()
            for tensor in interpreter.get_tensor_details()
        )
        inputs = interpreter.get_input_details()
        outputs = interpreter.get_output_details()
        if len(inputs) != 1 or not outputs:
            raise ValueError(
                f"it has {len(inputs)} inputs and {len(outputs)} outputs, "
                "expected the images and the predictions"
            )
        if len(outputs) > 1:
            names, outputs = _named(interpreter, outputs)
        else:
            names = [outputs[0]["name"]]
        image = inputs[0]["index"]
        shape = None

        def run(images):
            nonlocal shape
            if images.shape != shape:
                interpreter.resize_tensor_input(image, images.shape)
                interpreter.allocate_tensors()
                shape = images.shape
            interpreter.set_tensor(image, images)
            interpreter.invoke()
            return [interpreter.get_tensor(out["index"]) for out in outputs]

        return Runner(
            run, _axes(inputs[0]), tuple(map(_axes, outputs)), tuple(names)
        )

    def runtime(self):
        version = importlib.metadata.version("ai-edge-litert")
        return f"ai-edge-litert {version}"


def _named(interpreter, outputs):
    """The outputs of the signature, which bear the names of the model's."""
    signatures = interpreter.get_signature_list()
    if len(signatures) != 1:
        return [output["name"] for output in outputs], outputs
    found = interpreter.get_signature_runner().get_output_details()
    return list(found), list(found.values())


def _axes(tensor):
    shape = tensor["shape_signature"]
    return Axes(
        tuple(int(n) if n >= 0 else None for n in shape),
        np.dtype(tensor["dtype"]).name,
    )


def _options(precision, calibration):
    """Returns the options that Keras passes to TensorFlow's converter.

    Without images to calibrate on, only the weights have eight bits, and
    activations are quantized dynamically.
    """
    if precision == "float32":
        return {}
    import tensorflow as tf

    options = {"optimizations": [tf.lite.Optimize.DEFAULT]}
    if precision == "float16":
        options["target_spec"] = {"supported_types": [tf.float16]}
    if calibration is not None:
        options["representative_dataset"] = lambda: (
            [image[None]] for image in calibration
        )
    return options
