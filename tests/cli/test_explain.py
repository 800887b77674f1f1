"""`keras-transfer explain` and `keras-transfer activations`."""

import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.cli import explain
from keras_transfer.explaining import methods

# Random weights may speak for a class nowhere; that is not what is tested.
pytestmark = pytest.mark.filterwarnings("ignore:In 1 of 1 images")


@pytest.fixture
def model(photos, tmp_path):
    """A classifier of `photos` in `model.keras`, not trained."""
    backbone = kt.create_backbone(
        "test/tiny", weights=None, input_shape=(16, 16, 3)
    )
    model = kt.build_model(
        backbone, kt.heads.LinearHead(2), class_names=["day", "night"]
    )
    # So that something speaks for each class.
    model.get_layer("head").predictions.kernel.assign(np.ones((8, 2)))
    kt.save_model(model, tmp_path / "model.keras")
    return kt.load_model(tmp_path / "model.keras")


def test_a_picture_for_each_photograph(run, model, photos, tmp_path):
    paths = [photos / "day" / "1.png", photos / "night" / "1.png"]
    code, out, err = run("explain", "model.keras", *paths, "--out", "a/b")
    assert (code, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == list(map(str, paths))
    assert [row[3] for row in rows] == [
        "a/b/1_layer_cam.png",
        "a/b/1_2_layer_cam.png",
    ]
    labels = kt.predict_labels(model, paths)
    assert [row[1] for row in rows] == labels
    for row in rows:
        with Image.open(tmp_path / row[3]) as picture:
            assert min(picture.size) > 200


@pytest.mark.parametrize(
    "method", [m for m in explain.METHODS if m != "attention-rollout"]
)
def test_every_method_draws(run, model, photos, tmp_path, method):
    code, _, _ = run(
        "explain", "model.keras", photos / "day" / "1.png", "--method", method
    )
    assert code == 0
    (picture,) = (tmp_path / "explanations").iterdir()
    assert picture.stat().st_size > 1000


def test_the_command_line_knows_every_method():
    assert explain.METHODS == tuple(methods.METHODS)


def test_a_class_a_layer_and_a_contrast_may_be_asked_for(run, model, photos):
    photo = photos / "day" / "1.png"
    probabilities = model.predict(
        kt.data.load_image(photo, 16)[None], verbose=0
    )[0]
    for word, number in (("night", 1), ("0", 0)):
        code, out, _ = run(
            "explain",
            "model.keras",
            photo,
            f"--class={word}",
            "--at=stem",
            "--contrast",
        )
        assert code == 0
        _, label, probability, _ = out.split("\t")
        assert label == ["day", "night"][number]
        assert float(probability) == pytest.approx(
            probabilities[number], abs=1e-4
        )


def test_a_corrupt_photograph_is_named_the_others_explained(run, model, photos):
    (photos / "day" / "1.png").write_bytes(b"\x89PNG not really")
    code, out, err = run(
        "explain", "model.keras", photos / "day" / "1.png", photos / "night"
    )
    assert code == 1
    assert "day/1.png" in err
    assert len(out.splitlines()) == 12


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["none.keras", "photos"], "There is no model file 'none.keras'."),
        (["model.keras", "fotos"], "There is no file or folder fotos"),
        (["model.keras", "photos", "--method=x"], "invalid choice"),
        (["model.keras", "photos", "--class=dai"], "Did you mean 'day'"),
        (["model.keras", "photos", "--class=7"], "class 7 is outside"),
        (["model.keras", "photos", "--at=stum"], "Did you mean"),
        (["model.keras", "photos", "--out=model.keras"], "is a file"),
        (["model.keras", "photos", "--out=model.keras/a"], "is a file"),
        (
            ["model.keras", "photos", "--method=eigen-cam", "--class=day"],
            "the same for all classes",
        ),
        (
            ["model.keras", "photos", "--method=saliency", "--at=stem"],
            "about the pixels",
        ),
        (
            ["model.keras", "photos", "--method=attention-rollout", "--at=x"],
            "about all layers",
        ),
        (
            ["model.keras", "photos", "--method=attention-rollout"],
            "No attention scores can be had",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence(run, model, words, sentence):
    code, out, err = run("explain", *words)
    assert (code, out) == (2, "")
    assert sentence in err


def test_all_stages_are_drawn(run, model, photos, tmp_path):
    photo = photos / "day" / "1.png"
    code, out, err = run("activations", "model.keras", photo)
    assert (code, err) == (0, "")
    stages = [s.name for s in kt.stages_of(model.get_layer("tiny"))]
    assert out.splitlines() == [
        "activations/1_stages.png",
        *(f"activations/1_{name}.png" for name in stages),
    ]
    assert all((tmp_path / line).is_file() for line in out.splitlines())


def test_named_layers_alone_are_drawn(run, model, photos, tmp_path):
    code, out, _ = run(
        "activations",
        "model.keras",
        photos / "day" / "1.png",
        *("--layers", "tiny/conv_1", "head", "--channels=2", "--out", "maps"),
    )
    assert code == 0
    assert out.splitlines() == ["maps/1_tiny_conv_1.png", "maps/1_head.png"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["none.keras", "a.png"], "There is no model file 'none.keras'."),
        (["model.keras", "a.png"], "There is no image file 'a.png'."),
        (["model.keras", "photos"], "There is no image file 'photos'."),
        (
            ["model.keras", "photos/day/1.png", "--layers", "stum"],
            "Did you mean 'stem'",
        ),
        (
            ["model.keras", "photos/day/1.png", "--out", "model.keras"],
            "is a file",
        ),
        (
            ["model.keras", "photos/day/1.png", "--channels=0"],
            "whole number of at least 1",
        ),
    ],
)
def test_wrong_words_are_one_sentence(run, model, tmp_path, words, sentence):
    code, out, err = run("activations", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert not (tmp_path / "activations").exists()


def test_numbers_tell_photographs_of_one_name_apart():
    from pathlib import Path

    from keras_transfer.cli.activations import names_of

    paths = map(Path, ["a/1.jpg", "b/1.jpg", "1_2.png", "c/1.gif"])
    names = names_of(list(paths))
    assert names[:2] == ["1", "1_2"]
    assert len(set(names)) == 4


def test_a_folder_that_must_not_be_written_is_told(run, model, monkeypatch):
    from keras_transfer.cli import activations

    def refuse(**arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(activations.tempfile, "TemporaryFile", refuse)
    code, _, err = run("explain", "model.keras", "photos", "--out", "x")
    assert code == 2
    assert "Permission denied. Choose another folder." in err
