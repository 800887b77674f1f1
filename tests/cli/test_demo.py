import shutil

import pytest

import keras_transfer as kt
from keras_transfer.data.datasets import DATASETS


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--dataset=flwers"], "Did you mean 'flowers'?"),
        (["--backbone=vgg16"], "--backbone belongs to --dataset"),
        (["--epochs=3"], "--epochs belongs to --dataset"),
        (["--out=no/such"], "Cannot make the folder 'no/such'"),
        (["--out=photos/day/1.png"], "it is a file, not a folder"),
        (["--dataset=flowers", "--backbone=tini"], "Unknown backbone 'tini'"),
    ],
)
def test_a_wrong_argument_is_one_sentence(run, photos, words, sentence):
    code, out, err = run("demo", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_the_help_names_every_data_set(run):
    _, out, _ = run("demo", "--help")
    assert all(name in out for name in DATASETS)


def test_real_photographs_go_through_fit(run, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    shutil.copytree(photos, tmp_path / "home" / "datasets" / "flowers")
    weights = kt.WeightsFile("https://example.org/tiny.weights.h5")
    kt.register_backbone(
        kt.get_backbone("test/tiny"),
        name="test/pretrained",
        weights={"imagenet": weights},
    )
    (tmp_path / "home" / "models").mkdir()
    kt.create_backbone("test/tiny", weights=None).save_weights(
        tmp_path / "home" / "models" / weights.file_name
    )
    code, out, err = run(
        *("demo", "--dataset=flowers", "--backbone=test/pretrained"),
        *("--epochs=1", "--out=shown"),
    )
    assert (code, err) == (0, "")
    assert out.startswith("keras-transfer fit ")
    model = kt.load_model(tmp_path / "shown" / "flowers.keras")
    assert kt.info(model).class_names == ["day", "night"]
    assert (tmp_path / "shown" / "flowers_history.png").exists()
