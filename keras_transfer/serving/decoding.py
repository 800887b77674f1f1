"""What a process does that decodes uploads, see `decoders.py`."""

import contextlib
import functools
import json
import os
import signal
import sys
import warnings

import numpy as np

from keras_transfer.serving.body import Refusal
from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.uploads import Uploads

_LARGE_BYTES = 2**25


def work(settings: dict, lock: int | None = None) -> None:
    """Decodes what comes in, until there is no more; runs in its own process.

    Args:
        settings: Arguments of `Uploads`.
        lock: Descriptor of the file to lock for large images.
    """
    # Ctrl-C is for the process that answers, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Pillow warns of broken files; clients would fill the memory with it.
    warnings.simplefilter("ignore")
    limits = ServiceLimits(**settings.pop("limits"))
    uploads = Uploads(
        **settings, limits=limits, lock=functools.partial(_alone, lock)
    )
    source = sys.stdin.buffer
    sink = os.fdopen(os.dup(1), "wb")
    sys.stdout = sys.stderr
    _limit_memory(limits.max_decoder_bytes)
    for line in iter(source.readline, b""):
        head = json.loads(line)
        try:
            body = source.read(head["size"])
            if len(body) < head["size"]:
                return
            for pixels in uploads.read(body, head["content_type"]):
                _say(sink, pixels)
            answer = {}
        except MemoryError:
            limit = limits.max_decoder_bytes / 2**20
            sentence = (
                f"Reading the request takes more than {limit:g} MiB. Send "
                "fewer images at a time."
            )
            answer = {"status": 413, "sentence": sentence}
        except Refusal as refusal:
            answer = {"status": refusal.status, "sentence": str(refusal)}
        body = pixels = None
        sink.write(json.dumps(answer).encode() + b"\n")
        sink.flush()


def _say(sink, pixels):
    values = np.ascontiguousarray(pixels.values)
    head = {
        "name": pixels.name,
        "warning": pixels.warning,
        "size": values.nbytes,
        "dtype": values.dtype.str,
        "shape": values.shape,
    }
    sink.write(json.dumps(head).encode() + b"\n")
    sink.write(values.data)
    sink.flush()


@contextlib.contextmanager
def _alone(lock, size):
    """Lets one process at a time decode a large image."""
    if lock is None or size <= _LARGE_BYTES:
        yield
        return
    import fcntl  # Not on Windows, where there is no lock.

    fcntl.lockf(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.lockf(lock, fcntl.LOCK_UN)


def _limit_memory(size):
    try:
        import resource

        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + size, used + size))
    except (ImportError, OSError, ValueError):
        pass  # Not Linux: the number of pixels is limited alone.
