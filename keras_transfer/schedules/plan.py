"""A phase list applied to one model."""

import dataclasses
import types
import warnings
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_transfer.freezing import freezing
from keras_transfer.schedules import parts
from keras_transfer.schedules.phase import LayerDecay
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.phase import written_multipliers
from keras_transfer.structure import freeze_state
from keras_transfer.structure import model_info
from keras_transfer.structure import selectors
from keras_transfer.structure.adapters import factors_of

# Nobody lowers a learning rate by so much; it is a learning rate by itself.
_TINY = 1e-4


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
    with freeze_state.flags_kept(model):
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
    rates = multipliers_of(model, phase.learning_rate_multiplier)
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


def multipliers_of(model: keras.Model, rate: Any) -> dict[int, float]:
    """Returns a multiplier for each weight of a model, by the weight's id.

    Args:
        model: A built model.
        rate: The `learning_rate_multiplier` of a `Phase`.

    Raises:
        ValueError: For a selector that matches nothing.

    Example:
    >>> model = keras.Sequential(
    ...     [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, 2, name="a"),
    ...      keras.layers.Flatten(), keras.layers.Dense(2, name="b")]
    ... )
    >>> multipliers = multipliers_of(model, slice(0.125, 1.0))
    >>> [multipliers[id(weight)] for weight in model.weights]
    [0.125, 0.125, 1.0, 1.0]
    """
    if isinstance(rate, Mapping):
        groups = [
            (_named(model, selector), float(multiplier))
            for selector, multiplier in rate.items()
        ]
        return _by_weight(model, 1.0, groups)
    if isinstance(rate, slice):
        return _geometric(model, rate.start, rate.stop)
    if isinstance(rate, LayerDecay):
        return _decayed(model, rate)
    return _by_weight(model, float(rate), [])


def warn_when_tiny(phases: Sequence[Phase], learning_rate: float) -> None:
    """Warns if a phase is written with what looks like a learning rate.

    Args:
        phases: The phases of a schedule.
        learning_rate: That of the optimizer.
    """
    for number, phase in enumerate(phases, start=1):
        written = written_multipliers(phase.learning_rate_multiplier)
        lowest = min(written, default=1.0)
        if lowest >= _TINY:
            continue
        warnings.warn(
            f"Phase {number} ({phase.name!r}) multiplies the learning rate "
            f"{learning_rate:g} by {lowest:g}, so that layers train at "
            f"{learning_rate * lowest:g}. `learning_rate_multiplier` is "
            "relative: to train at a learning rate, divide it by that of the "
            "optimizer.",
            stacklevel=2,
        )
        return


def _geometric(model, low, high):
    found = parts.parts_of(model)
    last = max(len(found) - 1, 1)
    groups = [
        # Written so that both ends are exact.
        (part.operations, low ** (1 - i / last) * high ** (i / last))
        for i, part in enumerate(found)
    ]
    return _by_weight(model, float(low), groups)


def _decayed(model, decay):
    *body, head = parts.parts_of(model)
    if decay.by == "stage":
        steps = [part.operations for part in body]
    else:
        of_head = {id(v) for op in head.operations for v in _weights(op)}
        steps = [
            [operation]
            for operation in selectors.select(model, lambda layer: True)
            if _weights(operation)
            and not {id(v) for v in _weights(operation)} & of_head
        ]
    groups = [
        (operations, max(decay.decay**distance, decay.minimum))
        for distance, operations in enumerate(reversed(steps), start=1)
    ]
    # What stands before the first stage goes with the first stage.
    lowest = groups[-1][1] if groups else 1.0
    return _by_weight(model, lowest, [*groups, (head.operations, 1.0)])


def _by_weight(model, default, groups):
    found = {id(weight): default for weight in model.weights}
    for operations, multiplier in groups:
        for operation in operations:
            found.update((id(v), multiplier) for v in _weights(operation))
    return found


def _named(model, selector):
    layers, adapted = selectors.divide(model, selector)
    factors = [factor for op in adapted for factor in factors_of(op)]
    return [
        *selectors.select(model, layers),
        types.SimpleNamespace(weights=factors),
    ]


def _weights(operation):
    return getattr(operation, "weights", ())
