"""Weights files: where they are found, checked before anything is loaded."""

import hashlib
import os
import pathlib
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import keras

from keras_transfer import download
from keras_transfer import stored_weights
from keras_transfer.backbone import BackboneSpec
from keras_transfer.weights_file import WeightsFile


class LocalWeights(NamedTuple):
    """A weights file on this machine.

    Args:
        path: The file.
        finish: Called with the model after loading, or `None`.
    """

    path: pathlib.Path
    finish: Callable[[keras.Model], None] | None = None


def find_weights(
    spec: BackboneSpec,
    weights: str | os.PathLike,
    input_shape: tuple,
    options: dict[str, Any],
) -> LocalWeights:
    """Finds the local file of a tag or a path, downloading it if need be.

    Args:
        spec: The backbone.
        weights: A tag of `spec.weights`, or the path of a file.
        input_shape: Shape of the images, on which the file may depend.
        options: The builder's options, likewise.

    Raises:
        ValueError: For an unknown tag or a path that does not exist.
        ConnectionError: If the file is neither cached nor downloadable.
    """
    if isinstance(weights, str) and weights in spec.weights:
        source = spec.weights[weights]
        if not isinstance(source, WeightsFile):
            source = source(input_shape, **options)
        local = _shipped(source) or _cached(spec, weights, source)
        return LocalWeights(local, source.finish)
    path = pathlib.Path(weights).expanduser()
    if path.is_file():
        return LocalWeights(path)
    raise ValueError(
        f"Unknown weights {os.fspath(weights)!r} for the backbone "
        f"{spec.name!r}. Expected None for random weights, "
        + "".join(f"{tag!r}, " for tag in spec.weights)
        + "or the path of an existing weights file."
    )


def load_weights(
    model: keras.Model,
    path: str | os.PathLike,
    classifier: tuple[str, ...] = (),
) -> None:
    """Loads a weights file into a model, all of it or nothing.

    The shapes of all stored tensors are compared with the model's before any
    variable changes; Keras alone stops halfway through a file that does not
    fit, and accepts one that holds more layers than the model.

    Args:
        model: A built model.
        path: A `.weights.h5`, `.h5` or `.keras` file.
        classifier: Names of layers that the file may hold and the model
            lacks. Where it does, layers are matched by their names, otherwise
            by their order. Defaults to none.

    Raises:
        ValueError: If the file cannot be read or belongs to another
            architecture.
    """
    path = pathlib.Path(path)
    left_out = stored_weights.check_contents(model, path, classifier)
    before = model.get_weights()
    options = {"by_name": True} if left_out else {}
    try:
        model.load_weights(os.fspath(path), **options)
    except Exception as error:
        assign_weights(model, before)
        raise ValueError(
            f"The weights file {os.fspath(path)!r} does not fit the model "
            f"{model.name!r}, which is unchanged: {error}"
        ) from error


def assign_weights(model: keras.Model, values: list[Any]) -> None:
    """Gives a model the values that `get_weights` of its like returned.

    `set_weights` alone leaves `Normalization` layers computing with what they
    derived from their old weights.
    """
    model.set_weights(values)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def file_sha256(path: str | os.PathLike) -> str:
    """Returns the hexadecimal SHA-256 digest of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def _cached(spec, tag, source):
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    path = pathlib.Path(home) / "models" / source.file_name
    if path.is_file():
        return _verified(path, source)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return download.download(
            source.url, path, sha256=source.sha256, md5=source.md5
        )
    except OSError as error:
        raise ConnectionError(
            f"The weights {tag!r} of {spec.name!r} are not in the cache and "
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
    for algorithm in ("sha256", "md5"):
        expected = getattr(source, algorithm)
        if expected is None:
            continue
        with open(path, "rb") as file:
            received = hashlib.file_digest(file, algorithm).hexdigest()
        if received != expected:
            raise ValueError(
                f"The {whose} weights file {os.fspath(path)!r} is damaged or "
                f"another version: expected the {algorithm} {expected}, "
                f"received {received}. {remedy}"
            )
    return path
