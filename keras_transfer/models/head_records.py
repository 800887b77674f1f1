"""What a model records of its heads: class names, tasks, arguments."""

import re
from collections.abc import Mapping
from typing import Any

import keras

from keras_transfer import names
from keras_transfer.structure.output_records import MOST_OUTPUTS
from keras_transfer.structure.task import KINDS
from keras_transfer.structure.task import Task

Heads = keras.layers.Layer | dict[str, keras.layers.Layer]
# Every format can hold such a name.
_NAME = re.compile("[A-Za-z][A-Za-z0-9_]{0,63}")
# Name of a head to which its maker gave none.
_UNNAMED = "head"


def checked_heads(head: Any) -> Heads:
    """Returns the head of a model, or its heads by the names of the outputs.

    Heads that have no name of their own are called after their output.

    Args:
        head: A layer, or a dictionary of layers.

    Raises:
        TypeError: For anything else.
        ValueError: For a name that not every format can hold, one head for
            two outputs, or two heads of one name.
    """
    if not isinstance(head, Mapping):
        _check_layer("`head`", head)
        return head
    if not 1 < len(head) <= MOST_OUTPUTS:
        raise ValueError(
            f"A dictionary of heads has 2 to {MOST_OUTPUTS}; for one output "
            f"pass the head itself. Received: {[*head]}."
        )
    for name, one in head.items():
        _check_layer(f"`head[{name!r}]`", one)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                "The name of an output has letters, digits and underscores, a "
                f"letter first, at most 64. Received: {name!r}."
            )
    if len({id(one) for one in head.values()}) < len(head):
        raise ValueError(
            "Each output needs a head of its own. Received one head for "
            f"several of {[*head]}."
        )
    for name, one in head.items():
        if one.name == _UNNAMED and not one.built:
            one.name = f"{_UNNAMED}_{name}"
    found = [one.name for one in head.values()]
    if len(set(found)) < len(found):
        raise ValueError(
            "The heads of a model need different names: pass name=... to "
            f"each. Received: {found}."
        )
    return dict(head)


def describe(
    head: Heads, class_names: Any, thresholds: Any, targets: Any
) -> dict[str, Any]:
    """Returns what the metadata of a model says of its heads.

    Args:
        head: The result of `checked_heads`.
        class_names: As for `build_model`.
        thresholds: As for `build_model`.
        targets: As for `build_model`.

    Raises:
        ValueError: If their number does not fit the head or its task.
        TypeError: If they are of the wrong kind.
    """
    if not isinstance(head, dict):
        return _describe(head, class_names, thresholds, targets)
    words = {
        "class_names": class_names,
        "thresholds": thresholds,
        "targets": targets,
    }
    for argument, value in words.items():
        _check_keys(argument, value, head)
    outputs = []
    for name, one in head.items():
        own = [(value or {}).get(name) for value in words.values()]
        described = {"task": {}, **_describe(one, *own)}
        outputs.append({"name": name, "layer": one.name, **described})
    return {"class_names": None, "head": {}, "outputs": outputs}


def _describe(head, class_names, thresholds, targets):
    class_names = _checked_names(class_names, head)
    task = _task(head, thresholds, targets)
    arguments = head.get_config()
    described = {
        "class_names": class_names,
        "head": {
            "class": type(head).__name__,
            **{
                key: arguments[key]
                for key in ("num_classes", "activation", "pooling")
                if isinstance(arguments.get(key), (int, str))
            },
        },
    }
    if task is not None:
        described["task"] = task.to_json()
    return described


def _check_layer(what, head):
    if not isinstance(head, keras.layers.Layer):
        raise TypeError(
            f"{what} must be a Keras layer, such as "
            f"keras_transfer.heads.LinearHead(2). Received: {head!r}."
        )


def _check_keys(argument, value, head):
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise TypeError(
            f"A model with several outputs needs `{argument}` as a dictionary "
            f"by the names of the outputs, {[*head]}. Received: {value!r:.80}."
        )
    unknown = [name for name in value if name not in head]
    if unknown:
        raise ValueError(
            f"`{argument}` names the output {unknown[0]!r}. Expected some of "
            f"{[*head]}." + names.did_you_mean(str(unknown[0]), [*head])
        )


def _checked_names(class_names, head):
    if class_names is None:
        return None
    if isinstance(class_names, str):
        raise TypeError(
            "`class_names` must be a list of names. Received the string "
            f"{class_names!r}."
        )
    class_names = [str(class_name) for class_name in class_names]
    repeated = {n for n in class_names if class_names.count(n) > 1}
    if repeated:
        raise ValueError(
            f"`class_names` must differ from each other. Received "
            f"{sorted(repeated)} more than once."
        )
    num_classes, kind = getattr(head, "num_classes", None), kind_of(head)
    if kind == "regression":
        raise ValueError(
            "A head with task='regression' predicts numbers: name them in "
            "`targets`, as in targets={'names': ['age'], 'units': ['years'], "
            f"'mean': [40.0], 'std': [20.0]}}. Received: {class_names=}."
        )
    is_pair = num_classes == 1 and kind != "multi_label"
    expected = 2 if is_pair else num_classes
    if expected is not None and len(class_names) != expected:
        raise ValueError(
            f"A head with num_classes={num_classes} needs {expected} class "
            f"names. Received {len(class_names)}: {class_names}."
        )
    return class_names


def kind_of(head: keras.layers.Layer) -> str | None:
    """Returns the kind of a head's task, or `None` where it does not say.

    Args:
        head: Any layer.
    """
    activation = getattr(head, "output_activation", None)
    is_single = getattr(head, "num_classes", 1) == 1
    if activation == "sigmoid" and not is_single:
        return "multi_label"  # Such outputs are independent of each other.
    kind = getattr(head, "task", None)
    return kind if kind in KINDS else None


def _task(head, thresholds, targets):
    kind = kind_of(head)
    if kind is None and thresholds is None and targets is None:
        return None
    units = getattr(head, "num_classes", None)
    if kind == "multi_label" and units and thresholds is None:
        thresholds = [0.5] * units
    task = Task(kind or "classification", thresholds, targets)
    for name, values in (
        ("thresholds", task.thresholds),
        ("targets", task.targets and task.targets.names),
    ):
        if values is not None and len(values) != units:
            raise ValueError(
                f"A head with num_classes={units} needs {units} {name}. "
                f"Received {len(values)}: {list(values)}."
            )
    return task
