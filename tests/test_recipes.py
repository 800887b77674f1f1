"""The recipes run with `--check`; their networks have the known figures."""

import importlib
import pathlib
import re
import statistics
import sys

import keras
import numpy as np
import pytest

import keras_transfer as kt

ROOT = pathlib.Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"

# Parameters in all and those that train, as printed: the last line of
# `kt.trainable_summary`, which counts the variables of the model.
FIGURES = {
    "fashion_mnist_with_dropout": [
        (242_762, 242_762),
        (93_322, 93_322),
    ],
    "flowers_and_a_head_too_narrow": [],
    "four_strategies_compared": [],
    "from_scratch_with_auxiliary_heads": [
        (7_742_721, 7_742_721),
        (5_973_552 + 1_025, 5_973_552 + 1_025),
    ],
    "inception_cut_at_mixed7": [
        (47_512_481, 38_537_217),
        (47_514_531, 38_539_267),
    ],
    "overfitting_of_a_small_convnet": [
        (3_453_121, 3_453_121),
        (13_132_322, 13_132_322),
    ],
    "transformer_with_early_stopping": [(27_591_937, 27_273_601)],
    "vgg16_frozen_then_fine_tuned": [
        (40_406_849, 25_692_161),
        (40_406_849, 32_771_585),
        (15_251_275, 536_587),
    ],
}


# What else is to be read.
SENTENCES = {
    "flowers_and_a_head_too_narrow": "Label 4 is outside [0, 4)",
    "four_strategies_compared": "GradualUnfreeze",
    "transformer_with_early_stopping": "168 of 212 variables train",
}


@pytest.fixture
def example(monkeypatch, tmp_path):
    """Imports an example by name, with its neighbours in reach."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(EXAMPLES / "recipes")
    monkeypatch.syspath_prepend(EXAMPLES / "benchmarks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras_home"))
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(EXAMPLES) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def recipes():
    found = {path.stem for path in (EXAMPLES / "recipes").glob("*.py")}
    return sorted(found - {"material"})


def totals(printed):
    lines = re.findall(r"^total +([\d,]+) +([\d,]+) *$", printed, re.MULTILINE)
    return [tuple(int(n.replace(",", "")) for n in line) for line in lines]


def test_every_recipe_is_checked_and_listed():
    assert recipes() == sorted(FIGURES)
    readme = (ROOT / "README.md").read_text()
    for name in recipes():
        command = f"python examples/recipes/{name}.py"
        assert f"`{command.removeprefix('python ')}`" in readme
        assert command in (EXAMPLES / "recipes" / f"{name}.py").read_text()


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_it_has_its_figures_and_trains(name, example, capsys):
    example(name).main(["--check"])
    printed = capsys.readouterr().out
    for figures in FIGURES[name]:
        assert figures in totals(printed)
    assert SENTENCES.get(name, "") in printed
    losses = re.findall(r"val_loss: (\S+)", printed)
    assert losses
    assert np.isfinite(np.array(losses, float)).all()


@pytest.mark.slow
def test_googlenet_trains_with_its_auxiliary_heads(example, capsys):
    recipe = example("from_scratch_with_auxiliary_heads")
    recipe.main(["--check", "--network=googlenet"])
    printed = capsys.readouterr().out
    # Two steps of three classifiers that know nothing: 1.6 times log 2.
    loss = float(re.findall(r"[^_]loss: ([\d.]+)", printed)[-1])
    assert 0.9 < loss < 1.6


@pytest.mark.parametrize("num_classes", [2, 5])
def test_without_assets_scikit_learn_brings_real_images(
    num_classes, example, monkeypatch
):
    monkeypatch.delenv("KERAS_TRANSFER_ASSETS", raising=False)
    material = example("material")
    arguments = material.parse("", ["--check"], epochs=9)
    train, validation = material.photographs(
        arguments, "flowers", num_classes=num_classes, image_size=32
    )
    assert len(train.class_names) == num_classes
    assert material.weights(arguments, material.MOBILENET) is None
    assert arguments.epochs == 1
    images, labels = next(iter(train))
    assert images.shape == (2, 32, 32, 3)
    # Neighbouring pixels resemble each other, as in noise they would not.
    pixels = np.asarray(images)
    steps = np.abs(np.diff(pixels, axis=2)).mean()
    assert 0 < steps < 0.6 * pixels.std()


def test_a_recipe_takes_a_folder_of_ones_own(example, capsys, monkeypatch):
    monkeypatch.delenv("KERAS_TRANSFER_ASSETS", raising=False)
    material = example("material")
    folder = material.images_at_hand(10)
    example("flowers_and_a_head_too_narrow").main(
        ["--check", "--data", str(folder)]
    )
    printed = capsys.readouterr().out
    assert "160 images to train on, 40 to validate on: 0, 1, 2" in printed
    assert re.search(
        r"The narrow head: Label 9 is outside \[0, 9\).*num_classes=10", printed
    )
    assert re.search(
        r"with names: A head with num_classes=9 needs 9 class names", printed
    )


@pytest.fixture
def both(example, imagenet):
    """The recipe, the script, the file with real weights for both."""
    return (
        example("vgg16_frozen_then_fine_tuned"),
        example("frozen_in_plain_keras"),
        str(imagenet / "models" / "mobilenet_7_5_224_tf_no_top.h5"),
    )


def test_on_the_same_batches_it_has_the_same_losses(both, assets):
    recipe, script, weights = both
    plain = script.build_model(96, weights)
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, input_shape=(96, 96, 3), weights=weights
    )
    model = recipe.build_model(["ants", "bees"], backbone)
    kt.freeze(model)
    kt.compile_for_transfer(model, "adam", learning_rate=1e-4)
    head = model.get_layer("head")
    hidden, predictions = plain.layers[-2:]
    head.hidden_layers[0].set_weights(hidden.get_weights())
    head.predictions.set_weights(predictions.get_weights())
    train, validation = kt.data.from_directory(
        assets / "hymenoptera", image_size=96, batch_size=8, check=False
    )
    for images, labels in train.take(3):
        images, labels = np.asarray(images), np.asarray(labels)[:, None]
        expected = plain.train_on_batch(images, labels)
        np.testing.assert_allclose(
            model.train_on_batch(images, labels), expected, rtol=1e-5
        )
    images = next(iter(validation))[0]
    np.testing.assert_allclose(
        model.predict(images, verbose=0),
        plain.predict(images, verbose=0),
        atol=1e-5,
    )


def features_of(model, images):
    """What the frozen part of a model makes of images."""
    cut = keras.Model(model.input, model.layers[-1].input)
    return cut.predict(images, batch_size=32, verbose=0)


@pytest.mark.slow
def test_over_seeds_it_is_as_accurate_as_the_script(both, assets):
    """By the photographs as each reads them, with twelve first heads each.

    The frozen part computes the same every time, so it computes once. Three
    whole trainings of each would differ by more from seed to seed than from
    each other.
    """
    recipe, script, weights = both
    folder = assets / "hymenoptera"
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, input_shape=(96, 96, 3), weights=weights
    )
    model = recipe.build_model(["ants", "bees"], backbone)
    ours = [
        (features_of(model, data), data.labels)
        for data in kt.data.from_directory(folder, image_size=96, shuffle=False)
    ]
    plain = script.build_model(96, weights)
    backbone_alone = keras.Model(plain.input, plain.layers[-3].output)
    theirs = []
    for part in ("train", "val"):
        data = keras.utils.image_dataset_from_directory(
            folder / part, image_size=(96, 96), shuffle=False
        )
        labels = np.concatenate([np.asarray(batch[1]) for batch in data])
        theirs.append((backbone_alone.predict(data, verbose=0), labels))

    gains = []
    for seed in range(12):
        keras.utils.set_random_seed(seed)
        image = keras.Input(ours[0][0].shape[1:])
        head = kt.heads.MLPHead(1, hidden_units=(1024,), pooling="flatten")
        model = keras.Model(image, head(image))
        kt.compile_for_transfer(model, "adam", learning_rate=1e-4)
        gains.append(last_accuracy(model, *ours))
        keras.utils.set_random_seed(seed)
        image = keras.Input(theirs[0][0].shape[1:])
        x = keras.layers.Dense(1024, activation="relu")(image)
        model = keras.Model(image, keras.layers.Dense(1, "sigmoid")(x))
        model.compile(
            keras.optimizers.Adam(1e-4),
            "binary_crossentropy",
            metrics=["accuracy"],
        )
        gains[-1] -= last_accuracy(model, *theirs)
    error = statistics.stdev(gains) / len(gains) ** 0.5
    print(f"\ngain {statistics.mean(gains):.4f}, standard error {error:.4f}")
    assert statistics.mean(gains) >= -2 * error
    assert error < 0.02


def last_accuracy(model, train, validation):
    history = model.fit(
        *train, epochs=4, validation_data=validation, verbose=0
    ).history
    return history["val_accuracy"][-1]
