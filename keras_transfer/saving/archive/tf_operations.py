"""TensorFlow's functions in files of Keras 2, as operations of Keras 3."""

from typing import Any

from keras_transfer.saving.archive.error import ModelFileError

ADVICE = (
    "Build the model by its own code, load the weights there, compare its "
    "predictions, and save it as '.keras'."
)
_NUMPY, _NN = "keras.src.ops.numpy", "keras.src.ops.nn"
# Function of TensorFlow: module and class of the operation, its arguments in
# order, and those of its settings by TensorFlow's names.
_TWO = ("x", "y")
_ALONG = {"axis": "axis", "keepdims": "keepdims"}
_OPERATIONS: dict[str, tuple[str, str, tuple[str, ...], dict[str, str]]] = {
    "__operators__.add": (_NUMPY, "Add", _TWO, {}),
    "math.add": (_NUMPY, "Add", _TWO, {}),
    "nn.bias_add": (_NUMPY, "Add", ("value", "bias"), {}),
    "math.subtract": (_NUMPY, "Subtract", _TWO, {}),
    "math.multiply": (_NUMPY, "Multiply", _TWO, {}),
    "math.truediv": (_NUMPY, "TrueDivide", _TWO, {}),
    "math.divide": (_NUMPY, "TrueDivide", _TWO, {}),
    "math.floordiv": (_NUMPY, "FloorDivide", _TWO, {}),
    "math.pow": (_NUMPY, "Power", _TWO, {}),
    "math.maximum": (_NUMPY, "Maximum", _TWO, {}),
    "math.minimum": (_NUMPY, "Minimum", _TWO, {}),
    "linalg.matmul": (_NUMPY, "Matmul", ("a", "b"), {}),
    "math.negative": (_NUMPY, "Negative", ("x",), {}),
    "math.abs": (_NUMPY, "Absolute", ("x",), {}),
    "math.sqrt": (_NUMPY, "Sqrt", ("x",), {}),
    "math.square": (_NUMPY, "Square", ("x",), {}),
    "math.exp": (_NUMPY, "Exp", ("x",), {}),
    "math.log": (_NUMPY, "Log", ("x",), {}),
    "math.tanh": (_NUMPY, "Tanh", ("x",), {}),
    "math.sigmoid": (_NN, "Sigmoid", ("x",), {}),
    "math.reduce_mean": (_NUMPY, "Mean", ("input_tensor",), _ALONG),
    "math.reduce_sum": (_NUMPY, "Sum", ("input_tensor",), _ALONG),
    "math.reduce_max": (_NUMPY, "Max", ("input_tensor",), _ALONG),
    "math.reduce_min": (_NUMPY, "Min", ("input_tensor",), _ALONG),
    "nn.relu": (_NN, "Relu", ("features",), {}),
    "nn.relu6": (_NN, "Relu6", ("features",), {}),
    "nn.elu": (_NN, "Elu", ("features",), {}),
    "nn.selu": (_NN, "Selu", ("features",), {}),
    "nn.silu": (_NN, "Silu", ("features",), {}),
    "nn.sigmoid": (_NN, "Sigmoid", ("x",), {}),
    "nn.tanh": (_NUMPY, "Tanh", ("x",), {}),
    "nn.softmax": (_NN, "Softmax", ("logits",), {"axis": "axis"}),
    "nn.softplus": (_NN, "Softplus", ("features",), {}),
    "reshape": (_NUMPY, "Reshape", ("tensor",), {"shape": "newshape"}),
    "transpose": (_NUMPY, "Transpose", ("a",), {"perm": "axes"}),
    "expand_dims": (_NUMPY, "ExpandDims", ("input",), {"axis": "axis"}),
    "squeeze": (_NUMPY, "Squeeze", ("input",), {"axis": "axis"}),
    "concat": (_NUMPY, "Concatenate", ("values",), {"axis": "axis"}),
    "stack": (_NUMPY, "Stack", ("values",), {"axis": "axis"}),
    "clip_by_value": (
        _NUMPY,
        "Clip",
        ("t",),
        {"clip_value_min": "x_min", "clip_value_max": "x_max"},
    ),
    "cast": ("keras.src.ops.core", "Cast", ("x",), {"dtype": "dtype"}),
    "__operators__.getitem": (
        _NUMPY,
        "GetItem",
        ("tensor", "slice_spec"),
        {},
    ),
}


def is_reference(item: Any, names: set[str]) -> bool:
    """Whether a part of a call stands for an output of a layer."""
    return (
        isinstance(item, list)
        and len(item) in (3, 4)
        and isinstance(item[0], str)
        and item[0] in names
        and isinstance(item[1], int)
        and isinstance(item[2], int)
    )


def holds_tensor(item: Any, names: set[str]) -> bool:
    """Whether there is such a reference in a part of a call."""
    if is_reference(item, names):
        return True
    parts = item.values() if isinstance(item, dict) else item
    return isinstance(item, (dict, list)) and any(
        holds_tensor(part, names) for part in parts
    )


def with_tensors(item: Any, names: set[str]) -> Any:
    """Returns a part of a call with tensors as Keras 3 writes them."""
    if is_reference(item, names):
        return tensor(item)
    if isinstance(item, dict):
        return {k: with_tensors(v, names) for k, v in item.items()}
    if isinstance(item, list):
        return [with_tensors(part, names) for part in item]
    return item


def tensor(reference: list[Any]) -> dict[str, Any]:
    """Returns what Keras 3 writes for an output of a layer."""
    history = {"shape": [], "dtype": "float32", "keras_history": reference}
    return {"class_name": "__keras_tensor__", "config": history}


def to_operation(entry: dict[str, Any], names: set[str]) -> None:
    """Makes the layer of a TensorFlow function an operation of Keras 3.

    Args:
        entry: The layer, changed in place.
        names: Names of the layers that calls may refer to.

    Raises:
        ModelFileError: For a function that has no operation here, and for an
            argument that the operation does not have.
    """
    function = entry.get("config", {}).get("function")
    known = None
    if isinstance(function, str):
        known = _OPERATIONS.get(function.removeprefix("compat.v1."))
    if known is None:
        raise ModelFileError(
            f"calls TensorFlow's function {str(function)[:60]!r} in the layer "
            f"{str(entry.get('name'))[:60]!r}, for which no operation of "
            "Keras 3 is known here.",
            ADVICE,
        )
    module, operation, arguments, settings = known
    nodes, found = [], {}
    for node in entry["inbound_nodes"]:
        values = _arguments(node, arguments, names)
        found = {}
        for key in [k for k in values if k not in arguments]:
            value = values.pop(key)
            if key in settings:
                found[settings[key]] = value
            elif not _is_idle(key, value):
                raise ModelFileError(
                    f"calls {function!r} with {key}={str(value)[:40]}, which "
                    "Keras 3 does not have.",
                    ADVICE,
                )
        nodes.append(
            {
                "args": [
                    with_tensors(_value(values[a], operation), names)
                    for a in arguments
                    if a in values
                ],
                "kwargs": {},
            }
        )
    entry.update(
        module=module,
        class_name=operation,
        registered_name=operation,
        config={"name": entry["name"], **found},
        inbound_nodes=nodes,
    )


def _is_idle(argument, value):
    """Whether an argument changes nothing."""
    if argument == "data_format":
        return value is None or not str(value).startswith("NC")
    return argument == "name" or value is None or value is False


def _arguments(node, arguments, names):
    """Values by TensorFlow's names of a call's arguments."""
    if isinstance(node, list) and node and isinstance(node[0], str):
        first, settings = node[:3], node[3] if len(node) > 3 else {}
        if first[0] == "_CONSTANT_VALUE":
            first = first[2]
    else:
        first = [part[:3] for part in node]
        settings = node[0][3] if node and len(node[0]) > 3 else {}
        if len(first) == 1:
            first = first[0]
    return {arguments[0]: first, **settings}


def _value(value, operation):
    """An argument; numbers to compute with as the array that they are."""
    is_numbers = isinstance(value, list) and all(
        isinstance(part, (int, float)) for part in value
    )
    if is_numbers and operation != "GetItem":
        inner = {"value": value, "dtype": "float32"}
        return {"class_name": "__numpy__", "config": inner}
    return _spelled(value)


def _spelled(value):
    """Parts of a slice as Keras 3 writes them."""
    if isinstance(value, list):
        return [_spelled(part) for part in value]
    if isinstance(value, dict):
        if value.get("class_name") == "__ellipsis__":
            return {"class_name": "__ellipsis__", "config": {}}
        if value.keys() == {"start", "stop", "step"}:
            return {"class_name": "__slice__", "config": value}
    return value
