"""Unfreezing that waits until a metric stops improving."""

import math
from collections.abc import Sequence
from typing import Any

from keras_transfer import names
from keras_transfer.schedules import parts
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.schedules.until import Plateau
from keras_transfer.structure import selectors


@names.renamed(learning_rate="learning_rate_multiplier")
class UnfreezeOnPlateau(Schedule):
    """Opens one more stage from the top whenever a metric stops improving.

    Prefer it to `GradualUnfreeze` when it is not known how long each stage
    takes. Training may end before all stages are open; after the last stage
    has opened it goes on to the end.

    Args:
        monitor: Name in the logs. Defaults to `"val_loss"`.
        patience: Number of epochs in a row without improvement, at least 1.
            Defaults to 2.
        min_delta: Smallest change that counts as improvement. Defaults to 0.
        mode: `"min"`, `"max"` or `"auto"`, as for `Plateau`; it holds for
            `restore_best`, too. Defaults to `"auto"`.
        restore_best: Whether the best epoch of a phase, by the same metric,
            comes back when the next one begins. Defaults to `False`.
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
            the model has no stages.

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
    >>> schedule = kt.schedules.UnfreezeOnPlateau(
    ...     "loss", patience=1, min_delta=100.0, head="output")
    >>> history = model.fit(x, y, epochs=4, verbose=0, callbacks=[schedule])
    >>> history.history["trainable_params"]
    [8, 8, 23, 23]

    Reference: [Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 2,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best: bool = False,
        stages: Sequence[selectors.Selectors] | None = None,
        learning_rate_multiplier: Any = 1.0,
        batch_norm: str = "frozen",
        warmup_steps: int = 0,
        head: selectors.Selectors | None = None,
        backbone: selectors.Selectors | None = None,
    ):
        super().__init__()
        self.head = head
        self.backbone = backbone
        self.monitor = monitor
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.restore_best = restore_best
        self.stages = stages
        self.learning_rate_multiplier = learning_rate_multiplier
        self.batch_norm = batch_norm
        self.warmup_steps = warmup_steps
        parts.check_stages(stages)
        self._phase("head", "head", False)  # Wrong arguments are told now.

    def phases_for(self, model, epochs=None):
        *body, head = parts.divide(
            model, "UnfreezeOnPlateau", self.head, self.backbone
        )
        stages = parts.named_stages(model, body, self.stages)
        opened = parts.as_list(head.selector)
        rows = [("head", opened)]
        for name, selector in reversed(stages):
            opened = [*parts.as_list(selector), *opened]
            rows.append((f"{name}_up", opened))
        if epochs is not None:
            # The others could not begin even if nothing ever improved.
            rows = rows[: max(1, math.ceil(epochs / (self.patience + 1)))]
        whole = len(rows) == len(stages) + 1
        return [
            self._phase(name, opened, whole and number == len(rows))
            for number, (name, opened) in enumerate(rows, start=1)
        ]

    def _phase(self, name, opened, is_last):
        plateau = Plateau(
            self.monitor, self.patience, self.min_delta, self.mode
        )
        return Phase(
            opened,
            name=name,
            until=None if is_last else plateau,
            restore_best=self.monitor if self.restore_best else None,
            restore_best_mode=self.mode if self.restore_best else "auto",
            learning_rate_multiplier=self.learning_rate_multiplier,
            batch_norm=self.batch_norm,
            warmup_steps=self.warmup_steps,
        )
