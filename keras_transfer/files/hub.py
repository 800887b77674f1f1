"""Files of repositories on the Hugging Face hub.

Everything about a repository is asked through `huggingface_hub`. Only the
bytes come by our own `download`: that library (checked: 2.4) compares their
number but not their hash, and keeps nothing of a transfer that broke off.
"""

import json
import os
import pathlib
import re
import urllib.parse
import warnings

from keras_transfer.files.download import download
from keras_transfer.files.download import home_folder

PREFIX = "hf://"


class Repository:
    """The files of one version of a repository.

    The list of files, with a hash of each, is kept below Keras's home, so
    that what was fetched once is found without a network. `HF_ENDPOINT`,
    `HF_HUB_OFFLINE` and `HF_TOKEN` are heeded.

    Args:
        address: `hf://org/name`, `hf://org/name@revision`, with or without
            `/path/of/a/file`.
        progress: Whether a progress bar is drawn where stderr is a terminal.

    Raises:
        ImportError: If `huggingface_hub` is not installed.
        ValueError: If the address is malformed, or there is no such
            repository, revision or file.
        ConnectionError: If the hub cannot be asked, and was not before.
    """

    def __init__(self, address: str, progress: bool = True):
        hub = _import_hub()
        parsed = hub.parse_hf_uri(address)
        if parsed.type != "model":
            raise ValueError(
                f"Weights are kept in repositories of models. Received: "
                f"{address!r}, a {parsed.type}."
            )
        self.id = parsed.id
        self.path = parsed.path_in_repo
        self.label = f"The repository {PREFIX}{parsed.id}"
        self.folder = (
            home_folder("models") / "hub" / parsed.id.replace("/", "--")
        )
        self._progress = progress
        listing = self._list(hub, parsed.revision or "main")
        self.commit = listing["commit"]
        self._hashes = listing["files"]
        # Those of subfolders are meant only when they are named.
        self.names = sorted(n for n in self._hashes if "/" not in n)
        if self.path and self.path not in self._hashes:
            raise ValueError(
                f"{self.label} holds no file {self.path!r}. Expected one of "
                f"{sorted(self._hashes)[:10]}."
            )

    def fetch(self, name: str) -> pathlib.Path:
        """Returns a file on this machine, of the hash that the hub states.

        Raises:
            ConnectionError: If it is neither cached nor downloadable.
            ValueError: If its bytes are not those that the hub describes.
        """
        hub = _import_hub()
        hashes = self._hashes[name]
        (digits,) = hashes.values()
        # Named after its contents, so that versions share what they share.
        path = self.folder / digits / name.rpartition("/")[2]
        if hub.is_offline_mode() and not path.is_file():
            raise ConnectionError(
                f"The file {name!r} of {PREFIX}{self.id} is not in the cache, "
                "and HF_HUB_OFFLINE forbids to fetch it. Unset HF_HUB_OFFLINE "
                f"once, or put it at {path}."
            )
        headers = hub.utils.build_hf_headers()
        return download(
            hub.hf_hub_url(self.id, name, revision=self.commit),
            path,
            **hashes,
            headers={
                key: headers[key] for key in headers if key == "authorization"
            },
            progress=self._progress,
        )

    def _list(self, hub, revision):
        note = self.folder / "revisions" / urllib.parse.quote(revision, "")
        known = json.loads(note.read_text()) if note.is_file() else None
        if known is not None and revision == known["commit"]:
            return known  # A commit never changes.
        try:
            listing = self._ask(hub, revision)
        except hub.errors.RevisionNotFoundError as error:
            raise ValueError(
                f"{self.label} has no revision {revision!r}. Expected a "
                "branch, a tag or a commit."
            ) from error
        except hub.errors.RepositoryNotFoundError as error:
            raise ValueError(
                f"{self.label} does not exist, or is not open to you: check "
                "its name, or log in with `hf auth login`."
            ) from error
        # Errors of the connection have no base class of huggingface_hub's
        # own; this one is that of the HTTP client which it uses.
        except (OSError, hub.errors.HTTPError) as error:
            if known is None:
                raise ConnectionError(
                    f"{self.label} is not in the cache, and the hub cannot be "
                    f"asked about it ({type(error).__name__}: "
                    f"{_first_line(error)}). Connect to it once, or fetch the "
                    "file by other means and pass its path."
                ) from error
            if not hub.is_offline_mode():
                warnings.warn(
                    f"{self.label} is taken from the cache as it was at "
                    f"{known['commit'][:12]}: the hub cannot be asked whether "
                    f"there is a later version ({_first_line(error)}).",
                    stacklevel=2,
                )
            return known
        _write(note, json.dumps(listing))
        return listing

    def _ask(self, hub, revision):
        found = hub.HfApi().model_info(
            self.id, revision=revision, files_metadata=True, timeout=30
        )
        files = {}
        for file in found.siblings or ():
            hashes = (
                {"git_sha1": file.blob_id}
                if file.lfs is None
                else {"sha256": file.lfs.sha256}
            )
            (digits,) = hashes.values()
            if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", digits or ""):
                raise ValueError(
                    f"{self.label} cannot be checked: the hub states no hash "
                    f"of {file.rfilename!r}. Received: {digits!r}."
                )
            files[file.rfilename] = hashes
        return {"commit": found.sha, "files": files}


def _import_hub():
    try:
        import huggingface_hub
        import huggingface_hub.errors
        import huggingface_hub.utils
    except ImportError as error:
        raise ImportError(
            "Addresses that begin with 'hf://' need the package "
            "huggingface_hub. Run `pip install 'keras-transfer[hf]'`."
        ) from error
    return huggingface_hub


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    os.replace(temporary, path)


def _first_line(error):
    return str(error).partition("\n")[0]
