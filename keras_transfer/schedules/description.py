"""The table of a schedule, before any training."""

import dataclasses
import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_transfer import compat
from keras_transfer.optimizer import wrap_optimizer
from keras_transfer.optimizer.adoption import unwrap_optimizer
from keras_transfer.schedules import timeline
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.plan import plan
from keras_transfer.structure import model_info
from keras_transfer.structure.text_table import Table


@dataclasses.dataclass(frozen=True)
class ScheduleRow:
    """What one phase does.

    Args:
        name: Name of the phase.
        first_epoch: Epoch in which it begins, counted from 0; the earliest
            one if that is not `certain`.
        last_epoch: Last epoch in which it trains; `None` if that is unknown.
        certain: Whether both follow from the schedule alone.
        layers: Number of layers that train.
        parameters: Number of parameters that train.
        batch_norm: Policy for BatchNormalization in the backbone.
        learning_rates: Smallest and largest learning rate, or multipliers if
            the model is not compiled.
        optimizer_bytes: Memory of the optimizer's slots, those of earlier
            phases included; `None` if the model is not compiled.
    """

    name: str
    first_epoch: int
    last_epoch: int | None
    certain: bool
    layers: int
    parameters: int
    batch_norm: str
    learning_rates: tuple[float, float]
    optimizer_bytes: int | None

    @property
    def epochs(self) -> str:
        """The epochs as text, such as `0-2`; `~` marks what is not certain."""
        mark = "" if self.certain else "~"
        last = "" if self.last_epoch is None else str(self.last_epoch)
        if last == str(self.first_epoch):
            return mark + last
        return f"{mark}{self.first_epoch}-{last}"


@dataclasses.dataclass(frozen=True)
class ScheduleTable(Table):
    """What a schedule does, phase by phase; printing it gives the table.

    Args:
        rows: One row per phase.
    """

    rows: tuple[ScheduleRow, ...]

    def table_rows(self):
        header = (
            "phase",
            "epochs",
            "layers",
            "trainable",
            "BN",
            "learning rate",
            "optimizer",
        )
        return [header, *(_cells(row) for row in self.rows)]


def describe(
    model: keras.Model,
    phases: Sequence[Phase],
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
) -> ScheduleTable:
    """Returns the table of what phases would do to a model.

    Args:
        model: A built model, compiled or not.
        phases: The phases in their order.
        epochs: Number of epochs of training. Defaults to `None`: unknown.
        steps_per_epoch: Number of batches. Defaults to `None`: unknown.

    Raises:
        ValueError: If the phases do not fit the model or the epochs.

    Example:
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model.compile("adam")
    >>> print(describe(model, [Phase("*", name="all")], epochs=5))
    phase  epochs  layers  trainable      BN  learning rate  optimizer
    all       0-4       1         10  frozen          0.001       80 B
    """
    if epochs is not None:
        timeline.check_reached(phases, epochs, steps_per_epoch)
    starts = timeline.starts(phases, steps_per_epoch)
    optimizer = getattr(model, "optimizer", None)
    slots, rate = None, 1.0
    if optimizer is not None:
        slots = _slots_per_weight(optimizer)
        rate = float(ops.convert_to_numpy(optimizer.learning_rate))
    rows, ever = [], set()
    for position, planned in enumerate(plan(model, phases)):
        start, end = starts[position], starts[position + 1]
        if getattr(optimizer, "drop_frozen_slots", False):
            ever = set()
        ever |= set(planned.trainable)
        opened = [model.weights[i] for i in sorted(ever)]
        multipliers = [
            planned.multipliers[id(model.weights[i])] for i in planned.trainable
        ]
        rows.append(
            ScheduleRow(
                name=planned.name,
                first_epoch=math.floor(start.epoch),
                last_epoch=_last(end, epochs),
                certain=start.certain
                and (end.certain or end.epoch == math.inf),
                layers=planned.layers,
                parameters=planned.parameters,
                batch_norm=planned.phase.batch_norm,
                learning_rates=(
                    rate * min(multipliers),
                    rate * max(multipliers),
                ),
                optimizer_bytes=None
                if slots is None
                else round(slots * 4 * model_info.count(opened)),
            )
        )
    return ScheduleTable(tuple(rows))


def _last(end, epochs):
    if end.epoch == math.inf or (epochs is not None and end.epoch > epochs):
        return None if epochs is None else epochs - 1
    return max(math.ceil(end.epoch) - 1, 0) if end.certain else None


def _slots_per_weight(optimizer):
    """How many values the optimizer keeps for each value it trains."""
    stock = unwrap_optimizer(wrap_optimizer(optimizer)).create_stock()
    # A small square matrix: optimizers that factor their slots need two axes.
    probe = keras.Variable(np.zeros((64, 64), "float32"))
    stock.build([probe])
    _, slots = compat.optimizer_state(stock)
    held = [v for values in slots.values() for v in values if v is not None]
    return model_info.count(held) / model_info.count([probe])


def _cells(row):
    low, high = (f"{rate:.3g}" for rate in row.learning_rates)
    return (
        row.name,
        row.epochs,
        str(row.layers),
        f"{row.parameters:,}",
        row.batch_norm,
        low if low == high else f"{low} - {high}",
        _size(row.optimizer_bytes),
    )


def _size(count):
    if count is None:
        return "-"
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
