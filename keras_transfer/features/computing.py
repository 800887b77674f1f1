"""Frozen layers compiled: the pass over the data, and what it would lose."""

import contextlib
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from rich.console import Console
from rich.progress import Progress

from keras_transfer.features.rows import batches_from
from keras_transfer.features.steps import GraphPart

# By the beginnings of their names in TensorFlow.
_EFFECTS = {
    "draws random numbers": (
        "Multinomial",
        "ParameterizedTruncatedNormal",
        "Random",
        "Rng",
        "StatefulRandom",
        "StatefulStandardNormal",
        "StatefulTruncatedNormal",
        "StatefulUniform",
        "TruncatedNormal",
    ),
    "changes a variable in every step": ("Assign", "ResourceScatter"),
    "runs Python code in every step": ("EagerPyFunc", "PyFunc"),
}


def compute_together(
    caches: Sequence[Any],
    progress: bool,
    after_batch: Callable[[int], Any] | None = None,
) -> None:
    """Fills several caches of the same data in one pass.

    Args:
        caches: The caches; the prefix of each is part of that of the first.
        progress: Whether to draw a progress bar if stderr is a terminal.
        after_batch: Receives the number of rows that are done. If it raises,
            the pass ends, and rows on disk stay there.
    """
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(cache.writer()) for cache in caches]
        pairs = list(zip(caches, writers, strict=True))
        missing = [pair for pair in pairs if not pair[1].complete]
        # An interrupted run may have left them at different rows.
        for start in sorted({writer.rows_done for _, writer in missing}):
            due = [pair for pair in missing if pair[1].rows_done == start]
            _fill(due, start, progress, after_batch)
        for cache, writer in pairs:
            cache.keep(writer.finish())


def _fill(pairs, start, progress, after_batch):
    caches = [cache for cache, _ in pairs]
    compute = compile_prefix(_common_prefix(caches))
    size = " and ".join(cache.size for cache in caches[:1])
    console = Console(stderr=True)
    with Progress(
        console=console,
        transient=True,
        disable=not progress or not console.is_terminal,
    ) as bars:
        task = bars.add_task(
            f"Computing features once: {size}",
            total=len(caches[0]),
            completed=start,
        )
        for inputs in batches_from(caches[0].sources, start):
            made = compute(inputs)
            count = len(keras.tree.flatten(inputs)[0])
            for cache, writer in pairs:
                own, made = made[: len(cache.specs)], made[len(cache.specs) :]
                writer.write(dict(zip(cache.specs, own, strict=True)))
            start += count
            bars.advance(task, count)
            if after_batch is not None:
                after_batch(start)


def _common_prefix(caches):
    """Returns a part that outputs the features of every cache."""
    prefixes = [cache.split.prefix for cache in caches]
    if len(prefixes) == 1:
        return prefixes[0]
    longest = max(prefixes, key=lambda prefix: len(prefix.steps))
    return GraphPart(
        longest.steps,
        longest.input_refs,
        [ref for prefix in prefixes for ref in prefix.output_refs],
        "prefixes",
    )


def compile_prefix(part: GraphPart) -> Callable[[Any], list[np.ndarray]]:
    """Returns a function from a batch of inputs to the outputs of a part.

    A part without steps returns its inputs unchanged.

    Args:
        part: The part; its outputs are what the function returns.
    """
    if not part.steps:
        return lambda inputs: [
            np.asarray(values)
            for values in _of(part.input_refs, inputs, part.output_refs)
        ]
    run = _compiled(part)

    def compute(inputs):
        tensors = [
            ops.cast(values, ref.spec.dtype)
            for ref, values in zip(
                part.input_refs, keras.tree.flatten(inputs), strict=True
            )
        ]
        return [ops.convert_to_numpy(made) for made in run(tensors)]

    return compute


def _of(refs: Sequence[Any], inputs, wanted):
    named = dict(zip(refs, keras.tree.flatten(inputs), strict=True))
    return [named[ref] for ref in wanted]


def _compiled(part):
    if keras.backend.backend() != "tensorflow":
        return part.predict_on_batch
    import tensorflow as tf

    # Like `predict_on_batch`, but traced once: Keras traces the first batch for
    # its exact size, and again when a smaller one comes.
    signature = [
        tf.TensorSpec([None, *ref.spec.shape[1:]], ref.spec.dtype)
        for ref in part.input_refs
    ]
    return tf.function(
        lambda tensors: part(tensors, training=False),
        input_signature=[signature],
        autograph=False,
    )


def effect_of(call: Callable, inputs: Sequence[Any]) -> str | None:
    """Returns what a call does besides computing, in its operations.

    Args:
        call: A function of a list of tensors, which is traced, not run.
        inputs: The tensors.
    """
    import tensorflow as tf

    function = tf.function(call, autograph=False)
    graph = function.get_concrete_function(inputs).graph.as_graph_def()
    nodes = [*graph.node]
    nodes += [n for each in graph.library.function for n in each.node_def]
    kinds = {node.op for node in nodes} - {"PyFuncStateless"}
    for effect, beginnings in _EFFECTS.items():
        if any(kind.startswith(beginnings) for kind in kinds):
            return effect
    return None
