"""A phase list applied to one model."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer.freezing import freezing
from keras_transfer.schedules import multipliers
from keras_transfer.schedules import parts
from keras_transfer.schedules.phase import Phase
from keras_transfer.structure import model_info


@dataclasses.dataclass(frozen=True)
class PlannedPhase:
    """What a phase does to a model.

    Args:
        name: Name of the phase.
        phase: The phase.
        kept: Weights that stay frozen whatever the phase selects.
        trainable: Positions in `model.weights` of what it trains.
        multipliers: Learning-rate multiplier by the id of a weight.
        parameters: Number of trainable parameters.
        layers: Number of layers with trainable weights.
        rates: Largest multiplier in each part of the model; 0 where frozen.
    """

    name: str
    phase: Phase
    kept: tuple[Any, ...]
    trainable: tuple[int, ...]
    multipliers: dict[int, float]
    parameters: int
    layers: int
    rates: dict[str, float]

    def set_flags(self, model: keras.Model) -> None:
        """Opens what the phase trains and freezes the rest."""
        freezing.set_trainable(
            model,
            self.phase.trainable,
            batch_norm=self.phase.batch_norm,
            keep_frozen=self.kept,
        )

    def multiplier_of(self, weight: Any) -> float:
        """Returns what the learning rate of a weight is multiplied by."""
        return self.multipliers[id(weight)]


def plan(
    model: keras.Model,
    phases: Sequence[Phase],
    kept: Sequence[Any] | None = None,
) -> list[PlannedPhase]:
    """Finds out what each phase does, and leaves the model as it was.

    Args:
        model: A built model.
        phases: The phases in their order.
        kept: Weights that stay frozen whatever is selected. Defaults to those
            that are frozen now inside of layers that train.

    Raises:
        ValueError: If a phase selects something that the model does not have,
            or if nothing would train.

    Example:
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
    ...      keras.layers.Dense(2, name="output")]
    ... )
    >>> [p.parameters for p in plan(model, [Phase("output"), Phase("*")])]
    [8, 23]
    """
    if kept is None:
        kept = freezing.never_trained(model)
    found = parts.parts_of(model)
    planned = []
    with freezing.flags_kept(model):
        for number, phase in enumerate(phases, start=1):
            name = phase.name or f"phase_{number}"
            try:
                planned.append(_plan_one(model, name, phase, kept, found))
            except ValueError as error:
                raise ValueError(
                    f"Phase {number}, {name!r}, does not fit the model "
                    f"{model.name!r}: {error}"
                ) from error
    return planned


def _plan_one(model, name, phase, kept, found):
    freezing.set_trainable(
        model,
        phase.trainable,
        batch_norm=phase.batch_norm,
        keep_frozen=kept,
    )
    opened = {id(variable) for variable in model.trainable_variables}
    if not opened:
        raise ValueError(
            f"nothing trains, since {phase.trainable!r} selects only weights "
            "that stay frozen."
        )
    rates = multipliers.multipliers_of(model, phase.learning_rate_multiplier)
    weights = model.weights
    trainable = tuple(i for i, w in enumerate(weights) if id(w) in opened)
    return PlannedPhase(
        name=name,
        phase=phase,
        kept=tuple(kept),
        trainable=trainable,
        multipliers=rates,
        parameters=model_info.count([weights[i] for i in trainable]),
        layers=len({weights[i].path.rpartition("/")[0] for i in trainable}),
        rates={part.name: _rate(part, opened, rates) for part in found},
    )


def _rate(part, opened, rates):
    weights = {
        id(weight)
        for operation in part.operations
        for weight in getattr(operation, "weights", ())
    }
    return max((rates[key] for key in weights & opened), default=0.0)
