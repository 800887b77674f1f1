"""Linear probing: the head alone trains."""

import keras

from keras_transfer import freezing


class LinearProbe(keras.callbacks.Callback):
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
    >>> history = model.fit(x, y, verbose=0, callbacks=[LinearProbe()])
    >>> len(model.trainable_variables)
    2

    Reference: [Alain & Bengio, 2016](https://arxiv.org/abs/1610.01644)
    """

    def on_train_begin(self, logs=None):
        before = [v.trainable for v in self.model.variables]
        freezing.freeze(self.model)
        if before != [v.trainable for v in self.model.variables]:
            # A step that was traced before knows the old flags.
            self.model.make_train_function(force=True)
