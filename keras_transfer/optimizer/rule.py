"""The update rule: a stock optimizer that is made anew for each cohort."""

import copy
from typing import Any

import keras

from keras_transfer import compat

_SHARED_SETTINGS = (
    "weight_decay",
    "clipnorm",
    "clipvalue",
    "global_clipnorm",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
)


class Rule:
    """How weights are updated, without any state.

    Args:
        optimizer: A stock optimizer: an instance, a name or a config.

    Raises:
        TypeError: If it is no optimizer.
        ValueError: If it cannot train groups of weights apart.
    """

    def __init__(self, optimizer: Any):
        self._stock = _get(optimizer)
        _check_divisible(self._stock)
        # Read now: TensorFlow builds a plain optimizer inside the first
        # trace, where values of variables cannot be read.
        self._config = self._stock.get_config()

    @property
    def name(self) -> str:
        """Name of the stock optimizer's class."""
        return type(self._stock).__name__

    def learning_rate(self) -> Any:
        """Returns the learning rate: a float, a schedule or a callable."""
        rate = compat.learning_rate_source(self._stock)
        if isinstance(rate, keras.Variable):
            return self._config["learning_rate"]
        return rate

    def shared_settings(self) -> dict[str, Any]:
        """Returns the settings that every Keras optimizer has."""
        return {name: self._config[name] for name in _SHARED_SETTINGS}

    def create(self, **settings: Any) -> keras.optimizers.Optimizer:
        """Returns a new stock optimizer, not yet built.

        Args:
            **settings: Arguments of the stock optimizer to replace.
        """
        config = copy.deepcopy(self._config)
        # Through the class: for some optimizers (Lamb in Keras 3.15)
        # `keras.optimizers.deserialize` answers with a string.
        created = type(self._stock).from_config({**config, **settings})
        compat.copy_weight_decay_exclusions(self._stock, created)
        return created

    def exclude_from_weight_decay(self, var_list, var_names) -> None:
        """Excludes weights from weight decay in what is created later."""
        self._stock.exclude_from_weight_decay(var_list, var_names)


def _get(optimizer):
    if isinstance(optimizer, dict):
        return keras.saving.deserialize_keras_object(optimizer)
    if not isinstance(optimizer, (str, keras.optimizers.Optimizer)):
        raise TypeError(
            "`optimizer` must be a Keras optimizer, its name or its config. "
            f"Received: {optimizer!r} of type {type(optimizer).__name__}."
        )
    return keras.optimizers.get(optimizer)


def _check_divisible(stock):
    if isinstance(stock, keras.optimizers.Ftrl):
        raise ValueError(
            "Ftrl cannot be used for transfer learning: it computes weights "
            "from its own accumulators, so the first step after a thaw would "
            "replace the pretrained weights. Use 'adam', 'adamw' or 'sgd'."
        )
    if isinstance(stock, keras.optimizers.LossScaleOptimizer):
        raise ValueError(
            "A LossScaleOptimizer must be outermost. Use "
            "`keras_transfer.wrap_optimizer(optimizer)`, which keeps it so."
        )
    if hasattr(stock, "optimizers") or hasattr(stock, "create_stock"):
        raise ValueError(
            f"{type(stock).__name__} already holds several optimizers. Pass a "
            "single stock optimizer; learning rates that differ between "
            "weights are given as multipliers."
        )
    settings = stock.get_config()
    if settings["global_clipnorm"] and settings["gradient_accumulation_steps"]:
        raise ValueError(
            "`global_clipnorm` cannot be combined with "
            "`gradient_accumulation_steps` here, since groups of weights may "
            "be at different places in their accumulation window. Use "
            "`clipnorm` or `clipvalue` instead."
        )
