"""ONNX files in fewer bits than float32, by the tools of onnxruntime."""

import pathlib

import numpy as np

# Their results are what a client sees; eight bits of them would be steps.
_LAST = ("Softmax", "Sigmoid")


def halve(path: pathlib.Path) -> None:
    """Rewrites a file with weights and arithmetic in float16.

    Images go in and predictions come out in float32, as before.

    Args:
        path: The file.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    halved = convert_float_to_float16(onnx.load(path), keep_io_types=True)
    onnx.save(halved, path)


def quantize(path: pathlib.Path, images: np.ndarray) -> None:
    """Rewrites a file with weights and activations of eight bits.

    Args:
        path: The file.
        images: What the ranges of the activations are read from.
    """
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
