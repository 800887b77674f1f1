"""What moves a schedule on although its phase is not over."""

import os
import pathlib
import signal
import threading
from typing import Any
from typing import Self


class Advancing:
    """Mixin: lets somebody who watches a training end its current phase.

    Whatever asks for it, a method, a file or a signal, the next phase begins
    with the next epoch. Asking several times in an epoch moves on once. In the
    last phase it ends the training. It is recorded with the state of the
    schedule and saved with it, so that a resumed run goes on in the new phase.
    """

    _advance_file: str | os.PathLike | None = None
    _advance_signal: int | None = None
    _former_handler: Any = None
    _is_asked = False
    _listens = False

    def advance(self) -> None:
        """Ends the current phase with the current epoch.

        Call it from another thread, a callback or a debugger while `fit` runs.

        Raises:
            ValueError: If no training with this schedule is running.

        Example:
        >>> import keras
        >>> import numpy as np
        >>> import keras_transfer as kt
        >>> from keras_transfer.schedules import Manual, Phase
        >>> schedule = kt.schedules.FreezeSchedule(
        ...     [Phase("output", until=Manual()), Phase("*")])
        >>> class MoveOn(keras.callbacks.Callback):
        ...     def on_train_batch_end(self, batch, logs=None):
        ...         schedule.advance()
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(3, name="hidden"),
        ...      keras.layers.Dense(2, name="output")])
        >>> model.compile("adam", loss="mse")
        >>> x, y = np.ones((8, 4)), np.ones((8, 2))
        >>> model.fit(x, y, epochs=2, verbose=0,
        ...           callbacks=[schedule, MoveOn()]).history["phase"]
        [0, 1]
        """
        if not self._listens:
            raise ValueError(
                f"No training with this {type(self).__name__} is running, so "
                "that it has no phase to end. Call `advance` while `fit` runs, "
                "from a callback or another thread."
            )
        self._is_asked = True

    def advance_on(
        self,
        file: str | os.PathLike | None = None,
        signal_number: int | None = None,
    ) -> Self:
        """Lets a file or a signal of the system do what `advance` does.

        Args:
            file: Path of a file. If it exists when an epoch ends, the phase
                ends and the file is removed. One that a killed run left
                behind counts for the run that resumes it. Defaults to
                `None`: no file.
            signal_number: Such as `signal.SIGUSR1`; received while `fit` runs
                in the main thread. Defaults to `None`: no signal.

        Returns:
            The schedule itself.

        Example:
        >>> import signal
        >>> import keras_transfer as kt
        >>> schedule = kt.schedules.GradualUnfreeze(every=5)
        >>> schedule = schedule.advance_on("move_on", signal.SIGUSR1)
        """
        self._advance_file = file
        self._advance_signal = signal_number
        return self

    def listen(self) -> None:
        """Begins to listen, when training begins.

        Raises:
            ValueError: If the file is a folder, or if a signal is awaited
                outside of the main thread.
        """
        self.stop_listening()  # A `fit` that failed has not done so.
        if self._advance_file and pathlib.Path(self._advance_file).is_dir():
            raise ValueError(
                "`file` of `advance_on` must be the path of a file. Received "
                f"the folder {os.fspath(self._advance_file)!r}."
            )
        if self._advance_signal is not None:
            if threading.current_thread() is not threading.main_thread():
                raise ValueError(
                    "`signal_number` of `advance_on` needs a `fit` that runs "
                    "in the main thread, where Python receives signals. Pass "
                    "`file`, or call `advance`."
                )
            self._former_handler = signal.signal(
                self._advance_signal, lambda number, frame: self.advance()
            )
        self._is_asked, self._listens = False, True

    def stop_listening(self) -> None:
        """Stops to listen, when training ends."""
        if self._former_handler is not None:
            signal.signal(self._advance_signal, self._former_handler)
            self._former_handler = None
        self._listens = False

    def is_asked_to_advance(self) -> bool:
        """Whether the phase shall end with this epoch; forgets the request."""
        asked, self._is_asked = self._is_asked, False
        if self._advance_file and os.path.exists(self._advance_file):
            pathlib.Path(self._advance_file).unlink()
            asked = True
        return asked
