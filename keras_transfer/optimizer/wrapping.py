"""Ways between stock optimizers and ours."""

from typing import Any

import keras

from keras_transfer.optimizer.loss_scaling import TransferLossScaleOptimizer
from keras_transfer.optimizer.transfer_optimizer import TransferOptimizer


def wrap_optimizer(
    optimizer: Any = "adam",
) -> TransferOptimizer | TransferLossScaleOptimizer:
    """Returns an optimizer that lets layers be frozen and thawed in training.

    Prefer it to `adopt_optimizer` for a model that is yet to be compiled.

    Args:
        optimizer: A stock optimizer: an instance, a name or a config. One that
            already is ours is returned as it is. Defaults to `"adam"`.

    Raises:
        TypeError: If it is no optimizer.
        ValueError: For optimizers that cannot train groups of weights apart.

    Example:
    >>> wrap_optimizer(keras.optimizers.SGD(0.1, momentum=0.9)).name
    'transfer_optimizer'
    """
    if is_wrapped(optimizer):
        return optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return TransferLossScaleOptimizer(
            wrap_optimizer(optimizer.inner_optimizer),
            initial_scale=optimizer.initial_scale,
            dynamic_growth_steps=optimizer.dynamic_growth_steps,
            name=optimizer.name,
        )
    return TransferOptimizer(optimizer)


def is_wrapped(optimizer: Any) -> bool:
    """Whether an optimizer is ours, loss scaling included."""
    return isinstance(
        optimizer, (TransferOptimizer, TransferLossScaleOptimizer)
    )


def unwrap_optimizer(optimizer: Any) -> TransferOptimizer:
    """Returns our optimizer from inside its loss scaling, if there is any.

    Raises:
        TypeError: If the optimizer is not ours.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    if not isinstance(optimizer, TransferOptimizer):
        raise TypeError(
            "Expected an optimizer of keras_transfer. Received: "
            f"{type(optimizer).__name__}. Compile with "
            "`keras_transfer.wrap_optimizer(...)`, or call "
            "`kt.adopt_optimizer(model)`."
        )
    return optimizer
