import csv
import re

import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.serving import prediction


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_fit_finds_a_learning_rate(fit, tmp_path):
    code, out, err = fit("--learning-rate=auto", epochs=2)
    assert (code, err) == (0, "")
    found = re.search(r"Found by a range test: learning rate (\S+) \(", out)
    model = kt.load_model(tmp_path / "model.keras")
    rate = float(model.optimizer.learning_rate)
    assert f"{rate:.2g}" == found[1]
    assert "model_learning_rate.png" in out
    with Image.open(tmp_path / "model_learning_rate.png") as picture:
        assert picture.width > 600


def test_fit_writes_model_curves_figures(fit, tmp_path):
    code, out, err = fit("--learning-rate=0.05", epochs=3)
    assert (code, err) == (0, "")
    assert "Written: model.keras, model_history.png, model_history.csv" in out
    model = kt.load_model(tmp_path / "model.keras")
    assert kt.info(model).class_names == ["day", "night"]
    assert kt.info(model).backbone["name"] == "test/tiny"
    rows = read_csv(tmp_path / "model_history.csv")
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    history = kt.info(model).history
    assert [float(row["val_loss"]) for row in rows] == history["val_loss"]
    with Image.open(tmp_path / "model_history.png") as picture:
        assert picture.width > 800


def test_the_tables_hold_what_the_saved_model_does(fit, photos, tmp_path):
    code, out, _ = fit("--learning-rate=0.05", epochs=6)
    assert code == 0
    model = kt.load_model(tmp_path / "model.keras")
    _, validation = kt.data.from_directory(photos, image_size=16, batch_size=8)
    predicted = model.predict(validation, verbose=0).argmax(-1)
    accuracy = (predicted == validation.labels).mean()
    lines = [line.split() for line in out.splitlines()]
    assert ["validation", "accuracy", f"{accuracy:.3f}"] in lines
    recall = (predicted[validation.labels == 1] == 1).mean()
    night = next(line for line in lines if line[:1] == ["night"])
    assert night[2:] == [f"{recall:.3f}", "2"]


def test_the_best_epoch_is_kept_not_the_last(
    fit, photos, tmp_path, monkeypatch
):
    class Spoil(kt.schedules.LinearProbe):
        """Turns the head around before the last epoch."""

        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch, logs)
            if epoch == 3:
                for weight in self.model.get_layer("head").weights:
                    weight.assign(-100 * weight)

    monkeypatch.setattr(kt.schedules, "LinearProbe", Spoil)
    code, out, _ = fit("--learning-rate=0.05", epochs=4)
    assert code == 0
    model = kt.load_model(tmp_path / "model.keras")
    losses = kt.info(model).history["val_loss"]
    assert losses[-1] > min(losses)
    assert "4 of 4" not in out
    _, validation = kt.data.from_directory(photos, image_size=16, batch_size=8)
    kt.compile_for_transfer(model)
    figures = model.evaluate(validation, verbose=0, return_dict=True)
    assert figures["loss"] == pytest.approx(min(losses), rel=1e-5)


def test_a_schedule_thaws_and_is_shown_before_training(fit, tmp_path):
    code, out, err = fit("--seed=1", "--schedule=gradual_unfreeze", epochs=3)
    assert (code, err) == (0, "")
    assert out.index("trainable") < out.index("Epoch 1/3")
    model = kt.load_model(tmp_path / "model.keras")
    assert isinstance(kt.schedules.of(model), kt.schedules.GradualUnfreeze)
    assert kt.info(model).history["phase"] == [0.0, 1.0, 2.0]


def test_an_unknown_schedule_is_refused_before_anything_is_written(
    fit, tmp_path
):
    code, _, err = fit("--schedule=gradual")
    assert code == 2
    assert "Did you mean 'gradual_unfreeze'" in err
    assert not (tmp_path / "model.keras").exists()


def test_the_backbone_stays_and_the_head_learns(fit, tmp_path):
    fit("--seed=1", epochs=1)
    fit("--seed=1", "--out=longer.keras", epochs=3)
    short = kt.load_model(tmp_path / "model.keras")
    longer = kt.load_model(tmp_path / "longer.keras")
    for a, b in zip(
        short.get_layer("tiny").weights,
        longer.get_layer("tiny").weights,
        strict=True,
    ):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for a, b in zip(
        short.get_layer("head").weights,
        longer.get_layer("head").weights,
        strict=True,
    ):
        assert (a.numpy() != b.numpy()).any()


def test_the_same_seed_gives_the_same_model(fit, tmp_path):
    words = ("--augment", "--head=mlp", "--hidden-units=8,4")
    fit(*words, "--seed=3", "--out=a.keras")
    fit(*words, "--seed=3", "--out=b.keras")
    fit(*words, "--seed=4", "--out=c.keras")
    a, b, c = (
        kt.load_model(tmp_path / f"{name}.keras").get_weights()
        for name in "abc"
    )
    for left, right in zip(a, b, strict=True):
        np.testing.assert_array_equal(left, right)
    assert any((left != right).any() for left, right in zip(a, c, strict=True))


def test_options_size_cut_head_reach_the_model(fit, tmp_path):
    code, _, err = fit(
        *("--option=width=3", "--option=deep=true", "--cut-at=relu_2"),
        *("--image-size=24", "--head=mlp", "--hidden-units=8,4"),
        "--dropout=0.1",
        epochs=1,
    )
    assert (code, err) == (0, "")
    model = kt.load_model(tmp_path / "model.keras")
    assert model.input_shape == (None, 24, 24, 3)
    assert model.get_layer("tiny").output_shape == (None, 6, 6, 6)
    assert model.get_layer("head").hidden_units == [8, 4]
    assert kt.info(model).backbone["options"] == {"width": 3, "deep": True}


def test_augmentation_changes_training_only(fit, photos, tmp_path):
    fit("--out=plain.keras")
    fit("--augment", "--out=augmented.keras")
    plain, augmented = (
        kt.load_model(tmp_path / f"{name}.keras")
        for name in ("plain", "augmented")
    )
    assert [layer.name for layer in plain.layers] == [
        layer.name for layer in augmented.layers
    ]
    assert kt.info(plain).history["loss"] != kt.info(augmented).history["loss"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--epochs=0"], "--epochs: expected a whole number of at least 1"),
        (["--epochs=two"], "at least 1, received 'two'"),
        (["--batch-size=0"], "--batch-size: expected a whole number"),
        (["--dropout=1"], "from 0 and below 1, received '1'"),
        (["--validation-split=1"], "from 0 and below 1, received '1'"),
        (["--learning-rate=-1"], "--learning-rate: expected a number above 0"),
        (["--learning-rate=best"], "received 'best'"),
        (["--learning-rate=nan"], "received 'nan'"),
        (["--option=alpha"], "expected NAME=VALUE, such as alpha=0.75"),
        (["--head=cnn"], "invalid choice: 'cnn'"),
        (["--head=mlp", "--hidden-units=8,x"], "received 'x'"),
        (["--hidden-units=8"], "--hidden-units belongs to --head mlp"),
        (["--backbone=test/tini"], "Did you mean 'test/tiny'"),
        (["--image-size=4"], "at least 8x8 pixels. Received: --image-size 4"),
        (["--option=widht=3"], "Did you mean 'width'?"),
        (["--option=width=wide"], "must be a number; its default is 4"),
        (["--option=deep=3"], "must be True or False"),
        (["--option=width=3", "--option=width=4"], "more than once"),
        (["--weights=imagnet"], "Unknown weights 'imagnet'"),
        (["--cut-at=relu_9"], "relu_9"),
        (["--out=model.h5"], "must be named '*.keras'"),
        (["--out=no/model.keras"], "the folder 'no' does not exist"),
    ],
)
def test_a_wrong_argument_is_one_sentence(fit, tmp_path, words, sentence):
    before = sorted(tmp_path.iterdir())
    code, out, err = fit(*words)
    assert code == 2
    assert sentence in err
    assert out == ""
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_the_folder_must_exist(fit, tmp_path):
    code, _, err = fit(folder=tmp_path / "fotos")
    assert code == 2
    assert "Did you mean" in err
    assert "photos" in err


def test_files_are_not_written_among_the_photographs(fit, photos):
    code, _, err = fit(f"--out={photos}/model.keras")
    assert code == 2
    assert "would lie among the photographs" in err
    code, _, err = fit(f"--out={photos}/day/model.keras")
    assert "would lie among the photographs" in err


def test_a_folder_in_the_way_is_refused_before_training(fit, tmp_path):
    (tmp_path / "model_history.csv").mkdir()
    code, out, err = fit()
    assert (code, out) == (2, "")
    assert "Cannot write 'model_history.csv': it is a folder" in err


def test_a_corrupt_photograph_is_named_before_training(fit, photos):
    (photos / "day" / "3.png").write_bytes(b"\x89PNG not really")
    code, out, err = fit()
    assert (code, out) == (2, "")
    assert "day/3.png" in err
    code, out, err = fit("--bad-files=skip", epochs=1)
    assert code == 0
    assert err.startswith("keras-transfer: warning: Left out 1 file")


def test_an_empty_class_folder_is_named(fit, photos):
    (photos / "dusk").mkdir()
    code, out, err = fit()
    assert (code, out) == (2, "")
    assert "dusk" in err


def test_an_old_model_is_lost_only_to_a_new_one(fit, tmp_path, photos):
    (tmp_path / "model.keras").write_bytes(b"old")
    (photos / "dusk").mkdir()
    assert fit()[0] == 2
    assert (tmp_path / "model.keras").read_bytes() == b"old"
    (photos / "dusk").rmdir()
    assert fit(epochs=1)[0] == 0
    kt.load_model(tmp_path / "model.keras")


def test_a_loss_that_becomes_nan_ends_in_a_sentence(fit, tmp_path):
    code, _, err = fit("--learning-rate=1e38", epochs=4)
    assert code == 2
    assert "The loss became NaN in epoch 1. Nothing was saved." in err
    assert "--learning-rate 1e+37" in err
    assert not (tmp_path / "model.keras").exists()


def test_debug_shows_where_an_error_comes_from(fit):
    code, _, err = fit("--debug", "--backbone=nothing")
    assert code == 2
    assert "Traceback" in err
    assert "Unknown backbone 'nothing'" in err.splitlines()[-1]


def test_features_are_kept_in_a_folder_for_the_next_run(fit, tmp_path):
    code, _, err = fit("--cache=kept", epochs=1)
    assert code == 0
    assert err.startswith("kt.fit: features of 24 rows, ")
    (manifest,) = (tmp_path / "kept").glob("features-*/manifest.json")
    written = manifest.stat().st_mtime_ns
    assert fit("--cache=kept", epochs=1)[0] == 0
    assert manifest.stat().st_mtime_ns == written


def test_features_among_the_photographs_are_refused(fit, photos):
    code, out, err = fit(f"--cache={photos}/features")
    assert (code, out) == (2, "")
    assert "The features would lie among the photographs" in err


def test_real_photographs_with_real_weights(run, assets, imagenet, tmp_path):
    code, out, err = run(
        *("fit", assets / "hymenoptera", "--backbone=mobilenet"),
        *("--option=alpha=0.75", "--image-size=96", "--epochs=2"),
        *("--weights", imagenet / "models/mobilenet_7_5_224_tf_no_top.h5"),
    )
    assert (code, err) == (0, "")
    model = kt.load_model(tmp_path / "model.keras")
    assert kt.info(model).history["val_accuracy"][-1] > 0.6
    photograph = next((assets / "hymenoptera/val/bees").glob("*.jpg"))
    code, out, _ = run("predict", "model.keras", photograph, "--json")
    pixels = kt.data.load_image(photograph, 96)[np.newaxis]
    expected = prediction.ranked(model, model.predict(pixels, verbose=0), 1)
    assert f'"probability": {expected[0][0].probability!r}' in out
