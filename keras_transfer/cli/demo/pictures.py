"""Pictures of what the demo did."""

import os
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from keras_transfer.cli.demo.comparison import STEPS_BETWEEN_TESTS
from keras_transfer.cli.demo.comparison import Run
from keras_transfer.serving.prediction import Prediction

# Told apart by people who cannot tell red from green.
COLORS = {"transfer": "#4477aa", "scratch": "#ee6677"}
LABELS = {"transfer": "transferred, backbone frozen", "scratch": "from scratch"}


def draw_comparison(path: str | os.PathLike, runs: Sequence[Run]) -> None:
    """Draws the accuracy by step, then the accuracies at the end.

    Args:
        path: The picture; its extension decides the format.
        runs: One for each draw of examples.
    """
    # Not pyplot, whose figures stay in memory and may look for a screen.
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2), sharey=True)
    for offset, (way, color) in zip((-0.2, 0.2), COLORS.items(), strict=True):
        curves = np.array([getattr(run, way) for run in runs])
        steps = STEPS_BETWEEN_TESTS * np.arange(1, curves.shape[1] + 1)
        left.fill_between(
            steps, curves.min(0), curves.max(0), color=color, alpha=0.15, lw=0
        )
        left.plot(
            steps, curves.mean(0), "o-", ms=4, color=color, label=LABELS[way]
        )
        right.bar(
            np.arange(len(runs)) + offset, curves[:, -1], width=0.4, color=color
        )
    left.set(
        xlabel="training steps",
        ylabel="accuracy on the other images",
        ylim=(0, 1),
        title=f"Mean of {len(runs)} draws, range shaded",
    )
    left.legend(frameon=False, loc="lower right")
    right.set(
        xlabel="draw of examples",
        xticks=range(len(runs)),
        xticklabels=[str(run.seed) for run in runs],
        title="After the last step",
    )
    for axes in (left, right):
        axes.grid(axis="y", alpha=0.25)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)


def draw_predictions(
    path: str | os.PathLike,
    images: np.ndarray,
    labels: Sequence[str],
    predictions: Sequence[Prediction],
) -> None:
    """Draws a sheet of images, each under what the model takes it for.

    Args:
        path: The picture; its extension decides the format.
        images: Pixels 0-255, of shape `(number, height, width, 1)`.
        labels: What the images are.
        predictions: What the model takes them for.
    """
    columns = 10
    rows = -(-len(images) // columns)
    figure = Figure(figsize=(columns, 1.35 * rows), layout="constrained")
    sheet = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in sheet:
        axes.set_axis_off()
    for axes, image, label, prediction in zip(
        sheet, images, labels, predictions, strict=False
    ):
        axes.set_axis_on()
        axes.set(xticks=(), yticks=())
        # Shows where in its picture the digit lies.
        axes.spines[:].set_color("0.85")
        axes.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=255)
        is_right = prediction.label == label
        text = f"{prediction.label}  {prediction.probability:.0%}"
        axes.set_title(
            text if is_right else f"{text}\nis a {label}",
            fontsize=9,
            color="black" if is_right else COLORS["scratch"],
        )
    figure.savefig(path, dpi=130)
