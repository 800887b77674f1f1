"""TensorFlow's SavedModel, run by TensorFlow alone."""

import json
import pathlib
import re

from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.runner import Axes
from keras_transfer.exporting.formats.runner import Runner

_SIGNATURE = "serving_default"
_MOST_BYTES = 1 << 28
# What has a state and no effect but on the model itself.
_OWN_STATE = re.compile(
    r"(Stateful)?PartitionedCall|If|Case|While|NoOp|Assert|DisableCopyOnRead"
    r"|VarHandleOp|VarIsInitializedOp|(Read|Assign|AssignAdd)VariableOp"
    r"|TensorArray.*V3|(Hash|MutableHash)TableV2|LookupTable(Find|Import)V2"
    r"|Random\w+|Placeholder\w*"
)
# They read files although TensorFlow registers them as free of state.
_READERS = re.compile(r"ReadFile|MatchingFiles|ImmutableConst|\w*Proto\w*")


class SavedModel(Format):
    """A folder for TensorFlow Serving; its endpoint is `serve`."""

    name = "tf_saved_model"
    suffix = ""
    packages = ("tensorflow",)
    reader = "tensorflow"

    def write(
        self, model, path, description, precision="float32", calibration=None
    ):
        model.export(path, format="tf_saved_model", verbose=False)
        # The folder that the format reserves for additions.
        folder = path / "assets.extra"
        folder.mkdir()
        (folder / "keras_transfer.json").write_text(json.dumps(description))

    def side_effects(self, path):
        return _side_effects(path)

    def open(self, path):
        import tensorflow as tf

        loaded = tf.saved_model.load(path)
        if _SIGNATURE not in loaded.signatures:
            raise ValueError(f"it has no signature {_SIGNATURE!r}")
        signature = loaded.signatures[_SIGNATURE]
        inputs = signature.structured_input_signature[1]
        outputs = signature.structured_outputs
        if len(inputs) != 1 or not outputs:
            raise ValueError(
                f"its signature has {len(inputs)} inputs and {len(outputs)} "
                "outputs, expected the images and the predictions"
            )
        (image,), names = inputs, tuple(outputs)

        def run(images):
            # Through what was loaded, which owns the weights.
            call = loaded.signatures[_SIGNATURE]
            found = call(**{image: tf.constant(images)})
            return [found[name].numpy() for name in names]

        return Runner(
            run,
            _axes(inputs[image]),
            tuple(_axes(outputs[name]) for name in names),
            names,
        )

    def runtime(self):
        import tensorflow as tf

        return f"tensorflow {tf.__version__}"


def _axes(spec):
    return Axes(tuple(spec.shape), spec.dtype.name)


def _side_effects(path: pathlib.Path) -> list[str]:
    """Returns the operations that may do more than compute.

    This finds what is not hidden. It is no proof that a file is harmless:
    TensorFlow's own operations were not written to resist hostile input.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    file = path / "saved_model.pb"
    if file.stat().st_size > _MOST_BYTES:
        raise ValueError(
            f"{path.name!r} has a saved_model.pb of {file.stat().st_size:,} "
            f"bytes. Expected {_MOST_BYTES:,} at most: weights lie beside it."
        )
    try:
        saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    except DecodeError as error:
        raise ValueError(
            f"{path.name!r} is damaged: its saved_model.pb cannot be read."
        ) from error
    found = set()
    for graph in saved.meta_graphs:
        found |= _of_graph(graph)
    return sorted(found)


def _of_graph(graph):
    functions = graph.graph_def.library.function
    bodies = {function.signature.name: function for function in functions}
    # TensorFlow restores weights by itself; only what the model calls is run.
    waiting = list(graph.object_graph_def.concrete_functions)
    if not waiting:
        return {"a graph of TensorFlow 1"}
    called = set(waiting)
    found = set()
    while waiting:
        function = bodies.get(waiting.pop())
        for node in function.node_def if function else ():
            names = [node.op]
            for attribute in node.attr.values():
                names += [attribute.func.name]
                names += [one.name for one in attribute.list.func]
            inner = [name for name in names if name in bodies]
            waiting += {*inner} - called
            called.update(inner)
            if node.op not in bodies and not _is_harmless(node.op):
                found.add(node.op)
    return found


def _is_harmless(name):
    # TensorFlow has no public way to ask whether an operation has effects.
    from tensorflow.python.framework import op_def_registry

    operation = op_def_registry.get(name)
    if operation is None or _READERS.fullmatch(name):
        return False
    return not operation.is_stateful or bool(_OWN_STATE.fullmatch(name))
