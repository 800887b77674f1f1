"""The update rule: a stock optimizer that is made anew for each cohort."""

import concurrent.futures
import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

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
        self._config = _plain(self._stock.get_config())
        _check_config(type(self._stock), self._stock, self._config)
        _check_on_trial(self)

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
        config = {**_plain(self._config), **settings}
        # Through the class: for some optimizers (Lamb in Keras 3.15)
        # `keras.optimizers.deserialize` answers with a string.
        created = type(self._stock).from_config(config)
        compat.copy_weight_decay_exclusions(self._stock, created)
        return created

    @property
    def undecayed(self) -> str | None:
        """Pattern of the names of weights that are excluded from decay."""
        return compat.undecayed_names(self._stock)

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


def _plain(value):
    """A copy of a config in plain containers.

    Keras tracks the lists that an optimizer keeps (`exclude_layers` of Muon).
    They hold its variables too, which cannot be copied inside a trace.
    """
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        kind = tuple if isinstance(value, tuple) else list
        return kind(_plain(item) for item in value)
    return value


def _check_divisible(stock):
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
    base = keras.optimizers.Optimizer
    if type(stock).update_step is base.update_step and (
        type(stock).apply is base.apply
    ):
        raise ValueError(
            f"{type(stock).__name__} changes no weights: it has no "
            "`update_step` of its own. Expected an optimizer such as 'adam', "
            "or a subclass with `build`, `update_step` and `get_config`."
        )
    if stock.global_clipnorm and stock.gradient_accumulation_steps:
        raise ValueError(
            "`global_clipnorm` cannot be combined with "
            "`gradient_accumulation_steps` here, since groups of weights may "
            "be at different places in their accumulation window. Use "
            "`clipnorm` or `clipvalue` instead."
        )


def _check_config(kind, stock, config):
    """Raises `ValueError` unless a config says all that `__init__` takes."""
    taken = inspect.signature(kind.__init__).parameters.values()
    named = {p.name: p for p in list(taken)[1:] if p.kind not in _VARIADIC}
    lacking = sorted({*_SHARED_SETTINGS, "learning_rate"} - config.keys())
    # What has its default needs no mention.
    lacking += [
        name
        for name, parameter in named.items()
        if name not in {*config, *lacking} and not _is_default(stock, parameter)
    ]
    if lacking:
        raise ValueError(
            f"`get_config` of {kind.__name__} does not tell {lacking}, without "
            "which it cannot be made anew for weights that are thawed later. "
            "Return `{**super().get_config(), ...}` with all arguments of "
            "`__init__`."
        )
    takes_all = any(p.kind is p.VAR_KEYWORD for p in taken)
    own_way = kind.from_config.__func__ is not _FROM_CONFIG
    unknown = sorted(config.keys() - named.keys())
    if unknown and not takes_all and not own_way:
        raise ValueError(
            f"`__init__` of {kind.__name__} does not take {unknown}, which its "
            "`get_config` returns, so that it cannot be made anew for weights "
            "that are thawed later. Let it take `**kwargs` and pass them to "
            "`super().__init__`."
        )


_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_FROM_CONFIG = keras.optimizers.Optimizer.from_config.__func__


def _is_default(stock, parameter):
    if parameter.default is parameter.empty:
        return False
    return getattr(stock, parameter.name, None) == parameter.default


def _check_on_trial(rule):
    """Raises `ValueError` if steps with some weights spoil the others.

    Tried on two small weights, since neither the name of an optimizer nor its
    class tells, and since there are optimizers other than those of Keras.
    """
    start = {"matrix": np.arange(1.0, 5.0).reshape(2, 2), "vector": np.ones(2)}
    # A distribution strategy holds for the thread that is in its scope; there
    # an optimizer steps within a replica only.
    with concurrent.futures.ThreadPoolExecutor(1) as elsewhere:
        still, some, others = elsewhere.map(
            lambda ones, twos: _step(rule, start, [ones, twos]),
            (0.0, 1.0, 1.0),
            (0.0, 1.0, -3.0),
        )
    if any(np.abs(still[n] - 2 * start[n]).max() > 0.5 for n in start):
        raise ValueError(
            f"{rule.name} cannot be used for transfer learning: it computes "
            "weights from its own state instead of changing them, so that its "
            "first step would replace the pretrained weights, as it silently "
            "does in plain Keras. Use 'adam', 'adamw' or 'sgd'."
        )
    if not np.array_equal(some["matrix"], others["matrix"]):
        raise ValueError(
            f"{rule.name} cannot train groups of weights apart: the step of "
            "one weight depends on the gradients of others, which are missing "
            "while those are frozen. Use an optimizer that treats each weight "
            "by itself, as those of Keras do."
        )


def _step(rule, start, gradients):
    """Weights after a step; they have doubled since the optimizer was built.

    So do pretrained weights that are loaded into a compiled model.
    """
    weights = [
        keras.Variable(value, dtype="float32", name=name)
        for name, value in start.items()
    ]
    optimizer = rule.create(
        learning_rate=0.01,
        global_clipnorm=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
    )
    optimizer.weight_decay = None  # It moves weights without gradients.
    optimizer.build(weights)
    for weight in weights:
        weight.assign(ops.multiply(weight, 2.0))
    pairs = zip(weights, gradients, strict=True)
    optimizer.apply(
        [ops.full(w.shape, value, w.dtype) for w, value in pairs], weights
    )
    values = map(ops.convert_to_numpy, weights)
    return dict(zip(start, values, strict=True))
