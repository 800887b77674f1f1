"""Files fetched over HTTP, complete or not at all."""

import hashlib
import http.client
import os
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn
from rich.progress import DownloadColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TimeRemainingColumn
from rich.progress import TransferSpeedColumn

_CHUNK = 1 << 18
# Other errors of the 400s will not go away by asking again.
_PASSING = (408, 416, 425, 429)


def download(
    url: str,
    path: str | os.PathLike,
    *,
    sha256: str | None = None,
    md5: str | None = None,
    progress: bool = True,
    retries: int = 3,
    timeout: float = 30.0,
) -> Path:
    """Fetches a file, unless it is there already.

    Bytes go to `<path>.part` first. A broken transfer is taken up where it
    stopped, by this call or by a later one, if the server still offers the
    same version. Only a complete file with the right hash gets its name.

    Args:
        url: Address of the file, `http` or `https`.
        path: Where to put it. An existing file is only checked.
        sha256: Expected hash in hexadecimal digits. Defaults to not checked.
        md5: The same of the older kind. Defaults to not checked.
        progress: Whether a progress bar is drawn where stderr is a terminal.
            Defaults to True.
        retries: How often in a row a connection may fail without any new byte
            before that is an error, at least 0. Defaults to 3.
        timeout: Seconds to wait for a silent server. Defaults to 30.

    Returns:
        The path.

    Raises:
        ConnectionError: The file cannot be fetched; says where to put it by
            hand.
        ValueError: The hash differs, or the address is not HTTP.

    Example:
    >>> download(
    ...     "https://example.org/rose.jpg", "images/rose.jpg"
    ... )  # doctest: +SKIP
    PosixPath('images/rose.jpg')
    """
    path = Path(path)
    if not url.startswith(("http://", "https://")):
        raise ValueError(
            f"Only http or https addresses are fetched. Received: url={url!r}"
        )
    hashes = {"sha256": sha256, "md5": md5}
    if path.exists():
        fault = _hash_fault(path, hashes)
        if fault:
            raise ValueError(
                f"{path} is there already but is not the file of {url}: "
                f"{fault}. Delete it to have it fetched again."
            )
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _Part(path)
    is_resumed = part.size > 0
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not progress or not console.is_terminal,
    ) as bars:
        task = bars.add_task(path.name, total=None)

        def show(total):
            bars.update(task, completed=part.size, total=total)

        _fetch(url, part, retries, timeout, show)
        if is_resumed and _hash_fault(part.file, hashes):
            # What was left from an earlier call is the likeliest to be wrong.
            part.discard()
            _fetch(url, part, retries, timeout, show)
    fault = _hash_fault(part.file, hashes)
    if fault:
        part.discard()
        raise ValueError(
            f"The file fetched from {url} for {path} is damaged or another "
            f"version: {fault}. It was deleted."
        )
    os.replace(part.file, path)
    part.discard()
    return path


class _Part:
    """The unfinished file, with a note of the version that it is a part of."""

    def __init__(self, path):
        self.path = path
        self.file = path.with_name(path.name + ".part")
        self.note = path.with_name(path.name + ".part.version")

    @property
    def size(self):
        return self.file.stat().st_size if self.file.exists() else 0

    @property
    def version(self):
        return self.note.read_text() if self.note.exists() else None

    def begin(self, version):
        self.discard()
        if version is not None:
            self.note.write_text(version)

    def discard(self):
        self.file.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


class _TransferError(Exception):
    """A fault of the network or the server, not of the disk."""

    def __init__(self, reason, is_final=False):
        super().__init__(reason)
        self.is_final = is_final


def _fetch(url, part, retries, timeout, show):
    most, failures = part.size, 0
    while True:
        try:
            return _receive(url, part, timeout, show)
        except _TransferError as error:
            # A bad line that brings a little more each time is no failure; a
            # server that starts over each time is one.
            if part.size > most:
                most, failures = part.size, 0
            failures += 1
            if error.is_final or failures > retries:
                raise ConnectionError(
                    f"Cannot fetch {url}: {error}. Fetch it by other means "
                    f"and put it at {part.path}."
                ) from error
        time.sleep(min(0.25 * 2**failures, 8))


def _receive(url, part, timeout, show):
    start = part.size if part.version else 0
    with _open(url, start, part, timeout) as response:
        version = _version(response.headers)
        length = response.headers.get("Content-Length")
        if response.status == 206:
            begin = response.headers.get("Content-Range", "").split("-")[0]
            if begin != f"bytes {start}" or version != part.version:
                part.discard()
                raise _TransferError("the file changed during the transfer")
        else:
            start = 0
            part.begin(version)
        total = None if length is None else start + int(length)
        show(total)
        with open(part.file, "ab") as file:
            while chunk := _read(response):
                file.write(chunk)
                file.flush()
                show(total)
            os.fsync(file.fileno())
    if total is not None and part.size < total:
        raise _TransferError(f"it broke off after {part.size} of {total} bytes")


def _open(url, start, part, timeout):
    headers = {"User-Agent": "keras-transfer", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if not part.version.startswith("W/"):
            headers["If-Range"] = part.version
    request = urllib.request.Request(url, headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            part.discard()
        is_final = error.code < 500 and error.code not in _PASSING
        reason = f"the server answers {error.code} {error.reason}"
        raise _TransferError(reason, is_final) from error
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        # Without a network no name is found, now or in a second.
        is_final = isinstance(cause, socket.gaierror)
        raise _TransferError(_describe(cause), is_final) from error


def _read(response):
    try:
        return response.read1(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _TransferError(_describe(error)) from error


def _describe(error):
    if isinstance(error, TimeoutError):
        return "the server went silent"
    return str(error) or type(error).__name__


def _version(headers):
    return headers.get("ETag") or headers.get("Last-Modified")


def _hash_fault(path, hashes):
    for algorithm, expected in hashes.items():
        if expected is None:
            continue
        with open(path, "rb") as file:
            received = hashlib.file_digest(file, algorithm).hexdigest()
        if received != expected.lower():
            return f"expected the {algorithm} {expected}, received {received}"
    return None
