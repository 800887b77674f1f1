"""Honest accuracy: heads trained on folds of one pass of features."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_transfer.evaluation import page
from keras_transfer.evaluation.figures import wilson_interval
from keras_transfer.evaluation.folds import folds_of
from keras_transfer.evaluation.folds import group_numbers
from keras_transfer.evaluation.learning_curve import LearningCurve
from keras_transfer.evaluation.learning_curve import learning_curve
from keras_transfer.evaluation.refitting import Trainer
from keras_transfer.evaluation.refitting import features_of
from keras_transfer.evaluation.refitting import trainer_of
from keras_transfer.names import check_whole_number

# Heads of different folds are alike, so their mistakes are no independent
# draws: with 1.96 the interval covers 82 to 96%, with this 92 to 98%.
Z = 2.4


@dataclasses.dataclass(frozen=True)
class CrossValidation:
    """What heads that never saw a photograph say of it.

    `kt.cross_validate` makes it. In a notebook it shows itself.

    Args:
        accuracy: Mean share of photographs that are right.
        interval: Where the accuracy of a model trained on all of them lies on
            new photographs like these, with 95% confidence.
        scores: Accuracy of each fold.
        count: Number of photographs.
        folds: Number of folds.
        repeats: How often the photographs were divided anew.
        class_recalls: Share that is right of each class, by its name.
        learning_curve: What more photographs would give, or `None` where
            there are too few to tell.
    """

    accuracy: float
    interval: tuple[float, float]
    scores: tuple[float, ...]
    count: int
    folds: int
    repeats: int
    class_recalls: dict[str, float]
    learning_curve: LearningCurve | None = None

    def __str__(self):
        low, high = self.interval
        told = (
            f"accuracy {self.accuracy:.3f} (95%: {low:.3f} to {high:.3f}), by "
            f"{self.repeats} x {self.folds} folds of {self.count:,} photographs"
        )
        if self.learning_curve is not None:
            told += f"; {self.learning_curve}"
        return told

    def to_json(self) -> dict[str, Any]:
        """Returns everything as plain JSON values."""
        return dataclasses.asdict(self)

    def section(self) -> str:
        """Returns the part of a page that shows it, as HTML."""
        low, high = self.interval
        rows = [
            ("accuracy", f"{self.accuracy:.3f} (95%: {low:.3f} to {high:.3f})"),
            (
                "lowest and highest fold",
                f"{min(self.scores):.3f} to {max(self.scores):.3f}",
            ),
            *(
                (f"recall of {name}", f"{recall:.3f}")
                for name, recall in self.class_recalls.items()
            ),
        ]
        note = (
            f"Each photograph was judged by heads that had not seen it: "
            f"{self.repeats} x {self.folds} folds of {self.count:,} "
            "photographs, last epoch. The interval is for new photographs "
            "like these."
        )
        more = str(self.learning_curve or "")
        return page.section(
            "Cross-validation",
            page.table(("result", "value"), rows, left=2),
            page.paragraph(note),
            page.paragraph(f"{more[:1].upper()}{more[1:]}.") if more else "",
        )

    def _repr_html_(self):
        return page.fragment("Cross-validation", self.section())


def cross_validate(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    folds: int = 10,
    repeats: int = 2,
    groups: Sequence[Any] | None = None,
    epochs: int = 10,
    batch_size: int = 32,
    cache: str | os.PathLike | None = None,
    seed: int = 0,
) -> CrossValidation:
    """Tells the accuracy on new photographs, with an interval that holds.

    The frozen part is computed once for each photograph; then a new head is
    trained for each fold, as `fit` would train it, and judged by the
    photographs that it has not seen. That uses all photographs, needs no
    validation set, and does not pick the best epoch by what it is judged
    with. The model itself is not changed.

    Args:
        model: A compiled classifier whose backbone is frozen, as
            `kt.build_model`, `kt.freeze` and `kt.compile_for_transfer` make
            it. Its head and its optimizer are the recipe; their weights do
            not count.
        x: A data set of `kt.data`, a list of several (their photographs are
            pooled), or an array of images.
        y: Class numbers or one-hot rows, for an array. Defaults to `None`.
        folds: Number of folds, at least 2; fewer where a class has fewer
            photographs. Defaults to 10, for which the interval was measured.
        repeats: How often the photographs are divided anew. Defaults to 2.
        groups: What each photograph belongs to, such as a patient; a group is
            never divided, nor are copies of one file. Defaults to `None`.
        epochs: Passes over the training photographs. Defaults to 10.
        batch_size: Photographs per step. Defaults to 32.
        cache: Folder of features, as for `kt.fit`, which finds them there.
            Defaults to `None`: in memory.
        seed: Number that decides folds and heads.

    Returns:
        A `CrossValidation` with `.accuracy`, `.interval` and
        `.learning_curve`.

    Raises:
        ValueError: If the backbone is not frozen, the model is not compiled
            or does not classify, or a class cannot be divided.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> image = keras.Input((8, 8, 3))
    >>> backbone = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    >>> model = kt.build_model(backbone, kt.heads.LinearHead(2))
    >>> kt.freeze(model)
    >>> model = kt.compile_for_transfer(model)
    >>> images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3))
    >>> found = kt.cross_validate(model, images, np.arange(20) % 2, folds=5)
    >>> len(found.scores)
    10
    """
    check_whole_number("folds", folds, least=2)
    check_whole_number("repeats", repeats, least=1)
    check_whole_number("epochs", epochs, least=1)
    check_whole_number("batch_size", batch_size, least=1)
    trainer = trainer_of(model, epochs, batch_size, seed)
    features, labels, paths = features_of(model, x, y, batch_size, cache)
    numbers = group_numbers(paths, groups, len(labels))
    return judge(trainer, features, labels, numbers, folds, repeats, seed)


def judge(
    trainer: Trainer,
    features: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    folds: int = 10,
    repeats: int = 2,
    seed: int = 0,
) -> CrossValidation:
    """Returns the accuracy of a recipe on features that are known already.

    Args:
        trainer: Trains heads.
        features: A row for each photograph.
        labels: Class numbers.
        groups: A number for each row; rows of one are not divided.
        folds: As for `cross_validate`.
        repeats: As for `cross_validate`.
        seed: As for `cross_validate`.

    Raises:
        ValueError: As for `cross_validate`.
    """
    pairs = folds_of(labels, groups, folds, repeats, seed)
    said = trainer.predict(features, labels, pairs)
    right = [
        predicted == labels[rows]
        for predicted, (_, rows) in zip(said, pairs, strict=True)
    ]
    accuracy = float(np.concatenate(right).mean())
    judged = np.concatenate([labels[rows] for _, rows in pairs])
    names = trainer.class_names or [str(n) for n in range(labels.max() + 1)]
    recalls = {
        names[number]: float(np.concatenate(right)[judged == number].mean())
        for number in np.unique(judged)
    }
    count = len(pairs) // repeats
    curve = None
    if trainer.model is None:
        # Heads that train one after the other would take too long for it.
        curve = learning_curve(
            trainer, features, labels, groups, accuracy, count, seed
        )
    return CrossValidation(
        accuracy,
        wilson_interval(accuracy, len(labels), Z),
        tuple(float(each.mean()) for each in right),
        len(labels),
        count,
        repeats,
        recalls,
        curve,
    )
