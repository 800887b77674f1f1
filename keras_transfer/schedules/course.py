"""The course of one training through the phases of a schedule."""

from collections.abc import Callable
from collections.abc import MutableMapping
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_transfer.callbacks import monitoring
from keras_transfer.freezing import freezing
from keras_transfer.optimizer import TransferOptimizer
from keras_transfer.optimizer.transition import transition
from keras_transfer.schedules import ending
from keras_transfer.schedules import kept_state
from keras_transfer.schedules import timeline
from keras_transfer.schedules.ending import Progress
from keras_transfer.schedules.files import means_the_same
from keras_transfer.schedules.phase import Phase
from keras_transfer.schedules.plan import plan


class Course:
    """Goes through phases and notes on the optimizer how far it has come.

    Which phase it is follows from that note alone, never from a comparison of
    epoch numbers, so that it holds for a resumed run too.

    Args:
        model: A compiled and built model.
        optimizer: Its optimizer.
        phases: The phases in their order.
        schedule: The schedule as data; `None` if it cannot be data.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: TransferOptimizer,
        phases: Sequence[Phase],
        schedule: dict[str, Any] | None,
    ):
        self.model = model
        self.optimizer = optimizer
        self.phases = list(phases)
        self.progress = Progress(schedule=schedule)
        self.is_decided = True
        self.has_ended_training = False
        # Whether somebody asks for the end of the phase.
        self.is_asked: Callable[[], bool] = lambda: False
        self._entered: int | None = None
        self._epoch, self._last_batch = 0, -1
        self._kept = self._find_kept()
        self._nan: set[str] = set()
        for phase in self.phases:
            for monitor, mode in ending.monitored(phase).items():
                monitoring.rises(monitor, mode, model)
        # Refused before any training, if it does not fit.
        self.plan = plan(model, self.phases, self._kept)

    @property
    def phase(self) -> Phase:
        """The phase that is due."""
        return self.phases[self.progress.phase]

    @property
    def is_last(self) -> bool:
        """Whether no phase follows."""
        return self.progress.phase + 1 == len(self.phases)

    @property
    def is_entered(self) -> bool:
        """Whether the phase that is due has begun."""
        return self._entered == self.progress.phase

    def begin(self, epoch: int, is_restored: bool) -> None:
        """Goes on where the state of the optimizer ends, or begins anew.

        Args:
            epoch: The first epoch.
            is_restored: Whether that state was read from a file just now.
        """
        state = self.optimizer.memory.schedule_state
        same = (
            "epochs" in state
            and means_the_same(state["schedule"], self.progress.schedule)
            # A schedule may write fewer phases for fewer epochs.
            and state["phase"] < len(self.phases)
        )
        if same and state["epochs"] == epoch and (epoch or is_restored):
            schedule = self.progress.schedule
            self.progress = Progress.from_json({**state, "schedule": schedule})
            kept_state.restore_random_state(self.model, self.progress.random)
            # Training was to end when this was saved, and now it goes on.
            self._skip_past(epoch)
        else:
            if same and epoch:
                self._check_certain(epoch, state)
            phase, lasted = timeline.phase_at(self.phases, epoch)
            self.progress.phase = phase
            self.progress.phase_epochs = lasted
            self.progress.epochs = epoch
            # For a run that is cut off within its first epoch.
            self.progress.random = kept_state.capture_random_state(self.model)
            self.optimizer.memory.arrays = {}
        kept = self._find_kept()
        self.progress.fixed = _positions(self.model, kept)
        if self.progress.fixed != _positions(self.model, self._kept):
            # Another callback restored a state in which others were frozen.
            self.plan = plan(self.model, self.phases, kept)
        self.store()

    def _check_certain(self, epoch, state):
        saved = state["epochs"]
        begins = timeline.starts(self.phases)[:-1]
        certain = all(start.certain for start in begins)
        if not certain or state.get("advanced"):
            raise ValueError(
                f"The schedule's state is that of the end of {saved} epochs, "
                f"but training begins at epoch {epoch}, and its phases do not "
                f"follow from the epoch. Pass `initial_epoch={saved}` to "
                "`fit`, or 0 to begin anew."
            )

    def _find_kept(self):
        # With what was noted in an earlier training, since a frozen layer no
        # longer tells which of its weights never trained.
        noted = self.optimizer.memory.schedule_state.get("fixed", [])
        weights = self.model.weights
        return [weights[i] for i in noted] + freezing.never_trained(self.model)

    def begin_epoch(self, epoch: int) -> bool:
        """Enters the phase that is due; returns whether it is another one."""
        self._epoch, self._last_batch = epoch, -1
        self.is_decided = False
        return self.enter()

    def enter(self) -> bool:
        """Enters the phase that is due; returns whether it is another one."""
        if self.is_entered:
            return False
        if self.progress.restore:
            kept_state.restore_best(self.model, self.optimizer)
            self.progress.restore = False
        planned = self.plan[self.progress.phase]
        transition(
            self.model,
            planned.set_flags,
            multiplier_of=planned.multiplier_of,
            warmup_steps=planned.phase.warmup_steps,
        )
        is_another = self._entered is not None
        self._entered = self.progress.phase
        return is_another

    def count_steps(self, batch: int) -> None:
        """Notes the end of a batch, with which a phase may be over."""
        steps, self._last_batch = batch - self._last_batch, batch
        if not self.is_entered or not ending.counts_steps(self.phase):
            return
        self.progress.phase_steps += steps
        if ending.steps_are_over(self.phase, self.progress):
            self.advance(self._epoch)
        self.store()

    def end_epoch(self, logs: MutableMapping[str, Any]) -> None:
        """Decides whether the phase is over with the epoch."""
        is_asked = self.is_asked()
        if self.is_entered:
            kept_state.note_epoch(
                self.model, self.optimizer, self.phase, self.progress, logs
            )
            self._warn_of_nan(logs)
            if ending.is_over(
                self.phase, self.progress, self._epoch, logs, self.model
            ):
                self.advance(self._epoch + 1)
            elif is_asked:
                self.progress.advanced = [*self.progress.advanced, self._epoch]
                self.advance(self._epoch + 1)
        self.is_decided = True
        self.progress.epochs = self._epoch + 1
        self.progress.random = kept_state.capture_random_state(self.model)
        self.store()

    def _warn_of_nan(self, logs):
        for monitor in ending.monitored(self.phase).keys() - self._nan:
            value = monitoring.read(logs, monitor)
            consequence = "which the schedule takes for no improvement"
            if monitoring.warn_if_nan(value, monitor, consequence):
                self._nan.add(monitor)

    def advance(self, epoch: int) -> None:
        """Makes the next phase due, or ends training after the last.

        Args:
            epoch: The epoch in which the next step will be taken.
        """
        if self.is_last:
            self.model.stop_training = self.has_ended_training = True
            return
        self._advance_once()
        self._skip_past(epoch)

    def _advance_once(self):
        if self.progress.best_of_phase is not None:
            self.progress.restore = True
        self.progress.advance()

    def _skip_past(self, epoch):
        while not self.is_last and ending.is_past(self.phase, epoch):
            self._advance_once()

    def finish(self) -> None:
        """Brings the best epoch of the last phase back, if it asks for that."""
        if self.is_entered and self.progress.best_of_phase is not None:
            kept_state.restore_best(self.model, self.optimizer)
            # `fit` has put the averages in place already; now the best ones.
            self.optimizer.finalize_variable_values(
                self.model.trainable_variables
            )

    def report(self, logs: MutableMapping[str, Any]) -> None:
        """Adds what trains, and how fast, to the logs of an epoch."""
        planned = self.plan[self._entered]
        rate = float(ops.convert_to_numpy(self.optimizer.learning_rate))
        logs["phase"] = self._entered
        logs["trainable_params"] = planned.parameters
        for part, multiplier in planned.rates.items():
            logs[f"learning_rate/{part}"] = rate * multiplier

    def store(self) -> None:
        """Notes everything on the optimizer, with which it is saved."""
        self.optimizer.memory.schedule_state = self.progress.to_json()


def _positions(model, kept):
    fixed = {id(weight) for weight in kept}
    return [i for i, w in enumerate(model.weights) if id(w) in fixed]
