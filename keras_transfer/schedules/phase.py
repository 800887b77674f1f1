"""One phase of a schedule."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from keras_transfer import names
from keras_transfer.callbacks import monitoring
from keras_transfer.freezing import freezing
from keras_transfer.names import check_whole_number
from keras_transfer.schedules import until as endings
from keras_transfer.structure import selectors


@dataclasses.dataclass(frozen=True)
class LayerDecay:
    """Learning rates that fall from layer to layer, from output to input.

    Prefer it to a slice for transformers and other deep backbones that are
    trained whole.

    Args:
        decay: What each layer's rate is multiplied by, compared with the layer
            after it; above 0 and at most 1.
        minimum: Smallest multiplier. Defaults to 0: no limit.
        by: `"layer"` counts every layer with weights, `"stage"` every stage.
            Defaults to `"layer"`.

    Example:
    >>> import keras_transfer as kt
    >>> kt.schedules.LayerDecay(0.75)
    LayerDecay(decay=0.75, minimum=0.0, by='layer')

    Reference: [Clark et al., 2020](https://arxiv.org/abs/2003.10555)
    """

    decay: float
    minimum: float = 0.0
    by: str = "layer"

    def __post_init__(self):
        endings.check_number("`decay` of LayerDecay", self.decay)
        endings.check_number("`minimum` of LayerDecay", self.minimum)
        if not 0 < self.decay <= 1:
            raise ValueError(
                "`decay` of LayerDecay must be above 0 and at most 1. "
                f"Received: {self.decay!r}."
            )
        if self.by not in ("layer", "stage"):
            raise ValueError(
                "`by` of LayerDecay must be 'layer' or 'stage'. Received: "
                f"{self.by!r}."
            )


@names.renamed(learning_rate="learning_rate_multiplier")
@dataclasses.dataclass(frozen=True)
class Phase:
    """A stretch of training in which the same weights train.

    Args:
        trainable: What trains, in the grammar of `keras_transfer.
            set_trainable`; everything else is frozen. Include the head:
            `["stage_4", "head"]`.
        name: Name in tables. Defaults to `None`: the phase's number.
        batch_norm: What the BatchNormalization layers in the selected part of
            the backbone do: `"frozen"` keeps them as they were in pretraining,
            `"statistics"` updates their moving averages, `"affine"` trains
            gamma and beta, `"full"` does both. Defaults to `"frozen"`.
        learning_rate_multiplier: What the optimizer's learning rate is
            multiplied by: a number; a dictionary from selectors to numbers,
            where what is not named has 1 and later entries win;
            `slice(low, high)`, which rises geometrically from the first stage
            to the head; or a `LayerDecay`. It is relative: one under 0.0001
            warns at the start of `fit`. Defaults to 1.
        warmup_steps: Number of first steps over which the learning rate of
            weights that train for the first time rises linearly. Defaults to 0.
        until: What ends the phase: `Epochs`, `AtEpoch`, `Steps`, `Plateau`,
            `Threshold`, a function of `(epoch, logs)` that returns a bool and
            is asked at the end of each epoch, or a tuple of these, of which
            the first that is met decides. After the last phase training stops.
            Defaults to `None`: the end of training.
        restore_best: Name of a metric. When the phase ends, weights and
            optimizer moments of its best epoch come back. Defaults to `None`.
        restore_best_mode: `"min"` if that metric improves by falling, `"max"`
            if by rising, or `"auto"`: as a condition of `until` that names the
            same metric, or else as the metric says. Defaults to `"auto"`.

    Raises:
        ValueError: For a value outside its range.
        TypeError: For a value of the wrong kind.

    Example:
    >>> import keras_transfer as kt
    >>> from keras_transfer.schedules import Epochs
    >>> kt.schedules.Phase("head", until=Epochs(3)).batch_norm
    'frozen'
    """

    trainable: selectors.Selectors
    name: str | None = None
    _: dataclasses.KW_ONLY
    batch_norm: str = "frozen"
    learning_rate_multiplier: (
        float | Mapping[Any, float] | slice | LayerDecay
    ) = 1.0
    warmup_steps: int = 0
    until: endings.Until = None
    restore_best: str | None = None
    restore_best_mode: str = "auto"

    def __post_init__(self):
        endings.conditions(self.until)
        if self.restore_best is not None:
            endings.check_metric("`restore_best`", self.restore_best)
        monitoring.check_mode(self.restore_best_mode, "restore_best_mode")
        if not isinstance(self.name, (str, type(None))):
            raise TypeError(
                "`name` of a Phase must be a string or None. Received: "
                f"{self.name!r}."
            )
        if self.batch_norm not in freezing.BATCH_NORM_POLICIES:
            raise ValueError(
                f"Unknown `batch_norm` policy {self.batch_norm!r}. Expected "
                f"one of {freezing.BATCH_NORM_POLICIES}."
            )
        check_whole_number("warmup_steps", self.warmup_steps, least=0)
        _check_multipliers(self.learning_rate_multiplier)


def written_multipliers(given: Any) -> list[Any]:
    """Returns the numbers that a `learning_rate_multiplier` is written with.

    Args:
        given: A number, a mapping or a slice; a `LayerDecay` holds none.
    """
    if isinstance(given, LayerDecay):
        return []
    if isinstance(given, Mapping):
        return list(given.values())
    if isinstance(given, slice) and given.step is None:
        return [given.start, given.stop]
    return [given]


def _check_multipliers(given):
    for value in written_multipliers(given):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(
                "`learning_rate_multiplier` must be a number, a dictionary "
                "from selectors to numbers, slice(low, high) or LayerDecay. "
                f"Received: {given!r}."
            )
        if not (value > 0 and math.isfinite(value)):
            raise ValueError(
                "`learning_rate_multiplier` must be above 0 and finite. "
                f"Received: {given!r}. To keep weights as they are, leave them "
                "out of `trainable`."
            )
