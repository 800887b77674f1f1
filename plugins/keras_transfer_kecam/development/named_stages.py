"""Stages as kecam's layer names tell them."""

import re

import keras

_STACK = re.compile(r"(?:stack|serial)_?\d+_")


def find_stages(model: keras.Model) -> tuple[tuple[str, str], ...]:
    """Finds the last layer of the stem and of each stack.

    Args:
        model: Features of a model of kecam.

    Returns:
        `(name, last layer)` pairs where there are two to five stacks. Nothing
        otherwise: stages are then detected when the model is built.
    """
    operations = model.operations
    safe = _safe_to_cut(operations)
    stacks = _ends(operations, safe)
    if not 2 <= len(stacks) <= 5:
        return ()
    return _named(operations, safe, stacks)


def _ends(operations, safe):
    """`{prefix: index}` of the last layer of each stack to cut after."""
    ends = {}
    for index, operation in enumerate(operations):
        prefix = _STACK.match(operation.name)
        if prefix and index in safe:
            ends[prefix[0]] = index
    return ends


def _named(operations, safe, ends):
    first = min(i for i, op in enumerate(operations) if _STACK.match(op.name))
    stems = [i for i in range(first) if i in safe]
    *others, _ = sorted(ends.values())
    cuts = [*stems[-1:], *others, len(operations) - 1]
    stages, begin = [], 0
    for cut in cuts:
        # A part without weights, such as padding, joins the next one.
        if any(
            getattr(op, "weights", ()) for op in operations[begin : cut + 1]
        ):
            stages.append(operations[cut].name)
            begin = cut + 1
    stages[-1] = operations[-1].name
    has_stem = bool(stems) and stages[0] == operations[stems[-1]].name
    return tuple(
        (f"stage_{number}" if number else "stem", name)
        for number, name in enumerate(stages, start=0 if has_stem else 1)
    )


def _safe_to_cut(operations):
    """Indices after which nothing needs what came before."""
    producer = {}
    last_use = list(range(len(operations)))
    for index, operation in enumerate(operations):
        if not isinstance(operation, keras.layers.InputLayer):
            for tensor in keras.tree.flatten(operation.input):
                source = producer.get(id(tensor))
                if source is not None:
                    last_use[source] = index
        for tensor in keras.tree.flatten(operation.output):
            producer[id(tensor)] = index
    safe, reach = set(), 0
    for index in range(len(operations)):
        if reach <= index:
            safe.add(index)
        reach = max(reach, last_use[index])
    return safe
