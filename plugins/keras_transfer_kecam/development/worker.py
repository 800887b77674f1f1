"""A process that does one thing for each name that it is given."""

import pathlib
import resource
import subprocess
import sys
import threading
from collections.abc import Callable

BYTES = 16 << 30


class Worker:
    """Starts a module of this package when it is first needed.

    It imports TensorFlow once, where a process for each model would spend
    most of its time on that. After a crash the next name gets a new one.

    Args:
        module: Name of the module; it calls `serve`.
        folder: Its only argument.
    """

    def __init__(self, module: str, folder: pathlib.Path):
        self._command = [
            sys.executable,
            "-m",
            f"keras_transfer_kecam.development.{module}",
            str(folder),
        ]
        self._process = None

    def run(self, name: str, seconds: float) -> bool:
        """Returns whether the process came to an end with this name.

        Args:
            name: What it is given.
            seconds: After which it is killed.
        """
        if self._process is None or self._process.poll() is not None:
            self._process = self._start()
        process = self._process
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            process.stdin.write(f"{name}\n")
            process.stdin.flush()
            # Libraries may print lines of their own.
            return any(line == f"done {name}\n" for line in process.stdout)
        except BrokenPipeError:
            return False
        finally:
            timer.cancel()

    def close(self) -> None:
        """Lets the process end."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait()

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
    for line in sys.stdin:
        work(line.strip())
        print(f"done {line.strip()}", flush=True)


def _limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
