"""A process that does one thing for each name that it is given."""

import contextlib
import gc
import resource
import subprocess
import sys
import threading
from collections.abc import Callable

BYTES = 16 << 30


class Worker:
    """Starts a program when it is first needed, again after a crash.

    It imports TensorFlow once, where a process for each model would spend
    most of its time on that.

    Args:
        command: The program with its arguments. For each line that it reads
            it does its work and prints `done` with that line, as `serve` does.
    """

    def __init__(self, command: list[str]):
        self._command = command
        self._process = None

    def run(self, line: str, seconds: float) -> None:
        """Waits until the program has done its work.

        Args:
            line: What it is given.
            seconds: After which it is killed.

        Raises:
            TimeoutError: If it was.
            ChildProcessError: If it ended by itself.
        """
        if self._process is None:
            self._process = self._start()
        process = self._process
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            # Libraries may print lines of their own.
            if any(answer == f"done {line}\n" for answer in process.stdout):
                return
        except BrokenPipeError:
            pass  # Its end is told below.
        finally:
            is_late = not timer.is_alive()
            timer.cancel()
        self.close()
        if is_late:
            raise TimeoutError(f"No result of {line!r} within {seconds} s.")
        raise ChildProcessError(f"The process crashed while at {line!r}.")

    def close(self) -> None:
        """Lets the process end."""
        if self._process is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait()
            self._process.stdout.close()
            self._process = None

    def _start(self):
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=_limit_memory,
        )


def serve(work: Callable[[str], None]) -> None:
    """Does the work for each name on standard input.

    Args:
        work: What to do with a name.
    """
    # Looking for garbage takes a fifth of the time that building a model takes.
    # `keras.utils.clear_session`, with which work begins, looks for it.
    gc.disable()
    for line in sys.stdin:
        work(line.strip())
        print(f"done {line.strip()}", flush=True)


def _limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
