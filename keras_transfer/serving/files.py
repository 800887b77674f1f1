"""Predictions for image files, decoded while the model computes."""

import contextlib
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_transfer.data.decoded import decoded_ahead
from keras_transfer.data.diagnosis import explain_unreadable
from keras_transfer.data.images import decode_file
from keras_transfer.serving.classifier import Classifier
from keras_transfer.serving.said import Said
from keras_transfer.serving.said import Wanted

_MANY = 100


class Answer(NamedTuple):
    """What is known of one image file.

    Args:
        path: The file.
        said: What each output says of it; `None` where it is unreadable.
        fault: Why it is unreadable, or `None`.
    """

    path: Path
    said: tuple[Said, ...] | None
    fault: str | None


def predict_files(
    classifier: Classifier,
    paths: Sequence[Path],
    wanted: Wanted,
    batch_size: int = 32,
    progress: bool | None = None,
) -> Iterator[Answer]:
    """Yields what a model says of each image file, in order.

    While the model computes one batch, threads decode the next; no other is in
    memory. A file that cannot be read does not affect the others.

    Args:
        classifier: What predicts.
        paths: The files.
        wanted: What is to be told of each.
        batch_size: Images that are predicted together; fewer if they are very
            large. Defaults to 32.
        progress: Whether a progress bar is drawn on stderr. Defaults to
            drawing one for more than 100 files when stderr is a terminal.
    """
    from rich.console import Console
    from rich.progress import Progress

    if progress is None:
        progress = len(paths) > _MANY and sys.stderr.isatty()
    bar = Progress(
        console=Console(stderr=True), disable=not progress, transient=True
    )
    batch_size = classifier.batch_size(batch_size)
    batches = _decoded(classifier, paths, batch_size)
    with contextlib.closing(batches), bar:
        task = bar.add_task("Predicting", total=len(paths))
        for batch in batches:
            yield from _answers(classifier, batch, wanted)
            bar.advance(task, len(batch))


def _answers(classifier, batch, wanted):
    images = [image for _, image, _ in batch if image is not None]
    rows = iter(())
    if images:
        values = classifier.values(np.stack(images))
        said = classifier.told(values, wanted)
        rows = zip(said, np.isfinite(values).all(-1), strict=True)
    for path, image, fault in batch:
        said, is_finite = (None, True) if image is None else next(rows)
        if is_finite:
            yield Answer(path, said, fault)
        else:
            yield Answer(path, None, "the model returns NaN or infinity for it")


def _decoded(classifier, paths, batch_size):
    def decode(path):
        # Broken files make Pillow raise nearly anything; all is an answer.
        try:
            image = decode_file(
                path, classifier.image_size, classifier.color_mode
            )
        except Exception as error:
            return path, None, explain_unreadable(path, error)
        return path, image, None

    return decoded_ahead(paths, batch_size, decode)
