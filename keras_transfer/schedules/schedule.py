"""The callback that interprets a list of phases."""

import abc
from typing import Any

import keras

from keras_transfer import names
from keras_transfer.checks import classifier_loss
from keras_transfer.optimizer import adopt_optimizer
from keras_transfer.schedules import companions
from keras_transfer.schedules import description
from keras_transfer.schedules import ending
from keras_transfer.schedules import picture
from keras_transfer.schedules import timeline
from keras_transfer.schedules.advancing import Advancing
from keras_transfer.schedules.course import Course
from keras_transfer.schedules.files import Writable
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.plan import PlannedPhase
from keras_transfer.schedules.plan import warn_when_tiny
from keras_transfer.structure import model_info


@names.renamed(dry_run="describe")
class Schedule(Advancing, Writable, keras.callbacks.Callback, abc.ABC):
    """What all freeze schedules share: they train a model in phases.

    To add a schedule, write the phases in `phases_for` and store the arguments
    of the constructor under their names, by which it is saved.

    A schedule may stand anywhere in `callbacks`. The optimizer becomes a
    `TransferOptimizer` and keeps its state. Its variables carry how far the
    schedule has come, so a run that is resumed, from a `.keras` file with
    `initial_epoch` or by `BackupAndRestore`, goes on bit for bit as if it had
    not been interrupted. When training begins at epoch 0 the schedule begins
    anew. Begun later without the state of an earlier part, it is where the
    phases that end at a certain epoch lead to.

    `phase`, `trainable_params` and the learning rate of each part of the model
    (`learning_rate/head`; 0 where it is frozen) are added to the logs.

    While there is a next phase, `EarlyStopping` leads to it instead of
    stopping. Its `patience` counts anew in each phase, against the best epoch
    of that phase and its `baseline`; `start_from_epoch` is an epoch of the
    whole `fit`. What `restore_best_weights` gives back, like `best` and
    `best_epoch`, is the best epoch of the whole `fit`. After a last phase that
    ends, training stops. `advance` and `advance_on` end a phase by hand.

    Raises:
        ValueError: At the start of `fit`, before any training, if the phases
            do not fit the model, if one never begins within `epochs`, if the
            loss misreads the model's outputs, or if there are two schedules.

    Example:
    >>> import keras_transfer as kt
    >>> class Everything(kt.schedules.Schedule):
    ...     def phases_for(self, model, epochs=None):
    ...         return [kt.schedules.Phase("*", name="everything")]
    >>> Everything().to_data()
    {'schedule': 'Everything'}
    """

    # Whether multipliers follow from a formula, so that none is a mistake.
    _computes_multipliers = False

    @abc.abstractmethod
    def phases_for(
        self, model: keras.Model, epochs: int | None = None
    ) -> list[Phase]:
        """Returns the phases for a model.

        Args:
            model: A built model.
            epochs: Number of epochs of training. Defaults to `None`: unknown.
        """

    @property
    def counts_steps(self) -> bool:
        """Whether a phase may end inside an epoch."""
        return False

    @property
    def planned(self) -> list[PlannedPhase]:
        """What each phase does to the model that is being trained."""
        return self._course.plan

    @property
    def has_ended_training(self) -> bool:
        """Whether training was ended since the last phase was over."""
        return self._course.has_ended_training

    @property
    def async_safe(self) -> bool:
        """Tells Keras whether batches may end while the next one runs."""
        return not self.counts_steps

    def describe(
        self,
        model: keras.Model,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
    ) -> description.ScheduleTable:
        """Returns the table of what each phase will do; trains nothing.

        Args:
            model: A built model. If it is compiled, the table tells learning
                rates and the memory that the optimizer will need.
            epochs: Number of epochs of training. Defaults to `None`: unknown.
            steps_per_epoch: Number of batches. Defaults to `None`: unknown.

        Raises:
            ValueError: As `fit` would, if the schedule does not fit.
        """
        phases = self.phases_for(model, epochs)
        return description.describe(model, phases, epochs, steps_per_epoch)

    def plot(
        self, model: keras.Model, epochs: int, path: Any = None
    ) -> "picture.Figure":
        """Draws which part of a model trains in which epoch.

        Args:
            model: A built model.
            epochs: Number of epochs of training.
            path: Where to save the picture. Defaults to `None`: nowhere.

        Returns:
            The matplotlib figure.
        """
        phases = self.phases_for(model, epochs)
        return picture.draw(picture.chart(model, phases, epochs), path)

    def set_model(self, model):
        super().set_model(model)
        # Past `self.model`, which on JAX fetches all values at every access.
        self._network = model
        self._course = None
        others = companions.join(self, Schedule)
        self._has_companion = bool(others)
        stopping = keras.callbacks.EarlyStopping
        swapping = keras.callbacks.SwapEMAWeights
        self._stoppers = [c for c in others if isinstance(c, stopping)]
        self._swappers = [c for c in others if isinstance(c, swapping)]
        if model.optimizer is None:
            return  # `predict` needs none; `fit` refuses by itself.
        self._optimizer = adopt_optimizer(model)
        self._first_state = self._optimizer.memory.schedule_state

    def on_train_begin(self, logs=None):
        model, epochs = self._network, self.params.get("epochs")
        if not model.built:
            raise ValueError(
                f"The model {model.name!r} has no weights yet, so that its "
                "layers cannot be scheduled. Call it on a batch of data, or "
                "give it an Input, before `fit`."
            )
        classifier_loss.check_loss(model, getattr(model, "loss", None))
        phases = self.phases_for(model, epochs)
        if epochs is not None:
            timeline.check_reached(phases, epochs, self.params.get("steps"))
        if not self._computes_multipliers:
            rate = keras.ops.convert_to_numpy(self._optimizer.learning_rate)
            warn_when_tiny(phases, float(rate))
        data = self.to_data() if self.is_data else None
        self._course = Course(model, self._optimizer, phases, data)
        self.listen()
        self._course.is_asked = self.is_asked_to_advance
        self._is_begun = False
        self._whole_fits = [companions.WholeFit(s) for s in self._stoppers]
        metadata = model_info.find(model)
        if metadata is not None and data is not None:
            metadata["schedule"] = data

    def on_epoch_begin(self, epoch, logs=None):
        self.check_optimizer()
        for swapper in self._swappers:
            # The averages leave the model before other weights train.
            swapper.on_epoch_begin(epoch)
        if not self._is_begun:
            # Only now: other callbacks restore state when training begins.
            state = self._optimizer.memory.schedule_state
            self._course.begin(epoch, state is not self._first_state)
            self._is_begun = True
        if self._course.begin_epoch(epoch):
            self._rebaseline()

    def on_train_batch_begin(self, batch, logs=None):
        if self._course.enter():
            self._rebaseline()

    def on_train_batch_end(self, batch, logs=None):
        if self.counts_steps:
            self._course.count_steps(batch)

    def on_epoch_end(self, epoch, logs=None):
        logs = {} if logs is None else logs
        self._course.report(logs)
        self._stopped_before = self._network.stop_training
        # At once, so that callbacks which save find it decided; but a metric
        # that another callback adds is seen only by the companion.
        needed = ending.monitored(self._course.phase)
        if needed.keys() <= set(logs) or not self._has_companion:
            self._course.end_epoch(logs)

    def conclude_epoch(self, epoch: int, logs: dict[str, Any] | None) -> None:
        """Decides what is left to decide after the other callbacks.

        Args:
            epoch: The epoch that has ended.
            logs: Its metrics, with those that callbacks added.
        """
        self.check_optimizer()
        course = self._course
        if not course.is_decided:
            course.end_epoch(logs or {})
        for whole_fit in self._whole_fits:
            whole_fit.end_epoch(epoch, logs)
        asks = any(s.stopped_epoch == epoch > 0 for s in self._stoppers)
        if not asks or self._stopped_before:
            return
        if course.is_entered and course.is_last:
            return
        if course.is_entered:
            course.advance(epoch + 1)
        self._network.stop_training = False
        course.store()

    def on_train_end(self, logs=None):
        self.stop_listening()
        self._course.finish()
        for whole_fit in self._whole_fits:
            whole_fit.hand_over()

    def check_optimizer(self) -> None:
        """Raises `ValueError` if the model was compiled anew meanwhile."""
        model = self._network
        inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        if inner is not self._optimizer or model.train_function is None:
            raise ValueError(
                f"The model {model.name!r} was compiled while "
                f"{type(self).__name__} trains it, which resets the optimizer "
                "that the schedule relies on. Expected no callback to call "
                "`compile`; end `fit`, compile, and call `fit` again."
            )

    def _rebaseline(self):
        # The loss jumps at a transition, as penalties of thawed layers join.
        for stopper in self._stoppers:
            stopper.on_train_begin()
