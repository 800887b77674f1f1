"""Places that pretrained weights come from, each brought to a local file."""

import dataclasses
import os
import pathlib
import re
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

from keras_transfer import names
from keras_transfer.files import checksums
from keras_transfer.files import download
from keras_transfer.files import hub
from keras_transfer.models import preset_files
from keras_transfer.models.spec import BackboneSpec


@names.renamed(licence="license")
@dataclasses.dataclass(frozen=True)
class WeightsFile:
    """A file of pretrained weights, published or shipped with the plugin.

    Args:
        url: Where it is published; a `file:` address is read in place.
        file_name: Its name in the cache, `<Keras home>/models`. Defaults to
            the last part of the URL.
        sha256: Hexadecimal digest that the file must have, or `None` where
            its publisher gives none.
        md5: The same as MD5, for publishers that give only that.
        license: License of the weights.
        finish: Called with the model that has just loaded this file, for what
            its publisher does beside loading. Defaults to nothing.
    """

    url: str
    file_name: str = ""
    sha256: str | None = None
    md5: str | None = None
    license: str = ""
    finish: Callable[[Any], None] | None = None

    def __post_init__(self):
        if not self.file_name:
            name = urllib.parse.urlsplit(self.url).path.rpartition("/")[2]
            object.__setattr__(self, "file_name", name)


class LocalWeights(NamedTuple):
    """A weights file on this machine.

    Args:
        path: The file.
        label: Where it is from, in a few words.
        finish: Called with the model after loading, or `None`.
    """

    path: pathlib.Path
    label: str
    finish: Callable[[Any], None] | None = None


def find_weights(
    spec: BackboneSpec,
    weights: str | os.PathLike | WeightsFile,
    input_shape: tuple,
    options: dict[str, Any],
) -> LocalWeights:
    """Finds the local file of a source, downloading it if need be.

    Args:
        spec: The backbone.
        weights: A tag of `spec.weights`, a `WeightsFile`, the path of a file
            or a folder, an address that begins with `http://`, `https://` or
            `hf://`.
        input_shape: Shape of the images, on which the file may depend.
        options: The builder's options, likewise.

    Raises:
        ValueError: For an unknown tag, a path that does not exist, a folder
            that holds several weights files, or a file of the wrong hash.
        ConnectionError: If the file is neither cached nor downloadable.
    """
    if isinstance(weights, WeightsFile):
        return _declared(spec, weights.url, weights)
    if isinstance(weights, str):
        if weights in spec.weights:
            source = spec.weights[weights]
            if not isinstance(source, WeightsFile):
                source = source(input_shape, **options)
            return _declared(spec, weights, source)
        if weights.startswith(("http://", "https://")):
            return _declared(spec, _without_secrets(weights), _address(weights))
        if weights.startswith(hub.PREFIX):
            return _of_repository(weights)
    if not isinstance(weights, (str, os.PathLike)):
        raise TypeError(
            "`weights` must be a tag, a path, an address, a WeightsFile or "
            f"None. Received: {weights!r} of type {type(weights).__name__}."
        )
    path = pathlib.Path(weights).expanduser()
    if path.is_dir():
        folder = preset_files.Folder(path)
        return LocalWeights(preset_files.fetch_weights(folder), path.name)
    if path.is_file():
        return LocalWeights(path, path.name)
    raise ValueError(
        f"Unknown weights {os.fspath(weights)!r} for the backbone "
        f"{spec.name!r}. Expected None for random weights, "
        + "".join(f"{tag!r}, " for tag in spec.weights)
        + "an address (https://, hf://), or the path of an existing weights "
        "file or folder."
    )


def _declared(spec, label, source):
    path = _shipped(source) or _cached(spec, label, source)
    return LocalWeights(path, label, source.finish)


def _of_repository(address):
    repository = hub.Repository(address)
    path = (
        repository.fetch(repository.path)
        if repository.path
        else preset_files.fetch_weights(repository)
    )
    label = f"{hub.PREFIX}{repository.id}@{repository.commit}/{path.name}"
    return LocalWeights(path, label)


def _address(url):
    """The file of an address; pip's `#sha256=...` states its digest."""
    plain, _, fragment = url.partition("#")
    sha256 = None
    if fragment:
        match = re.fullmatch(r"sha256=([0-9a-fA-F]{64})", fragment)
        if match is None:
            raise ValueError(
                "What follows '#' in the address of a weights file is its "
                "digest, 'sha256=' with 64 hexadecimal digits. Received: "
                f"{fragment!r}."
            )
        sha256 = match[1]
    file = WeightsFile(plain, sha256=sha256)
    # Many files of the world are called alike.
    folder = checksums.text_sha256(plain)[:12]
    return WeightsFile(plain, f"{folder}/{file.file_name}", sha256)


def _without_secrets(url):
    parts = urllib.parse.urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))


def _shipped(source):
    """The file of a `file:` address, which a plugin brings along."""
    address = urllib.parse.urlsplit(source.url)
    if address.scheme != "file":
        return None
    path = pathlib.Path(urllib.request.url2pathname(address.path))
    if not path.is_file():
        raise ValueError(
            f"The plugin's weights file {os.fspath(path)!r} does not exist: "
            "its package was installed without its data. Install it again."
        )
    return _verified(path, source, "plugin's", "Install the plugin again.")


def _cached(spec, label, source):
    path = download.home_folder("models") / source.file_name
    if path.is_file():
        return _verified(path, source)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return download.download(
            source.url, path, sha256=source.sha256, md5=source.md5
        )
    except OSError as error:
        raise ConnectionError(
            f"The weights {label!r} of {spec.name!r} are not in the cache and "
            f"could not be downloaded. {_way_out(error, source, path)} Or "
            "pass weights=PATH, or weights=None for random weights."
        ) from error


def _way_out(error, source, path):
    if isinstance(error, ConnectionError):
        return error  # It names the address and the place already.
    return f"{error}. Fetch {source.url} by other means and put it at {path}."


def _verified(
    path, source, whose="cached", remedy="Delete it to download it again."
):
    fault = checksums.fault_of(
        path, {"sha256": source.sha256, "md5": source.md5}
    )
    if fault:
        raise ValueError(
            f"The {whose} weights file {os.fspath(path)!r} is damaged or "
            f"another version: {fault}. {remedy}"
        )
    return path
