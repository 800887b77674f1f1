"""Linear probing: the head alone trains."""

from keras_transfer.schedules import parts
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.schedule import Schedule


class LinearProbe(Schedule):
    """Keeps the backbone frozen from the first step of `fit` to the last.

    Prefer it for few images, or as the baseline of every other schedule.
    BatchNormalization keeps its moving statistics.

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

    def phases_for(self, model, epochs=None):
        *_, head = parts.parts_of(model)
        return [Phase(head.selector, name="head")]
