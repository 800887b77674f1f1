"""The parts of a model that schedules open one after the other."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer.structure import anatomy
from keras_transfer.structure import novelty
from keras_transfer.structure import parting
from keras_transfer.structure import paths
from keras_transfer.structure import selectors


@dataclasses.dataclass(frozen=True)
class Part:
    """A stage of the backbone, or the head.

    Args:
        name: Name of the stage, or `"head"`.
        selector: What names the part in the grammar of selectors.
        operations: What the part consists of.
    """

    name: str
    selector: selectors.Selectors
    operations: tuple[Any, ...]


def divide(
    model: keras.Model,
    what: str,
    head: selectors.Selectors | None = None,
    backbone: selectors.Selectors | None = None,
) -> list[Part]:
    """Returns the stages, then the head, where it is known what is new.

    Args:
        model: A built model.
        what: Who wants to know, for the message.
        head: Selectors of what is new, which are noted on the layers.
        backbone: Selectors of what is pretrained, which are noted as well.

    Raises:
        ValueError: If it cannot be known, or nothing is new.
    """
    parting.say(model, head, backbone)
    found = parting.known(model, what)
    if not found.has_new_weights:
        reason = "all of its weights came from a source"
        raise novelty.question(model, reason, what)
    return parts_of(model)


def parts_of(model: keras.Model) -> list[Part]:
    """Returns the stages from input to output, then the head.

    Where it is not known what is new, the parts only group learning rates: the
    stages of the largest nested model or of all, and the last layers. A
    backbone whose graph is unknown is one stage, `"backbone"`.

    Args:
        model: Any Keras model.

    Raises:
        ValueError: If there is nothing to be a head.

    Example:
    >>> model = keras.Sequential(
    ...     [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, 2, name="a"),
    ...      keras.layers.Flatten(), keras.layers.Dense(2, name="b")]
    ... )
    >>> [part.name for part in parts_of(model)]
    ['stage_1', 'head']
    """
    by_path = paths.paths_of(model)
    found = novelty.find(model)
    if found.has_new_weights:
        return [*_body(found, by_path), _head(found, by_path)]
    whole = anatomy.dissect(model)
    if _paths(whole.head, by_path):
        head = Part("head", _paths(whole.head, by_path), whole.head)
        outside = set()
    else:
        head = _last_layer(model, by_path)
        outside = {id(operation) for operation in head.operations}
    body = []
    if whole.stages:
        divided = whole.held
        for name, operations in divided.items():
            rest = tuple(op for op in operations if id(op) not in outside)
            selector: Any = name
            if len(rest) < len(operations):
                selector = _paths(rest, by_path)
            if any(getattr(op, "weights", ()) for op in rest):
                body.append(Part(name, selector, rest))
    elif whole.path:
        body = [Part("backbone", whole.path, (whole.backbone,))]
    else:
        rest = [op for op in _leaves(by_path) if id(op) not in outside]
        body = [Part("backbone", _paths(rest, by_path), tuple(rest))]
        body = [part for part in body if part.selector]
    return [*body, head]


def _body(found, by_path):
    held = found.stages
    if not held and found.backbones:
        held = {"backbone": list(found.backbones[0].operations)}
    body = []
    for name, operations in held.items():
        if any(getattr(op, "weights", ()) for op in operations):
            is_named = name in found.stages or name not in by_path
            selector = name if is_named else _paths(operations, by_path)
            body.append(Part(name, selector, tuple(operations)))
    return body


def _head(found, by_path):
    paths_of_head = _paths(found.head, by_path)
    # A layer called "head" that is not all of the head would hide the rest.
    if "head" not in by_path or paths_of_head == ["head"]:
        return Part("head", "head", found.head)
    return Part("head", paths_of_head, found.head)


def _last_layer(model, by_path):
    weighted = [op for op in _leaves(by_path) if getattr(op, "weights", ())]
    if not weighted:
        raise ValueError(
            f"The model {model.name!r} has no layer with weights, so there is "
            "nothing to schedule. Build it first: give it an Input or call it "
            "on a batch of data."
        )
    last = weighted[-1]
    return Part("head", _paths([last], by_path), (last,))


def _leaves(by_path):
    return [op for op in by_path.values() if not isinstance(op, keras.Model)]


def _paths(operations, by_path):
    """Paths of the operations that hold weights, as a selector."""
    path_of = {id(op): path for path, op in by_path.items()}
    return [path_of[id(op)] for op in operations if getattr(op, "weights", ())]


def as_list(selector: selectors.Selectors) -> list[selectors.Selector]:
    """Returns selectors as a list, also a single one."""
    several = isinstance(selector, (list, tuple, set, frozenset))
    return list(selector) if several else [selector]


def check_selectors(what: str, selector: selectors.Selectors) -> None:
    """Raises `ValueError` if selectors select nothing, in any model.

    Args:
        what: What to call them in the message.
        selector: What was passed.
    """
    if selector is None or not as_list(selector) or selector == "":
        raise ValueError(
            f"{what} must select something, such as 'stage_1' or "
            f"['stage_1', 'stage_2']. Received: {selector!r}."
        )


def check_stages(stages: Any) -> None:
    """Raises an error if `stages` of a schedule is no list of selectors.

    Args:
        stages: What was passed; `None` stands for the backbone's own stages.

    Raises:
        TypeError: If it is no list.
        ValueError: If it or one of its elements is empty.
    """
    if stages is None:
        return
    if not isinstance(stages, (list, tuple)):
        raise TypeError(
            "`stages` must be a list of selectors, one for each stage from "
            f"input to output. Received: {stages!r}."
        )
    check_selectors("`stages`", stages)
    for stage in stages:
        check_selectors("Each of `stages`", stage)


def named_stages(
    model: keras.Model,
    body: Sequence[Part],
    stages: Sequence[selectors.Selectors] | None,
) -> list[tuple[str, selectors.Selectors]]:
    """Returns names and selectors of the stages, from input to output.

    Args:
        model: The model, for the error message.
        body: Its parts without the head.
        stages: What the user named instead, or `None`.

    Raises:
        ValueError: If there are none.
    """
    if stages is not None:
        return [(f"part_{i}", s) for i, s in enumerate(stages, start=1)]
    if not body:
        raise ValueError(
            f"The model {model.name!r} has no stages before its head. Name "
            'what is to be opened: stages=["first/*", "second/*"].'
        )
    return [(part.name, part.selector) for part in body]


def opened(
    model: keras.Model,
    body: Sequence[Part],
    head: Part,
    stages: int | selectors.Selectors | None,
) -> list[selectors.Selector]:
    """Returns selectors of the head with some stages.

    Args:
        model: The model, for the error message.
        body: Its parts without the head.
        head: Its head.
        stages: A number of stages from the top, selectors, or `None` for all
            of the model.

    Raises:
        ValueError: If the model has fewer stages.
    """
    if stages is None:
        return ["*"]
    if isinstance(stages, bool) or not isinstance(stages, int):
        return [*as_list(stages), *as_list(head.selector)]
    if not 1 <= stages <= len(body):
        raise ValueError(
            f"`stages` must be between 1 and {len(body)}, the number of "
            f"stages of {model.name!r}. Received: {stages}."
        )
    chosen = [s for part in body[-stages:] for s in as_list(part.selector)]
    return [*chosen, *as_list(head.selector)]
