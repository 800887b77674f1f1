"""Loading of model files that somebody else may have written."""

import os
import warnings
from typing import Any

import keras

from keras_transfer import serialization
from keras_transfer.optimizer.adoption import is_wrapped
from keras_transfer.optimizer.transition import transition
from keras_transfer.registry import needed_classes
from keras_transfer.registry import plugin_classes
from keras_transfer.saving import archive
from keras_transfer.saving import building
from keras_transfer.saving import causes
from keras_transfer.saving import model_archive
from keras_transfer.saving.archive import ModelFileError
from keras_transfer.saving.archive import versions
from keras_transfer.structure import adapters
from keras_transfer.structure import novelty


def load_model(
    path: str | os.PathLike,
    *,
    sha256: str | None = None,
    allow_non_finite: bool = False,
) -> keras.Model:
    """Loads a model file that it trusts in nothing.

    The file is checked before anything parses it: it may hold layers of Keras
    that only compute, and registered classes of packages that are installed
    here and declare them, or that this process has registered. No `Lambda`,
    no function of its own, no link, no path. The plugins that it needs are
    imported, no others. Keras then loads, in safe mode, a private copy of what
    was checked. There is no argument that switches any of this off.

    Args:
        path: A `.keras` file, or a folder with the contents of one.
        sha256: The digest that the file must have, as hexadecimal digits.
            Defaults to `None`: any.
        allow_non_finite: Whether weights may be NaN or infinite. Defaults to
            `False`.

    Returns:
        The model, compiled if it was, each layer frozen or open as it was.

    Raises:
        ModelFileError: A `ValueError`. If the file is damaged, asks for what
            is not allowed, was written by a later keras_transfer, needs a
            class that nothing here provides, or is an `.h5` file.
        ValueError: If there is no such file, or two distributions claim a
            class that it needs.

    Example:
    >>> import os
    >>> import keras
    >>> import keras_transfer as kt
    >>> import tempfile
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> path = os.path.join(tempfile.mkdtemp(), "model.keras")
    >>> model.save(path)
    >>> kt.load_model(path).count_params()
    10
    """
    return load_owned(
        path, None, sha256=sha256, allow_non_finite=allow_non_finite
    )


def load_owned(
    path: str | os.PathLike,
    owners: dict[str, Any] | None,
    *,
    sha256: str | None = None,
    allow_non_finite: bool = False,
) -> keras.Model:
    """Loads a model file whose description lies elsewhere.

    Args:
        path: As for `load_model`.
        owners: What is known of the distributions behind its classes, like the
            metadata of `ModelInfo`. Defaults to what the file itself says.
        sha256: As for `load_model`.
        allow_non_finite: As for `load_model`.

    Raises:
        ModelFileError: As for `load_model`.
        ValueError: As for `load_model`.
    """
    serialization.register_when_keras_is_imported()
    archive.check_kind(path)
    with archive.checked(path, needed_classes.is_known, sha256) as contents:
        return load_checked(path, contents, owners, allow_non_finite)


def load_checked(
    path: str | os.PathLike,
    contents: archive.Contents,
    owners: dict[str, Any] | None = None,
    allow_non_finite: bool = False,
) -> keras.Model:
    """Builds the model of a file that has been checked and unpacked.

    Args:
        path: What the file is called, for messages.
        contents: What `archive.checked` gave for it.
        owners: As for `load_owned`.
        allow_non_finite: As for `load_model`.

    Raises:
        ModelFileError: As for `load_model`.
        ValueError: As for `load_model`.
    """
    serialization.register_when_keras_is_imported()
    found = contents.found
    try:
        if not allow_non_finite:
            contents.check_finite()
        if found.missing:
            what = plugin_classes.explain(
                found.missing, owners or found.model_info
            )
            raise ModelFileError(what, "")
        needed_classes.activate(found.classes)
        model = _load(contents, path)
        model_archive.restore_flags(model, contents.config)
        for layer in adapters.adapted_layers(model).values():
            # Keras gives them zeros where the file has no `ModelInfo`.
            adapters.revive(layer)
    except ModelFileError as error:
        raise error.of(os.fspath(path)) from error.__cause__
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and is_wrapped(optimizer):
        # Its saved state finds its owners once all weights are known.
        transition(model)
    novelty.note_file(model, os.path.basename(os.fspath(path)))
    return model


def _load(contents, path):
    written = versions.written_by(contents.metadata)
    is_newer = versions.is_newer(written, keras.__version__)
    try:
        model = building.load(contents, path)
        if not isinstance(model, keras.Model):
            raise TypeError(f"it holds a {type(model).__name__} and no model")
    except ModelFileError:
        raise
    except Exception as error:
        # What Keras raises here is of many kinds. It stays as the cause.
        raise _refusal(written, is_newer, causes.cause_of(error)) from error
    if is_newer:
        warnings.warn(
            f"The model was saved by Keras {written}, which is newer than the "
            f"installed {keras.__version__}. Compare its predictions, or run "
            "`pip install -U keras`.",
            stacklevel=5,
        )
    return model


def _refusal(written, is_newer, cause):
    if is_newer:
        return ModelFileError(
            f"was written by Keras {written} and cannot be read by "
            f"{keras.__version__} ({cause}).",
            "Run `pip install -U keras`, or save it there with "
            "kt.save_model(model, path, portable=True).",
        )
    if written.startswith("2."):
        return ModelFileError(
            f"was written by Keras {written} and cannot be read by "
            f"{keras.__version__} ({cause}).",
            "Save it there as '.h5', and run `keras-transfer convert` on that.",
        )
    return ModelFileError(
        f"cannot be read by Keras {keras.__version__} ({cause}).",
        "It is damaged, or was not written by `model.save`.",
    )
