"""The one TensorFlow operation of GELU that tf2onnx does not know."""

import numpy as np


def teach_erfc() -> None:
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
    handler.tf_op("Erfc")(Erfc)


class Erfc:
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
