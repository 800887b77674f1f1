"""Building of extractors."""

import dataclasses
import pathlib
import tempfile
from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.extraction.extractor import Extraction
from keras_transfer.extraction.extractor import Extractor
from keras_transfer.extraction.plan import MODES
from keras_transfer.extraction.plan import keep
from keras_transfer.extraction.plan import make_plan
from keras_transfer.extraction.pooling import check_pooling
from keras_transfer.extraction.pooling import check_tokens
from keras_transfer.extraction.pooling import finish
from keras_transfer.extraction.recording import RecordingExtractor
from keras_transfer.structure.graph import has_graph
from keras_transfer.structure.replay import pack_inputs
from keras_transfer.structure.replay import rewire


def build_extractor(
    model: keras.Model,
    selectors: Any,
    *,
    pooling: str | None = None,
    tokens: str | None = None,
    mode: str = "auto",
    detach: bool = False,
) -> keras.Model:
    """Builds a model that returns activations of another by name.

    It shares the variables of the original, at any depth of nested models,
    and leaves out what the activations do not depend on, inputs included. It
    runs in inference mode whatever `training` says, so that it never moves
    the original's BatchNormalization statistics.

    Args:
        model: Any built Keras model.
        selectors: One selector, as `kt.set_trainable` takes it, a list of
            them, or a dictionary `{name: selector}`. A name gives one
            activation under that very name: a stage (the end of it),
            `"backbone"` and `"head"` (their outputs) or a path. After a path,
            `:1` means the second call of a layer that the model calls several
            times (`"encoder:1/conv"`), `[1]` the second tensor of a layer that
            returns several (`"attention[1]"`). Patterns, indexes, slices,
            fractions and predicates give all that they match, each under its
            full path.
        pooling: `"avg"`, `"max"` or `"gem"` over the positions of each
            activation, which makes vectors of them. Defaults to `None`, the
            activations themselves.
        tokens: `"grid"` puts the tokens of a transformer back into the grid of
            the image's patches, so that its activations are maps and the
            average is over patches alone. Defaults to `None`.
        mode: How the activations are reached. `"graph"` rewires the graph of
            a Functional or `Sequential` model. `"trace"` first makes a graph
            of a subclassed model, by calling it on symbolic inputs. `"record"`
            runs the whole model, whatever it is, and watches its layers, those
            inside composite layers included; then `:1` counts all calls of a
            layer in one run. `"auto"`, the default, takes the first that can;
            `extractor.mode` says which.
        detach: Whether to copy the variables. The copy can be trained without
            touching the original. Defaults to `False`.

    Returns:
        A `keras.Model` whose output is a dictionary of activations, for access
        by name: backends order it differently. `extractor.paths` holds the
        full path of each. The same question gets the same object, unless
        `detach` is set.

    Raises:
        ValueError: For a selector that matches nothing or is ambiguous, for
            two activations of one name, for a mode that cannot reach them, for
            a model that is not built, for tokens whose grid is unknown, or for
            an unknown pooling, treatment of tokens or mode.
        TypeError: For an object that is no model or no selector.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> image = keras.Input((32, 32, 3))
    >>> x = keras.layers.Conv2D(8, 3, strides=2, name="conv")(image)
    >>> backbone = keras.Model(image, x, name="tiny")
    >>> model = kt.build_model(
    ...     backbone, kt.heads.LinearHead(2)
    ... )
    >>> extractor = kt.build_extractor(model, ["tiny/conv", "head"])
    >>> activations = extractor(np.zeros((1, 32, 32, 3)))
    >>> {name: tuple(a.shape) for name, a in activations.items()}
    {'tiny/conv': (1, 15, 15, 8), 'head': (1, 2)}
    """
    _check_model(model)
    check_pooling(pooling)
    if mode not in MODES:
        raise ValueError(f"`mode` must be one of {MODES}. Received: {mode!r}.")
    plan = make_plan(model, selectors, mode)
    check_tokens(tokens, plan.graph)
    extractor = keep(
        model,
        (plan.key, pooling, tokens),
        lambda: _build(model, plan, pooling, tokens),
    )
    return _detached_copy(extractor) if detach else extractor


def _build(model, plan, pooling, tokens):
    extraction = Extraction(
        plan.mode, {name: w.path for name, w in plan.activations.items()}
    )
    name = f"{model.name}_extractor"
    if plan.graph is not None:
        return _from_graph(plan, extraction, pooling, tokens, name)
    extractor = RecordingExtractor(
        model,
        plan.activations,
        pooling,
        extraction,
        name=name,
        trainable=model.trainable,
    )
    extractor.build(None)
    return extractor


def _check_model(model):
    if not isinstance(model, keras.Model):
        raise TypeError(
            "Activations are extracted from a keras.Model. Received: "
            f"{model!r} of type {type(model).__name__}."
        )
    if isinstance(model, keras.Sequential) and not has_graph(model):
        raise ValueError(
            f"The Sequential model {model.name!r} is not built, so that its "
            "activations have no shapes yet. Give it a keras.Input as its "
            "first layer, or call model.build((None, height, width, channels))."
        )
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} is not built, so that its activations "
            "have no shapes yet. Call it on a batch first."
        )


def _from_graph(plan, extraction, pooling, tokens, name):
    wanted = [activation.ref for activation in plan.activations.values()]
    rewired = rewire(plan.graph, wanted)
    found = dict(zip(plan.activations, rewired.outputs, strict=True))
    extractor = Extractor(
        pack_inputs(plan.graph, rewired.inputs),
        finish(
            plan.graph,
            {n: (found[n], a.ref) for n, a in plan.activations.items()},
            pooling,
            tokens,
        ),
        name=name,
        trainable=plan.graph.trainable,
    )
    extractor.extraction = extraction
    return extractor


def _detached_copy(extractor):
    """An equal extractor with variables of its own.

    It goes through a file, the one way in which Keras copies every kind of
    model whole: cloning refuses subclassed models.
    """
    classes = {type(p).__name__: type(p) for p in compat.sublayers(extractor)}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "extractor.keras"
        extractor.save(path, include_optimizer=False)
        # What it may run was in this process before, so safe mode is off.
        copy = keras.saving.load_model(
            path, custom_objects=classes, compile=False, safe_mode=False
        )
    copy.extraction = dataclasses.replace(copy.extraction, detached=True)
    return copy
