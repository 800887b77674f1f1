"""The installed kecam: which release it is, what can be had from it."""

import functools
import importlib.metadata
import importlib.util
import pathlib
import types
import warnings
from collections.abc import Callable

from keras_transfer_kecam import served
from keras_transfer_kecam.sources import PACKAGE
from keras_transfer_kecam.sources import Sources

DISTRIBUTION = "keras-cv-attention-models"
TRIED = ("1.4.3",)
INSTALL = "pip install 'keras-transfer[kecam]'"


def constructor(path: str) -> Callable:
    """Returns a function of kecam that builds a model.

    Args:
        path: Its dotted name below `keras_cv_attention_models`.

    Raises:
        ImportError: If kecam is not installed, or is a release in which the
            function is somewhere else.
    """
    home, _, name = path.rpartition(".")
    try:
        return getattr(module(home), name)
    except AttributeError as error:
        raise ImportError(_explain(path, error)) from error


def module(name: str) -> types.ModuleType:
    """Returns a module of kecam, executed for Keras 3.

    Args:
        name: Its name below `keras_cv_attention_models`.

    Raises:
        ImportError: As `constructor`.
    """
    try:
        return _sources().module(name)
    except ImportError as error:
        raise ImportError(_explain(name, error)) from error


@functools.cache
def _sources():
    spec = importlib.util.find_spec(PACKAGE)  # Does not import it.
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{DISTRIBUTION} is not installed")
    _check_release()
    root = pathlib.Path(spec.submodule_search_locations[0])
    sources = Sources(root, served.served_modules())
    # First: kecam's modules import each other in a circle through this one.
    sources.module("attention_layers")
    return sources


def _check_release():
    release = _release()
    if release not in TRIED:
        warnings.warn(
            f"{DISTRIBUTION} {release} was not tried on Keras 3; "
            f"{', '.join(TRIED)} was. If a model differs or fails, run "
            f"`{INSTALL}`.",
            stacklevel=2,
        )


def _release():
    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return "of an unknown release"


def _explain(what, error):
    if importlib.util.find_spec(PACKAGE) is None:
        return f"The package {DISTRIBUTION} is not installed. Run `{INSTALL}`."
    return (
        f"{DISTRIBUTION} {_release()} does not offer {what!r} as the release "
        f"{TRIED[-1]} does ({error}). Run `{INSTALL}`."
    )
