"""The start of Keras, without what TensorFlow prints on its way up."""

import contextlib
import os
import pathlib
import re
import sys
import tempfile

# Lines that TensorFlow's C++ code writes before it has read any setting.
_NOTE = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|[IW]\d{4} \d\d:\d\d:\d\d\.\d+"
    rb"|[IW]0000 00:00:\d+\.\d+"
    rb"|To enable the following instructions"
)


def start_keras() -> None:
    """Imports Keras with TensorFlow, which takes seconds, quietly.

    `TF_CPP_MIN_LOG_LEVEL=0` in the environment brings all the lines back.
    """
    if "keras" in sys.modules and "tensorflow" in sys.modules:
        return
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    wants_notes = level == "0"
    with contextlib.nullcontext() if wants_notes else _without_notes():
        import tensorflow  # noqa: F401  (photographs are read by tf.data)

        import keras  # noqa: F401  isort: skip


def start_keras_for(model: pathlib.Path, trust: bool = False) -> None:
    """Imports Keras quietly if a model file needs it, TensorFlow likewise.

    Args:
        model: A model file of any format.
        trust: As for `open_classifier`.

    Raises:
        ValueError: If there is no such file, its name tells no format, or it
            is a SavedModel that will not be opened.
    """
    from keras_transfer.serving.opening import check_exported
    from keras_transfer.serving.opening import format_of

    format = format_of(model)
    if format == "tf_saved_model":
        check_exported(model.resolve(), format, trust)
    if format in ("keras", "tf_saved_model"):
        start_keras()


@contextlib.contextmanager
def _without_notes():
    """Holds stderr back, then lets through all but the known notes.

    The log level hides what comes later, but these lines only a redirection
    of the file descriptor can stop; it lasts as long as the import.
    """
    try:
        sys.stderr.flush()
        original = os.dup(2)
    except (OSError, AttributeError):  # Without stderr nothing can be noisy.
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            held.seek(0)
            for line in held:
                if not _NOTE.match(line):
                    os.write(2, line)
