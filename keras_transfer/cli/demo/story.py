"""The demo from beginning to end, told in print."""

import os
import pathlib
import time
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

import keras_transfer as kt
from keras_transfer.cli.demo import comparison
from keras_transfer.cli.demo.comparison import STEPS_BETWEEN_TESTS
from keras_transfer.cli.demo.comparison import Run
from keras_transfer.cli.demo.digits import CLASS_NAMES
from keras_transfer.cli.demo.digits import few_examples
from keras_transfer.cli.demo.digits import load_old_and_new
from keras_transfer.cli.demo.digits import scattered
from keras_transfer.cli.words import print_table
from keras_transfer.serving import prediction
from keras_transfer.serving.prediction import Prediction

# Told apart by people who cannot tell red from green.
COLORS = {"transfer": "#4477aa", "scratch": "#ee6677"}
LABELS = {"transfer": "transferred, backbone frozen", "scratch": "from scratch"}
SEEDS = range(5)
_SHOWN = 30


def tell(folder: str | os.PathLike) -> list[comparison.Run]:
    """Pretrains, transfers, compares, saves, reloads, predicts, draws.

    Args:
        folder: Where the model and the pictures go; it exists.

    Returns:
        The figures of each draw of examples.
    """
    folder = pathlib.Path(folder)
    start = time.perf_counter()
    old, new = load_old_and_new()
    new = scattered(new, seed=0)
    print(
        f"1. Pretraining a small network on {len(old.y)} handwritten digits, 0 "
        "to 4,\n   each somewhere in a picture of 12 by 12 pixels ..."
    )
    backbone, accuracy = comparison.pretrain(old)
    print(
        "   Turned and mirrored they are 40 classes; of digits that it has not "
        f"seen\n   it gets {accuracy:.1%} right."
    )
    print(
        f"2. Transferring it to 5 to 9 with {comparison.EXAMPLES_PER_CLASS} "
        "examples of each, beside\n   the same network from scratch; same "
        f"examples, same {comparison.STEPS} steps ..."
    )
    runs, models = [], []
    for seed in SEEDS:
        run, model = comparison.compare(backbone, new, seed)
        runs.append(run)
        models.append(model)
        print(
            f"   draw {seed}: transferred {run.transfer[-1]:.1%}, "
            f"from scratch {run.scratch[-1]:.1%}",
            flush=True,
        )
    path = folder / "digits_5_to_9.keras"
    print(f"3. Saving the model of draw {runs[0].seed}, and loading it again.")
    kt.save_model(models[0], path)
    model = kt.load_model(path)
    _, test = few_examples(new, comparison.EXAMPLES_PER_CLASS, runs[0].seed)
    shown = test.take(np.linspace(0, len(test.y) - 1, _SHOWN).astype(int))
    best = [row[0] for row in prediction.predict(model, shown.x)]
    labels = [CLASS_NAMES[label] for label in shown.y]
    print(f"4. It reads {' '.join(labels[:15])}")
    print(f"         as {' '.join(p.label for p in best[:15])}")
    draw_comparison(folder / "comparison.png", runs)
    draw_predictions(folder / "predicted_digits.png", shown.x, labels, best)
    _print_figures(runs)
    print(
        f"\nWritten to {folder}: {path.name}, comparison.png, "
        f"predicted_digits.png ({time.perf_counter() - start:.0f} s)"
    )
    return runs


def _print_figures(runs):
    transfer = np.array([run.transfer[-1] for run in runs])
    scratch = np.array([run.scratch[-1] for run in runs])
    print()
    print_table(
        ("network", "mean accuracy", "lowest", "highest"),
        [
            (name, *(f"{v:.1%}" for v in (a.mean(), a.min(), a.max())))
            for name, a in (
                ("transferred", transfer),
                ("from scratch", scratch),
            )
        ],
    )
    gain = 100 * (transfer - scratch).mean()
    print(f"\nTransfer gains {gain:.1f} points over {len(runs)} draws.")


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
    for axes, image, label, found in zip(
        sheet, images, labels, predictions, strict=False
    ):
        axes.set_axis_on()
        axes.set(xticks=(), yticks=())
        # Shows where in its picture the digit lies.
        axes.spines[:].set_color("0.85")
        axes.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=255)
        is_right = found.label == label
        text = f"{found.label}  {found.probability:.0%}"
        axes.set_title(
            text if is_right else f"{text}\nis a {label}",
            fontsize=9,
            color="black" if is_right else COLORS["scratch"],
        )
    figure.savefig(path, dpi=130)
