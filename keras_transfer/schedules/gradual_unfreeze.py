"""Gradual unfreezing: one more stage at a time, from the top."""

from collections.abc import Sequence
from typing import Any

from keras_transfer import names
from keras_transfer.schedules import parts
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.schedules.until import AtEpoch
from keras_transfer.structure import selectors


@names.renamed(learning_rate="learning_rate_multiplier")
class GradualUnfreeze(Schedule):
    """Opens the backbone stage by stage, from the output to the input.

    Prefer it where the data is far from what the backbone was trained on, but
    too small to train all layers at once from the beginning. Training may end
    before all stages are open.

    Args:
        every: Number of epochs between two stages, at least 1. Defaults to 1.
        start: The epoch, counted from 0, in which the first stage opens; the
            head alone trains before. Defaults to 1.
        at: Epochs in which stages open, instead of `every` and `start`.
            Defaults to `None`.
        stages: Selectors of the stages from input to output, for a backbone
            that has none. Defaults to `None`: the backbone's own.
        learning_rate_multiplier: As for `Phase`, in all phases. Defaults to 1.
        batch_norm: BatchNormalization of open stages, as for `Phase`. Defaults
            to `"frozen"`.
        warmup_steps: As for `Phase`. Defaults to 0.
        head: Selectors of the new layers, where that cannot be known, as for
            `kt.freeze`. Defaults to `None`: all that is in no backbone.
        backbone: The same for the pretrained layers. Defaults to `None`.

    Raises:
        ValueError: If an argument is out of range; at the start of `fit`, if
            the model has no stages or fewer than `at` has epochs.

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
    >>> schedule = kt.schedules.GradualUnfreeze(
    ...     every=1, start=2, head="output")
    >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[schedule])
    >>> history.history["trainable_params"]
    [8, 8, 23]

    Reference: [Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146)
    """

    def __init__(
        self,
        every: int = 1,
        start: int = 1,
        at: Sequence[int] | None = None,
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
        self.every = every
        self.start = start
        self.at = at
        self.stages = stages
        self.learning_rate_multiplier = learning_rate_multiplier
        self.batch_norm = batch_norm
        self.warmup_steps = warmup_steps
        parts.check_stages(stages)
        self._phase("head", None)  # Wrong arguments are told now.
        for name, value, least in (("every", every, 1), ("start", start, 0)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(
                    f"`{name}` must be a whole number. Received: {value!r}."
                )
            if value < least:
                raise ValueError(
                    f"`{name}` must be at least {least}. Received: {value}."
                )
        if at is not None and not _are_ascending(at):
            raise ValueError(
                "`at` must be a list of epochs in ascending order, each once, "
                f"from 0. Received: {at!r}."
            )

    def phases_for(self, model, epochs=None):
        *body, head = parts.divide(
            model, "GradualUnfreeze", self.head, self.backbone
        )
        stages = parts.named_stages(model, body, self.stages)
        if self.at is None:
            opens = [self.start + i * self.every for i in range(len(stages))]
        elif len(self.at) > len(stages):
            raise ValueError(
                f"`at` names {len(self.at)} epochs, but the model "
                f"{model.name!r} has only {len(stages)} stages to open: "
                f"{[name for name, _ in stages]}."
            )
        else:
            opens = list(self.at)
        opened = parts.as_list(head.selector)
        # `(name, what is open, first epoch)`, the head alone first.
        rows = [("head", opened, 0)]
        for (name, selector), epoch in zip(
            reversed(stages), opens, strict=False
        ):
            opened = [*parts.as_list(selector), *opened]
            rows.append((f"{name}_up", opened, epoch))
        if rows[1][2] == 0:
            del rows[0]
        if epochs is not None:
            rows = [row for row in rows if row[2] < epochs]
        ends = [AtEpoch(row[2]) for row in rows[1:]] + [None]
        return [
            self._phase(opened, end, name)
            for (name, opened, _), end in zip(rows, ends, strict=True)
        ]

    def _phase(self, opened, end, name=None):
        return Phase(
            opened,
            name=name,
            until=end,
            learning_rate_multiplier=self.learning_rate_multiplier,
            batch_norm=self.batch_norm,
            warmup_steps=self.warmup_steps,
        )


def _are_ascending(epochs):
    return (
        isinstance(epochs, (list, tuple))
        and len(epochs) > 0
        and all(isinstance(e, int) and e is not True for e in epochs)
        and list(epochs) == sorted(set(epochs))
        and epochs[0] >= 0
    )
