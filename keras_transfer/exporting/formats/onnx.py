"""ONNX, run by onnxruntime."""

import json
import warnings

from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.onnx_erfc import teach_erfc
from keras_transfer.exporting.formats.onnx_precision import halve
from keras_transfer.exporting.formats.onnx_precision import quantize


class Onnx(Format):
    """One file for servers and browsers; class names in its metadata."""

    name = "onnx"
    suffix = ".onnx"
    packages = ("onnx", "tf2onnx", "onnxruntime")
    reader = "onnxruntime"
    extra = "onnx"
    precisions = ("float32", "float16", "int8")
    needs_calibration = True

    def write(
        self, model, path, description, precision="float32", calibration=None
    ):
        import onnx

        teach_erfc()
        with warnings.catch_warnings():
            # Keras asks NumPy for `np.object`, which warns.
            warnings.filterwarnings("ignore", category=FutureWarning)
            model.export(path, format="onnx", verbose=False)
        written = onnx.load(path)
        _name_tensors(written.graph, description)
        onnx.helper.set_model_props(
            written, {k: json.dumps(v) for k, v in description.items()}
        )
        try:
            onnx.checker.check_model(written)
        except onnx.checker.ValidationError as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(
                "tf2onnx does not know how to express a layer of the model "
                f"({reason}). Export it as 'litert', 'openvino' or "
                "'tf_saved_model'."
            ) from error
        onnx.save(written, path)
        if precision == "float16":
            halve(path)
        elif precision == "int8":
            quantize(path, calibration)

    def open(self, path):
        import onnxruntime

        session = onnxruntime.InferenceSession(
            path, providers=["CPUExecutionProvider"]
        )
        inputs = session.get_inputs()
        if len(inputs) != 1:
            raise ValueError(
                f"The ONNX file wants {len(inputs)} inputs, "
                f"{[i.name for i in inputs]}. Expected the images alone: one "
                "of the model's layers keeps constants that ONNX makes inputs "
                "of."
            )
        name = inputs[0].name
        return lambda images: session.run(None, {name: images})[0]

    def runtime(self):
        import onnxruntime

        return f"onnxruntime {onnxruntime.__version__}"


def _name_tensors(graph, description):
    """Gives the output and the batch axis names that say what they are."""
    old, new = graph.output[0].name, description["output"]["name"]
    for node in graph.node:
        for tensors in (node.input, node.output):
            for index, tensor in enumerate(tensors):
                if tensor == old:
                    tensors[index] = new
    graph.output[0].name = new
    for tensor in (*graph.input, *graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
