"""Whether the interval of cross-validation holds, and what it costs.

    KERAS_TRANSFER_ASSETS=... python examples/benchmarks/honest_accuracy.py

Draws training photographs of ants and bees 100 times, cross-validates a linear
head on features of MobileNet 0.75, and compares with the accuracy of a head
trained on all that were drawn, on those that were not. The fewer these are,
the more that accuracy itself is off: with 240 of 397 drawn it is known to
0.044 only, and the interval covers less of it than of the truth.

The cost is that of `kt.cross_validate` by that of `kt.fit` for 10 epochs, each
with features of its own, in turns.
"""

import os
import pathlib
import shutil
import tempfile
import time

import numpy as np

DRAWS = 100
COUNTS = (80, 120, 160, 240)
TURNS = 3


def main():
    assets = pathlib.Path(os.environ["KERAS_TRANSFER_ASSETS"])
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder, "keras_home")
        shutil.copytree(assets / "keras_home", home)
        os.environ["KERAS_HOME"] = str(home)
        import keras_transfer as kt

        train, validation = kt.data.from_directory(
            assets / "hymenoptera", image_size=224
        )
        backbone = kt.create_backbone(
            "mobilenet", alpha=0.75, input_shape=(224, 224, 3)
        )
    head = kt.heads.LinearHead(2, dropout=0.5)
    model = kt.build_model(backbone, head, class_names=train.class_names)
    kt.freeze(model)
    kt.compile_for_transfer(model, learning_rate=0.003)
    measure_cost(kt, model, train, validation)
    found = kt.embed(model, assets / "hymenoptera")
    for count in COUNTS:
        measure_coverage(np.asarray(found.vectors), found.labels, count)


def measure_cost(kt, model, train, validation):
    ratios = []
    for _ in range(TURNS):
        start = time.perf_counter()
        kt.fit(model, train, validation_data=validation, epochs=10, verbose=0)
        middle = time.perf_counter()
        kt.cross_validate(model, [train, validation])
        end = time.perf_counter()
        ratios.append((end - middle) / (middle - start))
    print(f"cost by that of one fit: {np.median(ratios):.2f}")


def measure_coverage(vectors, labels, count):
    from keras_transfer.evaluation.cross_validation import judge
    from keras_transfer.evaluation.many_heads import Recipe
    from keras_transfer.evaluation.refitting import Trainer

    labels = labels.astype("int64")
    covered, widths, promised, missed = 0, [], 0, []
    for seed in range(DRAWS):
        order = np.random.default_rng(seed).permutation(len(labels))
        rows, rest = order[:count], order[count:]
        trainer = Trainer(Recipe(dropout=0.5), 2, seed=seed)
        found = judge(
            trainer, vectors[rows], labels[rows], np.arange(count), seed=seed
        )
        accuracy = accuracy_of(trainer, vectors, labels, rows, rest)
        covered += found.interval[0] <= accuracy <= found.interval[1]
        widths.append(found.interval[1] - found.interval[0])
        curve = found.learning_curve
        if curve is not None and len(labels) - 2 * count > 100:
            twice = order[: 2 * count], order[2 * count :]
            true = accuracy_of(trainer, vectors, labels, *twice)
            missed.append(abs(curve.doubled - true))
            promised += missed[-1] <= curve.error
    told = f"{count} photographs: covered {covered} of {DRAWS}, mean width "
    told += f"{np.mean(widths):.3f}"
    if missed:
        told += (
            f"; twice as many: {promised} of {len(missed)} within the error "
            f"that is shown, mean miss {np.mean(missed):.3f}"
        )
    print(told)


def accuracy_of(trainer, vectors, labels, rows, rest):
    (said,) = trainer.predict(vectors, labels, [(rows, rest)])
    return (said == labels[rest]).mean()


if __name__ == "__main__":
    main()
