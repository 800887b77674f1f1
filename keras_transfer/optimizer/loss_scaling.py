"""Loss scaling around an optimizer whose set of weights changes."""

from typing import Any

import keras

from keras_transfer import compat
from keras_transfer.optimizer.transfer_optimizer import TransferOptimizer


@keras.saving.register_keras_serializable(package="keras_transfer")
class TransferLossScaleOptimizer(
    compat.ActiveVariables, keras.optimizers.LossScaleOptimizer
):
    """Scales the loss dynamically around a `TransferOptimizer`.

    Prefer it to `keras.optimizers.LossScaleOptimizer`, which Keras puts around
    any other optimizer of a `mixed_float16` model: that one stores the inner
    state by number, so it is dropped at loading when the trainable set was
    changed. `wrap_optimizer` and `adopt_optimizer` create it where needed.

    Args:
        inner_optimizer: The `TransferOptimizer`.
        initial_scale: The scale of the loss at the start. Defaults to 2**15.
        dynamic_growth_steps: Number of finite steps after which the scale is
            doubled. Defaults to 2000.
        name: Name of the optimizer. Defaults to `"loss_scale_optimizer"`.

    Raises:
        TypeError: If the inner optimizer is not a `TransferOptimizer`.

    Example:
    >>> optimizer = TransferLossScaleOptimizer(TransferOptimizer("adam"))
    >>> optimizer.initial_scale
    32768.0

    Reference: [Micikevicius et al., 2018](https://arxiv.org/abs/1710.03740)
    """

    def __init__(
        self,
        inner_optimizer: TransferOptimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str = "loss_scale_optimizer",
    ):
        if not isinstance(inner_optimizer, TransferOptimizer):
            raise TypeError(
                "Expected a `TransferOptimizer` inside. Received: "
                f"{type(inner_optimizer).__name__}. "
                "`keras_transfer.wrap_optimizer(optimizer)` makes one."
            )
        super().__init__(
            inner_optimizer, initial_scale, dynamic_growth_steps, name
        )

    def active_variables(self) -> list[Any]:
        """Returns the weights that train now, in the order of the model."""
        # Keras's constructor asks before there is an inner optimizer.
        inner = vars(self).get("inner_optimizer")
        return [] if inner is None else inner.active_variables()

    def _own(self):
        return {"step_counter": self.step_counter, "scale": self.dynamic_scale}

    def save_own_variables(self, store):
        # The inner optimizer is a part with a place of its own in the file.
        if self.built:
            for name, variable in self._own().items():
                store[name] = keras.ops.convert_to_numpy(variable)

    def load_own_variables(self, store):
        if not store.keys():
            return
        if not self.built:
            self.build([])
        missing = self._own().keys() - set(store.keys())
        if missing:
            raise ValueError(
                f"The saved loss scale lacks {sorted(missing)}; the file holds "
                f"{sorted(store.keys())[:5]}. It was saved with another "
                "optimizer: load the weights without the optimizer."
            )
        for name, variable in self._own().items():
            variable.assign(store[name])
