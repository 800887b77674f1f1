"""Models as Keras 2 describes them, in the words of Keras 3.

Only what a file says is rewritten, before it is checked like any other: names
of classes, settings that went, the numbers of calls, and TensorFlow's
functions that have an operation in Keras 3.
"""

import copy
from typing import Any

from keras_transfer.saving.archive import tf_operations
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import ModelFileError

_MODELS = ("Functional", "Model", "Sequential")
# Settings that Keras 3 no longer takes, with the only value that means what it
# does now; of some no value changes what a layer computes.
_ANY = object()
_OF_KERNELS = dict.fromkeys(
    ("kernel_initializer", "kernel_regularizer", "kernel_constraint"), _ANY
)
_GONE = {
    "time_major": False,
    "renorm": False,
    "virtual_batch_size": None,
    "adjustment": None,
    "fused": _ANY,
    "input_length": _ANY,
    "rng_type": _ANY,
}
_GONE_OF = {
    "DepthwiseConv1D": {"groups": 1, **_OF_KERNELS},
    "DepthwiseConv2D": {"groups": 1, **_OF_KERNELS},
    "SeparableConv1D": {"groups": 1, **_OF_KERNELS},
    "SeparableConv2D": {"groups": 1, **_OF_KERNELS},
    "MultiHeadAttention": dict.fromkeys(
        ("query_shape", "key_shape", "value_shape", "softmax_robust_masking"),
        _ANY,
    ),
    "Conv1DTranspose": {"groups": 1},
    "Conv2DTranspose": {"groups": 1},
    "Conv3DTranspose": {"groups": 1},
}
_MODULES = {
    "LayerScale": "keras.src.applications.convnext",
    "StochasticDepth": "keras.src.applications.convnext",
}


def translated(config: dict[str, Any]) -> dict[str, Any]:
    """Returns a model's configuration as Keras 3 would have written it.

    Args:
        config: The configuration, of Keras 2 or 3; it is left as it is.

    Raises:
        ModelFileError: For a function or a setting that Keras 3 does not have.

    Example:
    >>> layer = {"class_name": "DepthwiseConv2D", "config": {"groups": 1}}
    >>> translated(layer)["config"]
    {}
    """
    config = copy.deepcopy(config)
    try:
        _entry(config)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"describes its layers as no version of Keras does ({error!r}).",
            DAMAGED,
        ) from error
    return config


def plain_name(name: str) -> str:
    """Returns the name that a layer of Keras 2 has in Keras 3.

    Example:
    >>> plain_name("conv1/bn")
    'conv1_bn'
    """
    return name.replace("/", "_")


def _entry(entry):
    """Rewrites the entry of a layer or model, and all that it holds."""
    pending = [entry]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            if isinstance(item.get("class_name"), str):
                _rewrite(item)
            pending += item.values()


def _rewrite(item):
    name, config = item["class_name"], item.get("config")
    if name == "Sequential" and isinstance(config, list):
        # Before Keras 2.2.3, without a name.
        item["config"] = config = {"name": "sequential", "layers": config}
    module = item.get("module")
    if isinstance(module, str) and module.partition(".")[0] == "tf_keras":
        item["module"] = (
            "keras.src.models.functional" if name == "Functional" else "keras"
        )
    if name in _MODULES and not item.get("module"):
        item.update(module=_MODULES[name], registered_name=name)
        item.pop("build_config", None)
    if not isinstance(config, dict):
        return
    if name in _MODELS and isinstance(config.get("layers"), list):
        if name == "Sequential":
            _show_input(config)
        _graph(config)
    if isinstance(config.get("name"), str):
        config["name"] = plain_name(config["name"])
    if isinstance(config.get("dtype"), dict):
        policy = config["dtype"].get("config")
        is_old = "module" not in config["dtype"] and isinstance(policy, dict)
        if is_old and isinstance(policy.get("name"), str):
            config["dtype"] = policy["name"]
    if name == "BatchNormalization" and isinstance(config.get("axis"), list):
        config["axis"] = config["axis"][0] if config["axis"] else -1
    if name != "InputLayer":
        config.pop("batch_input_shape", None)
    for setting, usual in {**_GONE, **_GONE_OF.get(name, {})}.items():
        if setting in config and usual in (_ANY, config[setting]):
            del config[setting]


def _show_input(config):
    """Adds the input that a first layer stands for in old files."""
    first = config["layers"][0] if config["layers"] else None
    own = first.get("config") if isinstance(first, dict) else None
    shape = own.get("batch_input_shape") if isinstance(own, dict) else None
    if shape is not None and first.get("class_name") != "InputLayer":
        settings = {
            "batch_input_shape": shape,
            "dtype": own.get("dtype") or "float32",
            "name": f"{plain_name(str(config.get('name')))}_input",
        }
        entry = {"class_name": "InputLayer", "config": settings}
        if "module" in first:
            entry.update(module="keras.layers", registered_name=None)
        config["layers"].insert(0, entry)


def _graph(config):
    """Rewrites the layers of a model and the calls between them."""
    layers = [e for e in config["layers"] if isinstance(e, dict)]
    names = {e["name"] for e in layers if isinstance(e.get("name"), str)}
    plain = {plain_name(name) for name in names}
    shifted = _shifted(layers, names)
    for entry in layers:
        if isinstance(entry.get("name"), str):
            entry["name"] = plain_name(entry["name"])
        nodes = _references(entry.get("inbound_nodes"), names, shifted)
        if not isinstance(nodes, list):
            continue
        entry["inbound_nodes"] = nodes
        if entry.get("class_name") in ("TFOpLambda", "SlicingOpLambda"):
            tf_operations.to_operation(entry, plain)
        else:
            entry["inbound_nodes"] = [_call(node, plain) for node in nodes]
    functional = {
        e.get("name") for e in layers if e.get("class_name") != "Sequential"
    }
    for side in ("input_layers", "output_layers"):
        if side in config:
            # Here Keras 3, too, counts a call that is a model's own.
            ends = _references(config[side], names, shifted - functional)
            is_one = isinstance(ends, list) and len(ends) == 1
            is_one = is_one and isinstance(ends[0], list)
            config[side] = ends[0] if is_one else ends


def _shifted(layers, names):
    """Nested models whose own graph counts as their first call."""
    used: dict[str, int] = {}
    for entry in layers:
        pending = [entry.get("inbound_nodes")]
        while pending:
            item = pending.pop()
            if tf_operations.is_reference(item, names):
                used[item[0]] = min(item[1], used.get(item[0], item[1]))
                pending += item[3:]
            elif isinstance(item, (list, dict)):
                pending += item.values() if isinstance(item, dict) else item
    models = {e.get("name") for e in layers if e.get("class_name") in _MODELS}
    return {plain_name(n) for n, least in used.items() if least and n in models}


def _references(item, names, shifted):
    """The same with the names and numbers of calls that Keras 3 has."""
    if tf_operations.is_reference(item, names):
        name = plain_name(item[0])
        rest = [_references(part, names, shifted) for part in item[3:]]
        return [name, item[1] - (name in shifted), item[2], *rest]
    if isinstance(item, list):
        return [_references(part, names, shifted) for part in item]
    if isinstance(item, dict):
        return {k: _references(v, names, shifted) for k, v in item.items()}
    return item


def _call(node, names):
    """A call of a layer; one with tensors by name in the words of Keras 3."""
    if not isinstance(node, list) or not node:
        return node
    first = node[0] if isinstance(node[0], list) else node
    settings = first[3] if len(first) == 4 else {}
    if not tf_operations.holds_tensor(settings, names):
        return node
    tensors = [tf_operations.tensor(part[:3]) for part in node]
    return {
        "args": tensors if len(tensors) == 1 else [tensors],
        "kwargs": tf_operations.with_tensors(settings, names),
    }
