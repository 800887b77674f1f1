"""The tables that `keras-transfer fit` ends with."""

from typing import Any

import keras

from keras_transfer.callbacks.best_epoch import BestEpoch
from keras_transfer.cli.fit.class_report import figures_by_class
from keras_transfer.cli.tables import print_table
from keras_transfer.serving import prediction


def print_result(
    model: keras.Model, best: BestEpoch, validation: Any, seconds: float
) -> None:
    """Prints how well a trained model does, class by class and in all.

    Args:
        model: The model with the weights that were kept.
        best: The callback that kept them.
        validation: The validation images with their labels.
        seconds: What the training took.
    """
    outputs = model.predict(validation, verbose=0)
    predicted = prediction.class_probabilities(model, outputs).argmax(-1)
    figures = figures_by_class(
        validation.labels, predicted, validation.class_names
    )
    accuracy = (predicted == validation.labels).mean()
    print()
    print_table(
        ("class", "precision", "recall", "images"),
        [
            (f.name, _rounded(f.precision), _rounded(f.recall), f.support)
            for f in figures
        ],
    )
    print()
    print_table(
        ("result", "value"),
        [
            ("epoch kept", f"{best.best} of {len(best.history['loss'])}"),
            # Over the batches of that epoch, while it changed the weights.
            (
                "train accuracy",
                _rounded(best.history["accuracy"][best.best - 1]),
            ),
            ("validation accuracy", _rounded(accuracy)),
            ("seconds", f"{seconds:.1f}"),
        ],
    )


def _rounded(figure):
    return "-" if figure is None else f"{figure:.3f}"
