"""The table of runtimes that can run a graph on this machine."""

import pathlib
from collections.abc import Callable

import keras
import numpy as np

from keras_transfer.exporting import description as descriptions
from keras_transfer.exporting.formats import FORMATS

# From one batch to the flat list of outputs.
Run = Callable[[np.ndarray], list[np.ndarray]]


def eager(graph: keras.Model, folder: pathlib.Path) -> Run:
    """Calls the model layer by layer."""
    return _flat(lambda images: graph(images, training=False))


def compiled(graph: keras.Model, folder: pathlib.Path) -> Run:
    """Compiles the model as Keras itself does, on any backend."""
    return _flat(graph.predict_on_batch)


def graph(graph: keras.Model, folder: pathlib.Path) -> Run:
    """Traces one TensorFlow graph for every batch size."""
    return _traced(graph)


def xla(graph: keras.Model, folder: pathlib.Path) -> Run:
    """Compiles the TensorFlow graph, once for each batch size."""
    return _traced(graph, jit_compile=True)


def exported(name: str) -> Callable[[keras.Model, pathlib.Path], Run]:
    """Returns what writes a graph in a format and opens it there."""

    def open_exported(graph, folder):
        target = FORMATS[name]
        target.check()
        if len(graph.outputs) > 1:
            raise ValueError(
                f"the model has {len(graph.outputs)} outputs, and is exported "
                "with one alone"
            )
        path = folder / f"model-{name}{target.suffix}"
        target.write(graph, path, descriptions.describe(graph, graph))
        return _flat(target.open(path))

    return open_exported


RUNTIMES: dict[str, Callable[[keras.Model, pathlib.Path], Run]] = {
    "eager": eager,
    "compiled": compiled,
    "graph": graph,
    "xla": xla,
    "onnx": exported("onnx"),
    "litert": exported("litert"),
    "openvino": exported("openvino"),
}


def _traced(graph, **options):
    if keras.config.backend() != "tensorflow":
        raise ValueError("it needs the Keras backend 'tensorflow'")
    import tensorflow as tf

    image = graph.inputs[0]
    function = tf.function(
        lambda images: graph(images, training=False),
        input_signature=[tf.TensorSpec(image.shape, image.dtype)],
        autograph=False,
        **options,
    )
    return _flat(lambda images: function(tf.constant(images)))


def _flat(call):
    return lambda images: [
        keras.ops.convert_to_numpy(output)
        for output in keras.tree.flatten(call(images))
    ]
