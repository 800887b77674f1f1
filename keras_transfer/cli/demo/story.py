"""The demo from beginning to end, told in print."""

import os
import pathlib
import time

import numpy as np

import keras_transfer as kt
from keras_transfer.cli.demo import comparison
from keras_transfer.cli.demo import pictures
from keras_transfer.cli.demo.digits import CLASS_NAMES
from keras_transfer.cli.demo.digits import few_examples
from keras_transfer.cli.demo.digits import load_old_and_new
from keras_transfer.cli.demo.digits import scattered
from keras_transfer.cli.tables import print_table
from keras_transfer.serving import prediction

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
    pictures.draw_comparison(folder / "comparison.png", runs)
    pictures.draw_predictions(
        folder / "predicted_digits.png", shown.x, labels, best
    )
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
