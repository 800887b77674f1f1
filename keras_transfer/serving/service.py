"""A model file as an HTTP service, for any ASGI server."""

import importlib.util
import os
from typing import Any

import numpy as np

from keras_transfer.serving.classifier import Classifier
from keras_transfer.serving.limits import ServiceLimits
from keras_transfer.serving.opening import open_classifier

_NEEDED = (
    "starlette",
    "uvicorn",
    "httptools",
    "python_multipart",
    "prometheus_client",
)


def build_service(
    path: str | os.PathLike,
    limits: ServiceLimits | None = None,
    trust: bool = False,
) -> Any:
    """Opens a model file and returns an ASGI application that predicts.

    `POST /predict` takes image files or JSON; `/metadata`, `/healthz` and
    `/metrics` tell about the service; `/` is a page to try the model on.
    `keras-transfer serve` runs it; prefer this function where another ASGI
    server does, such as one with several worker processes.

    Args:
        path: A `.keras` file, or a file that `export` wrote, with the JSON
            file beside it.
        limits: What clients may ask. Defaults to `ServiceLimits()`.
        trust: Whether to run a SavedModel, which is code, without digests
            beside it. Defaults to False.

    Returns:
        A Starlette application, ready to answer: the model has run once.

    Raises:
        ImportError: If the packages of the extra `serve`, or the runtime of
            the file, are not installed.
        ValueError: If the file is missing, damaged or no classifier of images.

    Example:
    >>> import keras_transfer as kt
    >>> kt.build_service("missing.keras")
    Traceback (most recent call last):
    ...
    ValueError: There is no model file 'missing.keras'.
    """
    check_packages()
    limits = limits or ServiceLimits()
    classifier = open_classifier(path, trust)
    warm_up(classifier, limits.max_batch)
    # Not at the top: the extra may be missing.
    from keras_transfer.serving.application import build_application

    return build_application(classifier, limits)


def check_packages(names: tuple[str, ...] = _NEEDED) -> None:
    """Raises unless the packages that serving needs are installed.

    Args:
        names: Their modules.

    Raises:
        ImportError: With the line that installs them.
    """
    missing = [n for n in names if importlib.util.find_spec(n) is None]
    if missing:
        raise ImportError(
            f"Serving needs {' and '.join(missing)}. Run "
            "`pip install 'keras-transfer[serve]'`."
        )


def warm_up(classifier: Classifier, max_batch: int) -> None:
    """Lets a classifier compile what it compiles before the first request.

    Args:
        classifier: What will predict.
        max_batch: Size of the largest batch.

    Raises:
        ValueError: If what it returns is no probability for each class.
    """
    # From the second size on, TensorFlow takes any.
    for size in sorted({1, 2, max_batch}):
        images = np.zeros((size, *classifier.input_shape), classifier.dtype)
        rows = classifier.values(images)
        expected = (size, classifier.width)
        if rows.shape != expected or not np.isfinite(rows).all():
            raise ValueError(
                "The model is no classifier of images: expected finite "
                f"probabilities or numbers of shape {expected}. Received the "
                f"shape {rows.shape}, with {int((~np.isfinite(rows)).sum())} "
                "NaN or infinite."
            )
