"""`kt.fit` with features in a folder, and how many passes it takes."""

import pathlib
import tempfile

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.features import budget
from tests.features.networks import build_classifier
from tests.features.networks import photographs

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="it has no cache"
)


class Passes(keras.callbacks.Callback):
    """Notes the rows that are computed."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.rows = []
        self.stop_after = stop_after

    def on_features_batch_end(self, rows):
        self.rows.append(rows)
        if len(self.rows) == self.stop_after:
            raise KeyboardInterrupt


def train(cache, watch=None, epochs=2, **options):
    keras.utils.set_random_seed(0)
    model = build_classifier()
    images, labels = photographs(20)
    schedule = kt.schedules.GradualUnfreeze(every=1, start=1)
    kt.fit(
        model,
        images,
        labels,
        validation_data=(images[:8], labels[:8]),
        cache=cache,
        epochs=epochs,
        batch_size=8,
        shuffle=False,
        callbacks=[schedule, *([watch] if watch else [])],
        **{"verbose": 0, **options},
    )
    return model.get_weights()


@pytest.fixture(scope="module")
def uncached():
    return train(False)


def check_equal(weights, expected):
    for one, other in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_interrupted_and_begun_again_it_equals_training_on_images(
    uncached, tmp_path, capsys
):
    """All phases take one pass, and another training takes none."""
    folder = tmp_path / "features"
    first = Passes(stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        train(folder, first)
    second = Passes()
    check_equal(train(folder, second, verbose=2), uncached)
    assert (first.rows, second.rows) == ([8, 16], [20, 28])
    assert "28 rows, " in capsys.readouterr().err
    third = Passes()
    check_equal(train(str(folder), third), uncached)
    assert third.rows == []
    assert len(list(folder.glob("*/manifest.json"))) == 2


def test_features_too_large_for_memory_go_to_a_folder_that_goes_away(
    uncached, monkeypatch, tmp_path
):
    monkeypatch.setattr(budget, "free_budget", lambda: 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    watch = Passes()
    check_equal(train("auto", watch), uncached)
    assert watch.rows[-1] == 28
    assert not list(tmp_path.iterdir())


def test_stale_features_are_computed_anew_and_that_is_said(tmp_path, capsys):
    images, labels = photographs(8)
    model = build_classifier()
    kt.freeze(model)
    for shift in (0, 1):
        history = kt.fit(
            model,
            images + shift,
            labels,
            cache=tmp_path,
            cache_dtype="bfloat16",
            verbose=0,
        )
    assert np.isfinite(history.history["loss"]).all()
    said = capsys.readouterr().err
    assert "made from other data; computed anew." in said
    (manifest,) = tmp_path.glob("*/manifest.json")
    assert '"dtype": "bfloat16"' in manifest.read_text()


@pytest.mark.xla
def test_xla_cannot_read_from_a_disk(tmp_path):
    model = build_classifier()
    kt.freeze(model)
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=True)
    with pytest.raises(ValueError, match="compile with jit_compile=False"):
        kt.fit(model, *photographs(8), cache=tmp_path)


@pytest.mark.parametrize("cache", ["yes", "Auto", "none", True, 3, ""])
def test_what_is_no_place_is_refused(cache):
    with pytest.raises(ValueError, match="`cache` must be one of"):
        kt.fit(build_classifier(), *photographs(8), cache=cache)


def test_too_small_a_disk_is_told_before_training(tmp_path, monkeypatch):
    import shutil

    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    model = build_classifier()
    kt.freeze(model)
    with pytest.raises(ValueError, match="100 bytes are free for it in"):
        kt.fit(model, *photographs(8), cache=pathlib.Path(tmp_path))
