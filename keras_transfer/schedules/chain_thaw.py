"""Chain-thaw: each stage is trained alone, then all together."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_transfer import names
from keras_transfer.schedules import ending
from keras_transfer.schedules import parts
from keras_transfer.schedules import until as endings
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.structure import selectors


@names.renamed(learning_rate="learning_rate_multiplier")
class ChainThaw(Schedule):
    """Trains the head, then each stage alone from the input on, then all.

    Prefer it to gradual unfreezing for small data sets: few weights train at a
    time, so each stage adapts with little risk of overfitting.

    Args:
        until: What ends each phase but the last, as for `Phase`. The paper
            waits until the validation loss stops falling: `Plateau(patience=5)`
            with `restore_best="val_loss"`. Defaults to `Epochs(1)`.
        restore_best: As for `Phase`, in each phase. Defaults to `None`.
        restore_best_mode: As for `Phase`. Defaults to `"auto"`.
        stages: Selectors of the stages from input to output, for a backbone
            that has none. Defaults to `None`: the backbone's own.
        learning_rate_multiplier: As for `Phase`. Defaults to 1.
        batch_norm: As for `Phase`. Defaults to `"frozen"`.
        warmup_steps: As for `Phase`. Defaults to 0.
        head: Selectors of the new layers, where that cannot be known, as for
            `kt.freeze`. Defaults to `None`: all that is in no backbone.
        backbone: The same for the pretrained layers. Defaults to `None`.

    Raises:
        ValueError: If an argument is out of range; at the start of `fit`, if
            the model has no stages or training is too short for all phases.

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
    >>> schedule = kt.schedules.ChainThaw(head="output")
    >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[schedule])
    >>> history.history["trainable_params"]
    [8, 15, 23]

    Reference: [Felbo et al., 2017](https://arxiv.org/abs/1708.00524)
    """

    def __init__(
        self,
        until: endings.Until = endings.Epochs(1),  # noqa: B008
        restore_best: str | None = None,
        stages: Sequence[selectors.Selectors] | None = None,
        learning_rate_multiplier: Any = 1.0,
        batch_norm: str = "frozen",
        warmup_steps: int = 0,
        restore_best_mode: str = "auto",
        head: selectors.Selectors | None = None,
        backbone: selectors.Selectors | None = None,
    ):
        super().__init__()
        self.head = head
        self.backbone = backbone
        self.until = until
        self.restore_best = restore_best
        self.stages = stages
        self.learning_rate_multiplier = learning_rate_multiplier
        self.batch_norm = batch_norm
        self.warmup_steps = warmup_steps
        self.restore_best_mode = restore_best_mode
        parts.check_stages(stages)
        if not endings.conditions(until):
            raise ValueError(
                "`until` of ChainThaw must end a phase, such as Epochs(1) or "
                f"Plateau(). Received: {until!r}."
            )
        self._phase("head", "head", until)  # Wrong arguments are told now.

    def phases_for(self, model, epochs=None):
        *body, head = parts.divide(model, "ChainThaw", self.head, self.backbone)
        stages = parts.named_stages(model, body, self.stages)
        return [
            self._phase("head", head.selector, self.until),
            *(self._phase(name, part, self.until) for name, part in stages),
            self._phase("all", "*", None),
        ]

    @property
    def counts_steps(self):
        return ending.counts_steps(self._phase("head", "head", self.until))

    def _phase(self, name, opened, until):
        phase = Phase(
            opened,
            name=name,
            until=self.until,
            restore_best=self.restore_best,
            restore_best_mode=self.restore_best_mode,
            learning_rate_multiplier=self.learning_rate_multiplier,
            batch_norm=self.batch_norm,
            warmup_steps=self.warmup_steps,
        )
        # The last phase has no end of its own, but the same notion of best.
        return dataclasses.replace(
            phase, until=until, restore_best_mode=ending.mode_of_best(phase)
        )
