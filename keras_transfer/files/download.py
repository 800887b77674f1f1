"""Files fetched over HTTP, complete or not at all."""

import http.client
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn
from rich.progress import DownloadColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TimeRemainingColumn
from rich.progress import TransferSpeedColumn

from keras_transfer.files import checksums
from keras_transfer.files.checksums import Part

_CHUNK = 1 << 18
# Other errors of the 400s will not go away by asking again.
_PASSING = (408, 416, 425, 429)


def home_folder(name: str) -> Path:
    """Returns a folder below `$KERAS_HOME`, which is else `~/.keras`.

    Args:
        name: `"models"` for weights, `"datasets"` for photographs.
    """
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    return Path(home) / name


def download(
    url: str,
    path: str | os.PathLike,
    *,
    sha256: str | None = None,
    md5: str | None = None,
    git_sha1: str | None = None,
    headers: Mapping[str, str] | None = None,
    progress: bool = True,
    retries: int = 3,
    timeout: float = 30.0,
) -> Path:
    """Fetches a file, unless it is there already.

    Bytes go to `<path>.part` first. A broken transfer is taken up where it
    stopped, by this call or by a later one, if the server still offers the
    same version. Only a complete file with the right hash gets its name; where
    no hash is known, the server must say how long the file is.

    Args:
        url: Address of the file, `http` or `https`.
        path: Where to put it. An existing file is only checked.
        sha256: Expected hash in hexadecimal digits. Defaults to not checked.
        md5: The same of the older kind. Defaults to not checked.
        git_sha1: The same of the kind by which Git knows a file's contents.
            Defaults to not checked.
        headers: What the request says beside the usual, such as who asks. It
            goes to this address alone, not to where that may redirect.
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
    hashes = {"sha256": sha256, "md5": md5, "git_sha1": git_sha1}
    if path.exists():
        fault = checksums.fault_of(path, hashes)
        if fault:
            raise ValueError(
                f"{path} is there already but is not the file of {url}: "
                f"{fault}. Delete it to have it fetched again."
            )
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Part(path, hashes)
    source = _Source(url, headers or {}, timeout)
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

        _fetch(source, part, retries, show)
        if is_resumed and part.fault():
            # What was left from an earlier call is the likeliest to be wrong.
            part.discard()
            _fetch(source, part, retries, show)
    fault = part.fault()
    if fault:
        part.discard()
        raise ValueError(
            f"The file fetched from {url} for {path} is damaged or another "
            f"version: {fault}. It was deleted."
        )
    os.replace(part.file, path)
    part.discard()
    return path


class _Source(NamedTuple):
    """Where a file is asked for, and how."""

    url: str
    headers: Mapping[str, str]
    timeout: float


class _TransferError(Exception):
    """A fault of the network or the server, not of the disk."""

    def __init__(self, reason, is_final=False):
        super().__init__(reason)
        self.is_final = is_final


def _fetch(source, part, retries, show):
    most, failures = part.size, 0
    while True:
        try:
            return _receive(source, part, show)
        except _TransferError as error:
            # A bad line that brings a little more each time is no failure; a
            # server that starts over each time is one.
            if part.size > most:
                most, failures = part.size, 0
            failures += 1
            if error.is_final or failures > retries:
                raise ConnectionError(
                    f"Cannot fetch {source.url}: {error}. Fetch it by other "
                    f"means and put it at {part.path}."
                ) from error
        time.sleep(min(0.25 * 2**failures, 8))


def _receive(source, part, show):
    start = part.size if part.version else 0
    with _open(source, start, part) as response:
        version = _version(response.headers)
        length = response.headers.get("Content-Length")
        if length is None and not response.chunked and not part.is_verifiable:
            raise _TransferError(
                "the server does not say how long it is, so that half of it "
                "would look like the whole: state its sha256",
                is_final=True,
            )
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
    if total is not None and part.size > total:
        part.discard()  # Another process writes to it as well.
        raise _TransferError("it was fetched twice at the same time")


def _open(source, start, part):
    headers = {"User-Agent": "keras-transfer", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if not part.version.startswith("W/"):
            headers["If-Range"] = part.version
    request = urllib.request.Request(source.url, headers=headers)
    for name, value in source.headers.items():
        request.add_unredirected_header(name, value)
    try:
        return urllib.request.urlopen(request, timeout=source.timeout)
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
