"""The decision what `kt.fit` caches: from which data, where, or why not."""

import dataclasses
import functools
import inspect
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from rich import filesize

from keras_transfer import compat
from keras_transfer.data.catalogue import Catalogue
from keras_transfer.features import boundary
from keras_transfer.features.boundary import Split
from keras_transfer.features.boundary import specs_of
from keras_transfer.features.budget import Room
from keras_transfer.features.rows import Refusal
from keras_transfer.features.rows import Rows
from keras_transfer.features.rows import rows_of
from keras_transfer.features.steps import flatten
from keras_transfer.features.view_rows import ViewRows
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.structure.graph import FlatModel

_NUM_TRIAL_ROWS = 2
# Layers of Keras whose code is the user's, or that pass on masks.
_UNKNOWN = (
    keras.layers.Embedding,
    keras.layers.FlaxLayer,
    keras.layers.JaxLayer,
    keras.layers.Lambda,
    keras.layers.Masking,
    keras.layers.TFSMLayer,
    keras.layers.TorchModuleWrapper,
)


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a training caches, made once by `decide` and handed on.

    Args:
        model: The model.
        flat: The same as a list of steps.
        sources: The training data, then the validation data if there are any.
        room: Where features may be kept.
        schedules: The schedules among the callbacks; they move the boundary.
        splits: The splits made so far, by what `settled_steps` returns.
    """

    model: keras.Model
    flat: FlatModel
    sources: Sequence[Rows]
    room: Room
    schedules: Sequence[Schedule]
    splits: dict[tuple[bool, ...], Split] = dataclasses.field(
        default_factory=dict
    )

    @functools.cached_property
    def whole(self) -> Split:
        """The split before all steps, at which the images are kept."""
        return boundary.uncut(self.flat)

    def split_at(self, settled: tuple[bool, ...]) -> Split:
        """Returns the split at a freeze boundary, or the one before all steps.

        The features of a low layer can take more space than the images. Then
        the images are kept, and each step computes the whole model. The same
        happens if a layer of unknown code turns out to be random.

        Args:
            settled: The boundary, as `settled_steps` returns it for the model
                as it is now.

        Raises:
            Refusal: If neither features nor images fit, or a size is not fixed.
        """
        if settled not in self.splits:
            self.splits[settled] = self._choose(settled)
        return self.splits[settled]

    @functools.cached_property
    def num_rows(self) -> int:
        """Number of rows of all data."""
        return sum(source.num_rows for source in self.sources)

    def size_of(self, split: Split) -> int:
        """Returns the bytes of all rows at a boundary."""
        # Images are never rounded.
        dtype = self.room.dtype if split.prefix.steps else None
        specs = specs_of(split, self.sources, dtype)
        return self.num_rows * sum(spec.row_bytes for spec in specs.values())

    def numbered(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Returns arguments of `fit` with row numbers in place of images."""
        train, *held_out = self.sources
        replaced = {**arguments, "x": train.numbers(0)}
        if held_out:
            numbers = held_out[0].numbers(train.num_rows)
            _, *labels = _parts(arguments["validation_data"])
            pair = (numbers, *labels) if labels else numbers
            replaced["validation_data"] = pair
        return replaced

    def _choose(self, settled):
        split = boundary.divide(self.flat, settled)
        if split.open_shape is not None:
            raise Refusal(
                "the features at the freeze boundary have the shape "
                f"{split.open_shape}, whose size is open: build the backbone "
                "with an input_shape, such as (224, 224, 3)"
            )
        features = self.size_of(split)
        if (
            split.computes_something
            and self.room.fits(features)
            and computes_the_same(self.model, split, self.sources[0])
        ):
            return split
        images = self.size_of(self.whole)
        if self.room.fits(images):
            return self.whole
        raise Refusal(
            f"the frozen layers' features of {self.num_rows} rows take "
            f"{filesize.decimal(features)}, the rows themselves "
            f"{filesize.decimal(images)}, and {self.room}"
        )


def decide(
    model: keras.Model,
    arguments: Mapping[str, Any],
    room: Room,
    views: int | None = None,
) -> Decision:
    """Decides what a training caches.

    Args:
        model: A compiled model.
        arguments: Those of `fit`, by name.
        room: Where features may be kept.
        views: Number of augmented versions of each photograph, if any.

    Raises:
        Refusal: If caching is impossible or would change the results.
    """
    _check_model(model)
    if not room.memory and model.jit_compile:
        # XLA has no operation that reads a file.
        raise Refusal(
            "XLA compiles the steps, which cannot read from a disk then: "
            "compile with jit_compile=False, or keep the features in memory"
        )
    x, batch_size = arguments["x"], arguments.get("batch_size")
    sources = [
        ViewRows(Catalogue.of(x), views) if views else rows_of(x, batch_size)
    ]
    held_out = _parts(arguments.get("validation_data"))[0]
    if held_out is not None:
        sources.append(rows_of(held_out, batch_size))
    callbacks = arguments.get("callbacks") or ()
    if isinstance(callbacks, keras.callbacks.CallbackList):
        raise Refusal("the callbacks come as a CallbackList, not as a list")
    flat = flatten(model)
    schedules = [each for each in callbacks if isinstance(each, Schedule)]
    decision = Decision(model, flat, sources, room, schedules)
    split = decision.split_at(boundary.settled_steps(flat))
    if not split.computes_something and not schedules:
        raise Refusal("nothing is frozen before the first layer that trains")
    images = decision.size_of(decision.whole)
    if schedules and not room.fits(images):
        # The features of a later phase may not fit; then the images must.
        raise Refusal(
            f"the photographs take {filesize.decimal(images)}, and {room}"
        )
    return decision


def _parts(data):
    return data if isinstance(data, (tuple, list)) else (data,)


def _check_model(model):
    # On JAX all features would be constants of the compiled step; on torch
    # Keras insists on the model's own inputs before the first step.
    if keras.backend.backend() != "tensorflow":
        raise Refusal("it works on the TensorFlow backend alone")
    if not compat.is_graph(model):
        raise Refusal(f"{model.name!r} has no graph that could be divided")
    for name in ("train_step", "test_step", "compute_loss"):
        own = inspect.getattr_static(model, name)
        if own is not inspect.getattr_static(keras.Model, name):
            raise Refusal(f"{type(model).__name__} has a {name} of its own")
    strategy = getattr(model, "distribute_strategy", None)
    if getattr(strategy, "num_replicas_in_sync", 1) > 1:
        raise Refusal("several devices share the training")


def computes_the_same(model: keras.Model, split: Split, rows: Rows) -> bool:
    """Whether prefix and suffix together equal the model, bit for bit.

    A layer of unknown code may draw random numbers, pass on a mask, behave
    differently in training, or use more than the graph shows. Keras's layers
    and ours are known and need no trial.

    Args:
        model: The model.
        split: The same in two parts.
        rows: Data, of which the first two rows are tried.
    """
    if all(map(_is_known, [*split.prefix.steps, *split.suffix.steps])):
        return True
    first = keras.tree.map_structure(
        lambda values: values[:_NUM_TRIAL_ROWS], rows.first()
    )
    inputs = [
        ops.cast(values, ref.spec.dtype)
        for ref, values in zip(
            split.prefix.input_refs, keras.tree.flatten(first), strict=True
        )
    ]
    features = split.prefix(inputs, training=False)
    outputs = split.suffix(features, training=False)
    whole = model(keras.tree.pack_sequence_as(first, inputs), training=False)
    return _equal(split.prefix(inputs, training=True), features) and _equal(
        outputs, keras.tree.flatten(whole)
    )


def _is_known(step):
    parts = [step.operation]
    if isinstance(step.operation, keras.layers.Layer):
        parts = compat.sublayers(step.operation)
    return all(
        type(part).__module__.partition(".")[0] in ("keras", "keras_transfer")
        and not isinstance(part, _UNKNOWN)
        for part in parts
    )


def _equal(ones, others):
    return all(
        np.array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other))
        for one, other in zip(ones, others, strict=True)
    )
