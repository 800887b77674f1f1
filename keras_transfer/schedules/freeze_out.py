"""FreezeOut: layers are frozen one after the other, from the bottom."""

import math

from keras_transfer.schedules import parts
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.schedules.until import AtEpoch
from keras_transfer.schedules.until import check_number


class FreezeOut(Schedule):
    """Lets the learning rate of each stage fall to 0, the first stage first.

    Prefer it to save time when a whole network is trained: lower stages settle
    early, and a frozen stage needs no backward pass. Each rate follows half a
    cosine, in steps of one epoch, and when it has reached 0 the stage is
    frozen. The head trains to the end.

    Args:
        t0: Part of training after which the first stage is frozen, above 0 and
            below 1. Defaults to 0.8.
        cubic: Whether the times of freezing are cubed, so that lower stages
            are frozen earlier; `t0` is the first one before that. Defaults to
            `True`, as in the paper.
        scaled: Whether the rate of a stage that is frozen earlier begins
            higher, so that all stages travel as far. Defaults to `True`.
        batch_norm: As for `Phase`. Defaults to `"full"`, as a network that is
            trained whole has it.

    Raises:
        ValueError: If `t0` is out of range; at the start of `fit`, if the
            model has no stages.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
    ...      keras.layers.Dense(2, name="output")]
    ... )
    >>> model.compile("adam", loss="mse")
    >>> x, y = np.ones((8, 4)), np.ones((8, 2))
    >>> schedule = kt.schedules.FreezeOut(t0=0.5, cubic=False)
    >>> history = model.fit(x, y, epochs=4, verbose=0, callbacks=[schedule])
    >>> history.history["trainable_params"]
    [23, 23, 8, 8]

    Reference: [Brock et al., 2017](https://arxiv.org/abs/1706.04983)
    """

    _computes_multipliers = True

    def __init__(
        self,
        t0: float = 0.8,
        cubic: bool = True,
        scaled: bool = True,
        batch_norm: str = "full",
    ):
        super().__init__()
        self.t0 = t0
        self.cubic = cubic
        self.scaled = scaled
        self.batch_norm = batch_norm
        check_number("`t0`", t0)
        if not 0 < t0 < 1:
            raise ValueError(
                f"`t0` must be above 0 and below 1. Received: {t0!r}."
            )
        Phase("head", batch_norm=batch_norm)  # A wrong policy is told now.

    def phases_for(self, model, epochs=None):
        if epochs is None:
            raise ValueError(
                "FreezeOut divides up the whole of training: pass `epochs`."
            )
        *body, head = parts.parts_of(model)
        parts.named_stages(model, body, None)
        everything = [*body, head]
        ends = self._ends(len(everything))
        rows = [
            {
                selector: self._rate(epoch / epochs, end)
                for part, end in zip(everything, ends, strict=True)
                if epoch / epochs < end
                for selector in parts.as_list(part.selector)
            }
            for epoch in range(epochs)
        ]
        return [
            Phase(
                list(rates),
                name=f"epoch_{epoch}",
                until=AtEpoch(epoch + 1) if epoch + 1 < epochs else None,
                learning_rate_multiplier=rates,
                batch_norm=self.batch_norm,
            )
            for epoch, rates in enumerate(rows)
        ]

    def _ends(self, count):
        """Times, as parts of training, at which each part is frozen."""
        spread = [
            self.t0 + (1 - self.t0) * i / (count - 1) for i in range(count)
        ]
        return [time**3 for time in spread] if self.cubic else spread

    def _rate(self, time, end):
        rate = (1 + math.cos(math.pi * time / end)) / 2
        return rate / end if self.scaled else rate
