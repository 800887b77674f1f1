"""LiteRT, formerly TensorFlow Lite, run by its interpreter."""

import importlib.metadata
import os

from keras_transfer.exporting.formats.format import Format


class LiteRT(Format):
    """One small file for telephones and boards."""

    name = "litert"
    suffix = ".tflite"
    packages = ("tensorflow", "ai_edge_litert")
    reader = "ai_edge_litert"
    extra = "litert"

    def write(self, model, path, description):
        model.export(path, format="litert", verbose=False)

    def open(self, path):
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path), num_threads=os.cpu_count())
        image = interpreter.get_input_details()[0]["index"]
        output = interpreter.get_output_details()[0]["index"]
        shape = None

        def run(images):
            nonlocal shape
            if images.shape != shape:
                interpreter.resize_tensor_input(image, images.shape)
                interpreter.allocate_tensors()
                shape = images.shape
            interpreter.set_tensor(image, images)
            interpreter.invoke()
            return interpreter.get_tensor(output)

        return run

    def runtime(self):
        version = importlib.metadata.version("ai-edge-litert")
        return f"ai-edge-litert {version}"
