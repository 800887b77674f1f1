"""Stages as kecam's layer names tell them."""

import re

import keras

import keras_transfer as kt

_STACK = re.compile(r"(?:stack|serial)_?\d+_")
_BLOCK = re.compile(r"(?:(?:stack|serial)_?\d+_)?block_?\d+_")


def find_stages(model: keras.Model) -> tuple[tuple[str, str], ...]:
    """Finds the last layer of the stem and of each stack or block.

    Two to five stacks are the stages. Where there are more or none, the
    resolutions are, if there are three or more; otherwise the blocks.

    Args:
        model: Features of a model of kecam.

    Returns:
        `(name, last layer)` pairs, or nothing where detection is to be used.
    """
    operations = model.operations
    safe = _safe_to_cut(operations)
    stacks = _ends(operations, safe, _STACK)
    if 2 <= len(stacks) <= 5:
        return _named(operations, safe, stacks, _STACK)
    if 3 <= len(kt.detect_stages(model)) <= 6:
        return ()
    blocks = _ends(operations, safe, _BLOCK)
    return _named(operations, safe, blocks, _BLOCK) if len(blocks) > 1 else ()


def _ends(operations, safe, pattern):
    """`{prefix: index}` of the last layer of each prefix to cut after."""
    ends = {}
    for index, operation in enumerate(operations):
        prefix = pattern.match(operation.name)
        if prefix and index in safe:
            ends[prefix[0]] = index
    return ends


def _named(operations, safe, ends, pattern):
    first = min(i for i, op in enumerate(operations) if pattern.match(op.name))
    stems = [i for i in range(first) if i in safe]
    *others, _ = sorted(ends.values())
    cuts = [*stems[-1:], *others, len(operations) - 1]
    stages, begin = [], 0
    for cut in cuts:
        # A part without weights, such as padding, joins the next one.
        if any(getattr(op, "weights", ()) for op in operations[begin : cut + 1]):
            stages.append(operations[cut].name)
            begin = cut + 1
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
