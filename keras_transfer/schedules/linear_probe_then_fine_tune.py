"""Linear probing, alone or before fine-tuning of all or the top stages."""

from typing import Any

from keras_transfer import names
from keras_transfer.schedules import parts
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.schedule import Schedule
from keras_transfer.schedules.until import Epochs
from keras_transfer.structure import selectors


class LinearProbe(Schedule):
    """Trains the head alone, from the first step of `fit` to the last.

    The head is all that came from no source, wherever it hangs in the model:
    layers on top of a backbone, a branch for a table.

    Prefer it for few images, or as the baseline of every other schedule.
    BatchNormalization keeps its moving statistics.

    Args:
        head: Selectors of the new layers, where that cannot be known, as for
            `kt.freeze`. Defaults to `None`: all that is in no backbone.
        backbone: The same for the pretrained layers. Defaults to `None`.

    Raises:
        ValueError: At the start of `fit`, if it cannot be known what is new:
            the message has the table of layers.

    Example:
    >>> import keras_transfer as kt
    >>> import numpy as np
    >>> backbone = kt.create_backbone(
    ...     "mobilenet", weights=None, input_shape=(32, 32, 3))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> model = kt.compile_for_transfer(model)
    >>> x, y = np.zeros((2, 32, 32, 3)), np.array([0, 1])
    >>> schedule = kt.schedules.LinearProbe()
    >>> history = model.fit(x, y, verbose=0, callbacks=[schedule])
    >>> len(model.trainable_variables)
    2

    Reference: [Alain & Bengio, 2016](https://arxiv.org/abs/1610.01644)
    """

    def __init__(
        self,
        head: selectors.Selectors | None = None,
        backbone: selectors.Selectors | None = None,
    ):
        super().__init__()
        self.head = head
        self.backbone = backbone

    def phases_for(self, model, epochs=None):
        *_, head = parts.divide(model, "LinearProbe", self.head, self.backbone)
        return [Phase(head.selector, name="head")]


@names.renamed(learning_rate="learning_rate_multiplier")
class LinearProbeThenFineTune(Schedule):
    """Trains the head for some epochs, then the backbone with it.

    Prefer it to fine-tuning from the start, whose first large gradients, of a
    head that knows nothing yet, distort the pretrained features.

    Args:
        probe_epochs: Number of epochs with the backbone frozen, at least 1.
            Defaults to `None`: a third of the training.
        stages: What is thawed then: a number of stages from the top, or
            selectors. Defaults to `None`: the whole backbone.
        learning_rate_multiplier: As for `Phase`, in the second phase.
            Defaults to 0.1 for the backbone and 1 for the head.
        batch_norm: BatchNormalization of the second phase, as for `Phase`.
            Defaults to `"frozen"`.
        warmup_steps: As for `Phase`, in the second phase. Defaults to 0.
        head: Selectors of the new layers, where that cannot be known, as for
            `kt.freeze`. Defaults to `None`: all that is in no backbone.
        backbone: The same for the pretrained layers. Defaults to `None`.

    Raises:
        ValueError: If an argument is out of range; at the start of `fit`, if
            training is over before the probe.

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
    >>> schedule = kt.schedules.LinearProbeThenFineTune(
    ...     probe_epochs=2, head="output")
    >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[schedule])
    >>> history.history["trainable_params"]
    [8, 8, 23]

    Reference: [Kumar et al., 2022](https://arxiv.org/abs/2202.10054)
    """

    def __init__(
        self,
        probe_epochs: int | None = None,
        stages: int | selectors.Selectors | None = None,
        learning_rate_multiplier: Any = None,
        batch_norm: str = "frozen",
        warmup_steps: int = 0,
        head: selectors.Selectors | None = None,
        backbone: selectors.Selectors | None = None,
    ):
        super().__init__()
        self.head = head
        self.backbone = backbone
        self.probe_epochs = probe_epochs
        self.stages = stages
        self.learning_rate_multiplier = learning_rate_multiplier
        self.batch_norm = batch_norm
        self.warmup_steps = warmup_steps
        if stages is not None:
            parts.check_selectors("`stages`", stages)
        # Wrong arguments are told now rather than at the start of `fit`.
        self._phases("head", "*", self._multiplier("head"), epochs=3)

    def phases_for(self, model, epochs=None):
        *body, head = parts.divide(
            model, "LinearProbeThenFineTune", self.head, self.backbone
        )
        opened = parts.opened(model, body, head, self.stages)
        multiplier = self._multiplier(head.selector)
        return self._phases(head.selector, opened, multiplier, epochs)

    def _multiplier(self, head):
        if self.learning_rate_multiplier is not None:
            return self.learning_rate_multiplier
        # Later entries win: everything slowly, except for the head.
        return {"*": 0.1, **dict.fromkeys(parts.as_list(head), 1.0)}

    def _phases(self, head, opened, multiplier, epochs):
        probe_epochs = self.probe_epochs
        if probe_epochs is None:
            if epochs is None:
                raise ValueError(
                    "LinearProbeThenFineTune probes for a third of the "
                    "training: pass `epochs`, or give it `probe_epochs`."
                )
            probe_epochs = max(1, epochs // 3)
        return [
            Phase(head, name="probe", until=Epochs(probe_epochs)),
            Phase(
                opened,
                name="fine_tune",
                learning_rate_multiplier=multiplier,
                batch_norm=self.batch_norm,
                warmup_steps=self.warmup_steps,
            ),
        ]
