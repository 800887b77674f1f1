"""ONNX, run by onnxruntime."""

import functools
import json
import pathlib
import warnings

import numpy as np

from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.onnx_external import external_files
from keras_transfer.exporting.formats.runner import Axes
from keras_transfer.exporting.formats.runner import Runner

# Even a small file can allocate any amount of memory when it runs.
_MOST_MEMORY = 4 << 30
_DTYPES = {"float": "float32", "double": "float64"}
# Their outputs are the predictions, for which eight bits are too coarse.
_LAST = ("Softmax", "Sigmoid")


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

        _teach_erfc()
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
            _halve(path)
        elif precision == "int8":
            _quantize(path, calibration)

    def files(self, path):
        return [path, *external_files(path)]

    def open(self, path):
        import onnxruntime

        _limit_memory()
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.use_env_allocators", "1")
        session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        inputs = session.get_inputs()
        if len(inputs) != 1:
            raise ValueError(
                f"The ONNX file has {len(inputs)} inputs, "
                f"{[i.name for i in inputs]}. Expected only the images: a "
                "layer of the model holds constants that became inputs."
            )
        name = inputs[0].name
        outputs = session.get_outputs()
        return Runner(
            lambda images: session.run(None, {name: images}),
            _axes(inputs[0]),
            tuple(map(_axes, outputs)),
            tuple(output.name for output in outputs),
        )

    def runtime(self):
        import onnxruntime

        return f"onnxruntime {onnxruntime.__version__}"


def _name_tensors(graph, description):
    """Gives outputs and the batch axis names that say what they are.

    Several outputs bear theirs already: they were keys.
    """
    if "output" in description:
        _name_output(graph, description["output"]["name"])
    for tensor in (*graph.input, *graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"


def _name_output(graph, new):
    old = graph.output[0].name
    for node in graph.node:
        for tensors in (node.input, node.output):
            for index, tensor in enumerate(tensors):
                if tensor == old:
                    tensors[index] = new
    graph.output[0].name = new


@functools.cache
def _limit_memory():
    """Bounds what all sessions of this process together may allocate."""
    import onnxruntime

    memory = onnxruntime.OrtMemoryInfo(
        "Cpu",
        onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
        0,
        onnxruntime.OrtMemType.DEFAULT,
    )
    onnxruntime.create_and_register_allocator(
        memory, onnxruntime.OrtArenaCfg({"max_mem": _MOST_MEMORY})
    )


def _axes(tensor):
    shape = tuple(n if isinstance(n, int) else None for n in tensor.shape)
    kind = tensor.type.removeprefix("tensor(").removesuffix(")")
    return Axes(shape, _DTYPES.get(kind, kind))


def _teach_erfc() -> None:
    """Tells tf2onnx how ONNX computes `Erfc`, unless it knows.

    Keras's exact GELU, hence every transformer, calls TensorFlow's, which ends
    in `Erfc`; tf2onnx 1.17 logs an error and writes a file that nothing reads.
    Rewriting the activations of our own layers would not reach those inside of
    others.
    """
    from tf2onnx import handler

    for opsets in handler.tf_op.get_opsets().values():
        if any("Erfc" in known for known in opsets):
            return
    handler.tf_op("Erfc")(_Erfc)


class _Erfc:
    """`erfc(x) = 1 - erf(x)`, called by tf2onnx for each such node."""

    @classmethod
    def version_9(cls, ctx, node, **options):
        """Replaces the node; `Erf` is there since opset 9."""
        dtype = ctx.get_dtype(node.output[0])
        shape = ctx.get_shape(node.output[0])
        erf = ctx.make_node("Erf", node.input, dtypes=[dtype], shapes=[shape])
        one = ctx.make_const(f"{node.name}/one", np.array(1, "float32"))
        name, outputs = node.name, node.output
        ctx.remove_node(name)
        ctx.make_node(
            "Sub",
            [one.output[0], erf.output[0]],
            outputs=outputs,
            name=name,
            dtypes=[dtype],
            shapes=[shape],
        )


def _halve(path: pathlib.Path) -> None:
    """Rewrites a file with weights and arithmetic in float16.

    Images go in and predictions come out in float32, as before.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    halved = convert_float_to_float16(onnx.load(path), keep_io_types=True)
    onnx.save(halved, path)


def _quantize(path: pathlib.Path, images: np.ndarray) -> None:
    """Rewrites a file in eight bits, with ranges read from some images."""
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    # Joins what would be rounded twice; its shape inference for symbols, which
    # convolutions do not need, would want one more package.
    joined = path.with_name(f"joined-{path.name}")
    quant_pre_process(path, joined, skip_symbolic_shape=True)
    model = onnx.load(joined)
    joined.unlink()
    name = model.graph.input[0].name

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.rest = iter(images)

        def get_next(self):
            image = next(self.rest, None)
            return None if image is None else {name: image[None]}

    quantization.quantize_static(
        model,
        path,
        Reader(),
        per_channel=True,
        # Processors without VNNI add two products of eight bits in sixteen,
        # which overflow unless weights keep to seven.
        reduce_range=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        nodes_to_exclude=[
            node.name for node in model.graph.node if node.op_type in _LAST
        ],
    )
