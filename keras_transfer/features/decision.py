"""The decision what `kt.fit` caches: from which data, where, or why not."""

import dataclasses
import functools
import inspect
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
from rich import filesize

from keras_transfer import compat
from keras_transfer.data.catalogue import Catalogue
from keras_transfer.features import boundary
from keras_transfer.features import side_effects
from keras_transfer.features.boundary import Split
from keras_transfer.features.boundary import specs_of
from keras_transfer.features.budget import Room
from keras_transfer.features.rows import Refusal
from keras_transfer.features.rows import Rows
from keras_transfer.features.rows import rows_of
from keras_transfer.features.steps import flatten
from keras_transfer.features.steps import is_known
from keras_transfer.features.view_rows import ViewRows
from keras_transfer.freezing import freezing
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.structure import freeze_state
from keras_transfer.structure.graph import FlatModel
from keras_transfer.structure.graph import structure_of

# In a subclass they would see rows, not images.
_STEPS = ("train_step", "test_step", "compute_loss", "compute_metrics")


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
        side_effects: What was found at each boundary so far.
    """

    model: keras.Model
    flat: FlatModel
    sources: Sequence[Rows]
    room: Room
    schedules: Sequence[Schedule]
    splits: dict[tuple[bool, ...], Split] = dataclasses.field(
        default_factory=dict
    )
    side_effects: dict[tuple[bool, ...], str | None] = dataclasses.field(
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
        happens if a layer that is frozen later does more than compute.

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

    def side_effect(self, settled: tuple[bool, ...]) -> str | None:
        """Returns what frozen layers do that features would lose, if anything.

        Args:
            settled: The boundary, as `settled_steps` returns it.
        """
        if settled not in self.side_effects:
            split = boundary.divide(self.flat, settled)
            self.side_effects[settled] = side_effects.find(
                self.model, split, self.sources[0]
            )
        return self.side_effects[settled]

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
            and self.side_effect(settled) is None
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
        ViewRows(Catalogue.of(x), views)
        if views
        else rows_of(_in_order(model, x), batch_size)
    ]
    held_out = _parts(arguments.get("validation_data"))[0]
    if held_out is not None:
        sources.append(rows_of(_in_order(model, held_out), batch_size))
    ranks = [len(tensor.shape) - 1 for tensor in model.inputs]
    for source in sources:
        if [len(shape) for shape, _ in source.inputs] != ranks:
            raise Refusal("the arrays are not those of the model's inputs")
    callbacks = arguments.get("callbacks") or ()
    if isinstance(callbacks, keras.callbacks.CallbackList):
        raise Refusal("the callbacks come as a CallbackList, not as a list")
    flat = flatten(model)
    schedules = [each for each in callbacks if isinstance(each, Schedule)]
    decision = Decision(model, flat, sources, room, schedules)
    settled = boundary.settled_steps(flat)
    for frozen in {settled, _frozen_at_any_time(decision, settled, arguments)}:
        reason = decision.side_effect(frozen)
        if reason is not None:
            raise Refusal(reason)
    split = decision.split_at(settled)
    if not split.computes_something and not schedules:
        raise Refusal("nothing is frozen before the first layer that trains")
    images = decision.size_of(decision.whole)
    if schedules and not room.fits(images):
        # The features of a later phase may not fit; then the images must.
        raise Refusal(
            f"the photographs take {filesize.decimal(images)}, and {room}"
        )
    return decision


def _frozen_at_any_time(decision, settled, arguments):
    """The boundary before all that is open in every phase."""
    if all(map(is_known, decision.flat.steps)):
        return settled  # Nothing to find.
    found = [settled]
    for schedule in decision.schedules:
        epochs = arguments.get("epochs", 1)
        for phase in schedule.phases_for(decision.model, epochs):
            with freeze_state.flags_kept(decision.model):
                freezing.set_trainable(
                    decision.model, phase.trainable, batch_norm=phase.batch_norm
                )
                found.append(boundary.settled_steps(decision.flat))
    return tuple(map(any, zip(*found, strict=True)))


def _parts(data):
    return data if isinstance(data, (tuple, list)) else (data,)


def _in_order(model, x):
    """Arrays by name as a list in the order of the model's inputs."""
    if not isinstance(x, dict):
        return x
    structure = structure_of(model)
    named = structure if isinstance(structure, dict) else {}
    names = {id(tensor): name for name, tensor in named.items()}
    names = [names.get(id(tensor), tensor.name) for tensor in model.inputs]
    return [x[name] for name in names] if set(names) <= set(x) else x


def _check_model(model):
    # On JAX all features would be constants of the compiled step; on torch
    # Keras insists on the model's own inputs before the first step.
    if keras.backend.backend() != "tensorflow":
        raise Refusal("it works on the TensorFlow backend alone")
    if not (compat.is_graph(model) and compat.calls_its_graph(model)):
        raise Refusal(f"{model.name!r} has no graph that could be divided")
    for name in _STEPS:
        own = inspect.getattr_static(model, name)
        if own is not inspect.getattr_static(keras.Model, name):
            raise Refusal(f"{type(model).__name__} has a {name} of its own")
    # TensorFlow's own where no strategy was chosen.
    if "Default" not in type(model.distribute_strategy).__name__:
        raise Refusal("a strategy distributes the training")
