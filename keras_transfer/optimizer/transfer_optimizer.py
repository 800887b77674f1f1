"""The optimizer whose set of trainable weights may change during training."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_transfer import compat
from keras_transfer.optimizer import stock_state
from keras_transfer.optimizer.cohort import Cohort
from keras_transfer.optimizer.cohort import averages_of
from keras_transfer.optimizer.gradients import prepare_gradients
from keras_transfer.optimizer.roster import Roster
from keras_transfer.optimizer.rule import Rule
from keras_transfer.optimizer.stock_state import Memory


@keras.saving.register_keras_serializable(package="keras_transfer")
class TransferOptimizer(compat.Averages, keras.optimizers.Optimizer):
    """Trains with a stock optimizer while layers are frozen and thawed.

    A stock Keras optimizer is built for one set of weights. This one holds a
    stock optimizer per *cohort*: weights that became trainable at the same
    time and share a learning-rate multiplier. So slots exist only for weights
    that ever trained, nothing is rebuilt or lost when flags change, and every
    cohort counts its own steps: a layer thawed at step 1000 takes steps of the
    right size at once, where stock Adam takes steps up to five times too long.
    With everything trainable it does, bit for bit, what the stock optimizer
    does. `kt.transition` makes a change of flags take effect; freeze schedules
    call it.

    Args:
        optimizer: A stock optimizer: an instance, a name such as `"adam"`, or
            a config. It says how to update and is not trained itself.
            Defaults to `"adam"`.
        name: Name of the optimizer. Defaults to `"transfer_optimizer"`.
        drop_frozen_slots: Whether the slots of weights that are frozen again
            are given up, which frees their memory. Thawed once more, such
            weights begin with new slots. Defaults to `False`: they are kept.
        undecayed: Pattern of the names of weights that do not decay, which
            `exclude_from_weight_decay` sets. Defaults to `None`.

    Raises:
        ValueError: For optimizers that cannot train groups of weights apart
            or that would replace pretrained weights, such as `Ftrl`.

    Example:
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model.compile(TransferOptimizer("adam"), loss="mse")
    >>> x, y = keras.ops.ones((8, 4)), keras.ops.ones((8, 2))
    >>> history = model.fit(x, y, verbose=0)
    >>> int(model.optimizer.iterations)
    1

    Reference: [Howard and Ruder, 2018](https://arxiv.org/abs/1801.06146) for
    gradual unfreezing with discriminative learning rates.
    """

    def __init__(
        self,
        optimizer: Any = "adam",
        name: str = "transfer_optimizer",
        drop_frozen_slots: bool = False,
        undecayed: str | None = None,
    ):
        rule = Rule(optimizer)
        if undecayed is not None:
            rule.exclude_from_weight_decay(None, [undecayed])
        super().__init__(
            learning_rate=rule.learning_rate(),
            name=name,
            **rule.shared_settings(),
        )
        # Rule, roster and memory are plain objects: Keras would track and
        # save the optimizers, weights and dictionaries in them as parts.
        self._rule = rule
        self._roster = Roster(
            self._found_cohort, lambda v: compat.weight_key(self, v)
        )
        self._memory = Memory()
        self.drop_frozen_slots = drop_frozen_slots

    def create_stock(self, **settings: Any) -> keras.optimizers.Optimizer:
        """Returns an unbuilt stock optimizer with the same settings.

        Args:
            **settings: Arguments of the stock optimizer to replace.
        """
        if "learning_rate" not in settings:
            rate = compat.learning_rate_source(self)
            if isinstance(rate, keras.Variable):
                rate = float(ops.convert_to_numpy(rate))
            settings["learning_rate"] = rate
        return self._rule.create(**settings)

    def _found_cohort(self, variables, multiplier, warmup_steps):
        return Cohort(
            lambda learning_rate: self.create_stock(
                learning_rate=learning_rate,
                name=f"{self.name}_{variables[0].path}".replace("/", "."),
                # Both concern all gradients together: see `apply`.
                global_clipnorm=None,
                loss_scale_factor=None,
            ),
            variables,
            base_rate=lambda: self.learning_rate,
            multiplier=multiplier,
            warmup_steps=warmup_steps,
        )

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        if self.built:
            raise ValueError(
                "`exclude_from_weight_decay` comes too late: the optimizer is "
                "built already. Call it before `fit`."
            )
        self._rule.exclude_from_weight_decay(var_list, var_names)

    def build(self, variables):
        super().build([])
        self.activate(variables)

    def activate(
        self,
        variables: Sequence[Any],
        *,
        model_weights: Sequence[Any] | None = None,
        multiplier_of: Callable[[Any], float] | None = None,
        warmup_steps: int = 0,
    ) -> None:
        """Declares which weights train from now on; `transition` calls it.

        Args:
            variables: The trainable weights, in the order of the model.
            model_weights: All weights of the model. With them, saved state
                that belongs to none is an error instead of kept for later.
            multiplier_of: Returns what the learning rate of a weight is
                multiplied by. Defaults to what each has; 1 for new ones.
            warmup_steps: Number of first steps over which the learning rate
                of new weights rises linearly to its full value. Defaults to 0.

        Raises:
            ValueError: If saved optimizer state fits no weight of the model.
        """
        variables = list(variables)
        complete = model_weights is not None
        self._roster.meet(model_weights if complete else variables, complete)
        self._roster.separate(variables, multiplier_of)
        self._roster.retire(variables, self.drop_frozen_slots)
        self._roster.admit(variables, multiplier_of, warmup_steps)
        self._roster.active = variables
        self.built = True

    def active_variables(self) -> list[Any]:
        """Returns the weights that train now, in the order of the model."""
        return list(self._roster.active)

    def cohorts(self) -> list[Cohort]:
        """Returns the cohorts, the oldest first."""
        return list(self._roster.cohorts)

    def averages(self, variables: Any = None) -> list[tuple[Any, Any]]:
        """Returns weights, or those that train now, with their averages."""
        wanted = self._roster.active if variables is None else variables
        return averages_of(self._roster.cohorts, wanted, self._roster.key_of)

    def cohort_of(self, variable: Any) -> Cohort | None:
        """Returns the cohort of a weight; None if it never was trainable."""
        return self._roster.cohort_of(variable)

    @property
    def generation(self) -> int:
        """Grows whenever traced functions that know old slots go stale."""
        return self._roster.generation

    @property
    def memory(self) -> Memory:
        """What a schedule and `transition` keep on the optimizer."""
        return self._memory

    @property
    def variables(self):
        inner = [v for c in self._roster.cohorts for v in c.state_variables]
        return [*self._variables, *inner]

    def apply(self, grads, trainable_variables=None):
        grads = list(grads)
        if not grads:
            return
        if not self.built and trainable_variables is not None:
            self.build(trainable_variables)
        if trainable_variables is None:
            trainable_variables = self._roster.active
        gradients, variables = prepare_gradients(
            grads,
            list(trainable_variables),
            self.loss_scale_factor,
            self.global_clipnorm,
        )
        for cohort, places in self._roster.by_cohort(variables):
            cohort.apply(
                [gradients[i] for i in places], [variables[i] for i in places]
            )
        self._iterations.assign_add(1)

    def stateless_apply(self, optimizer_variables, grads, trainable_variables):
        active = self._roster.active
        if len(active) != len(trainable_variables):
            raise ValueError(
                f"The optimizer knows of {len(active)} trainable weights, but "
                f"the model has {len(trainable_variables)}. After changing "
                "flags or loading, call `kt.transition(model)`."
            )
        mapping = [
            *zip(active, trainable_variables, strict=True),
            *zip(self.variables, optimizer_variables, strict=True),
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            self.apply(grads, active)
        return (
            [scope.get_current_value(v) for v in active],
            [scope.get_current_value(v) for v in self.variables],
        )

    def finalize_variable_values(self, var_list):
        if not self.use_ema:
            return
        for variable, average in self.averages(var_list):
            # A copy: JAX could not donate a buffer that both share.
            variable.assign(ops.copy(average))

    def save_own_variables(self, store):
        stock_state.save(store, self, self._rule.name, self._roster)

    def load_own_variables(self, store):
        stock_state.load(store, self, self._rule.name, self._roster)

    def get_config(self):
        undecayed = self._rule.undecayed
        return {
            "optimizer": keras.saving.serialize_keras_object(
                self.create_stock()
            ),
            "name": self.name,
            # Left out where unused, so that earlier versions read the file.
            **({"drop_frozen_slots": True} if self.drop_frozen_slots else {}),
            **({"undecayed": undecayed} if undecayed else {}),
        }
