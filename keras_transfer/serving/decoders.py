"""Processes that decode what clients send, away from the one that answers.

Parsing and decoding hold Python's lock for as long as a client likes to make
them, and fill memory. In processes of their own they delay no other answer,
are limited by the operating system, and are ended where they take too long.
"""

import asyncio
import contextlib
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator

import numpy as np

from keras_transfer.serving.body import RETRY
from keras_transfer.serving.body import Refusal
from keras_transfer.serving.classifier import Classifier
from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.uploads import Pixels

_PIECE = 2**18
# The path is handed over, for it may have been changed since Python started.
_START = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from keras_transfer.serving.decoding import work
work(json.loads(sys.argv[2]), *json.loads(sys.argv[3]))
"""


class Decoders:
    """A few processes, each of which decodes one request at a time.

    Args:
        classifier: What the pixels are for.
        limits: What clients may send.
    """

    def __init__(self, classifier: Classifier, limits: ServiceLimits):
        self._limits = limits
        settings = {
            "input_shape": classifier.input_shape,
            "color_mode": classifier.color_mode,
            "dtype": classifier.dtype,
            "pixel_range": classifier.pixel_range,
            "limits": dataclasses.asdict(limits),
        }
        # Its lock is had by one process at a time, and lost with the process.
        self._lock = tempfile.TemporaryFile()
        self._all = [
            _Decoder(json.dumps(settings), limits.decode_seconds, self._lock)
            for _ in range(limits.max_decoders)
        ]
        self._idle: asyncio.Queue = asyncio.Queue()

    async def start(self) -> None:
        """Starts the processes."""
        for decoder in self._all:
            await decoder.start()
            self._idle.put_nowait(decoder)

    async def close(self) -> None:
        """Ends the processes, whatever they do."""
        for decoder in self._all:
            await decoder.end()
        self._lock.close()

    @contextlib.asynccontextmanager
    async def decode(
        self, body: bytearray, content_type: str
    ) -> AsyncIterator[AsyncIterator[Pixels]]:
        """Yields an iterator over the images of a body.

        Args:
            body: The body.
            content_type: What its sender says that it is.

        Raises:
            Refusal: If no decoder becomes free in time, or one of the images
                cannot be read.
        """
        try:
            async with asyncio.timeout(self._limits.decode_seconds):
                decoder = await self._idle.get()
        except TimeoutError:
            raise Refusal(
                503, "The service is busy. Come again in 1 second.", RETRY
            ) from None
        try:
            yield decoder.decode(body, content_type)
        finally:
            if decoder.is_busy:
                # Nobody wants the rest of what it is about to say.
                await decoder.end()
            self._idle.put_nowait(decoder)


class _Decoder:
    """One process, started anew where it ended."""

    def __init__(self, settings, seconds, lock):
        self._settings, self._seconds, self._lock = settings, seconds, lock
        self._process = None
        self.is_busy = False

    async def start(self):
        is_posix = os.name == "posix"
        own_group = {"process_group": 0} if is_posix else {}
        lock = [self._lock.fileno()] if is_posix else []
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-c", _START),
            *(json.dumps(sys.path), self._settings, json.dumps(lock)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Libraries print there what clients make them.
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            limit=2**20,
            pass_fds=lock,
            **own_group,
        )
        self.is_busy = False

    async def end(self):
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.stdin.close()
        await process.wait()
        self.is_busy = False

    async def decode(self, body, content_type):
        try:
            async with asyncio.timeout(self._seconds):
                if self._process is None:
                    await self.start()
                self.is_busy = True
                await self._send(body, content_type)
            while True:
                async with asyncio.timeout(self._seconds):
                    head, values = await self._receive()
                if "status" in head:
                    self.is_busy = False
                    raise Refusal(head["status"], head["sentence"])
                if "name" not in head:
                    self.is_busy = False
                    return
                yield Pixels(head["name"], values, head["warning"])
        except TimeoutError:
            await self.end()
            raise Refusal(
                422,
                f"Decoding an image took more than {self._seconds:g} seconds. "
                "Send smaller images.",
            ) from None
        except (OSError, EOFError) as error:
            await self.end()
            raise Refusal(
                422,
                "Decoding the images ended the process that did it: they are "
                "damaged, or need too much memory. Send smaller JPEG files.",
            ) from error

    async def _send(self, body, content_type):
        stdin = self._process.stdin
        head = {"size": len(body), "content_type": content_type}
        stdin.write(json.dumps(head).encode() + b"\n")
        with memoryview(body) as view:
            for start in range(0, len(body), _PIECE):
                stdin.write(bytes(view[start : start + _PIECE]))
                await stdin.drain()

    async def _receive(self):
        stdout = self._process.stdout
        head = json.loads(await stdout.readuntil(b"\n"))
        data = await stdout.readexactly(head.get("size", 0))
        if not data:
            return head, None
        values = np.frombuffer(data, head["dtype"])
        return head, values.reshape(head["shape"])
