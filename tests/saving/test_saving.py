"""Saving that never leaves half a file."""

import os
import stat

import keras
import numpy as np
import pytest

import keras_transfer as kt


def test_a_saved_model_predicts_bit_equally(tiny_model, tmp_path):
    path = tmp_path / "m.keras"
    kt.save_model(tiny_model, path)
    x = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3))
    np.testing.assert_array_equal(
        kt.load_model(path).predict(x, verbose=0),
        tiny_model.predict(x, verbose=0),
    )


def test_a_failing_save_keeps_the_old_file(tiny_model, tmp_path):
    path = tmp_path / "m.keras"
    kt.save_model(tiny_model, path)
    before = path.read_bytes()

    class Unsavable(keras.layers.Layer):
        def get_config(self):
            raise RuntimeError("no config")

    broken = keras.Sequential([keras.Input((2,)), Unsavable()])
    with pytest.raises(RuntimeError, match="no config"):
        kt.save_model(broken, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.keras"]


def test_the_file_is_as_readable_as_any_other(tiny_model, tmp_path):
    old = os.umask(0o022)
    try:
        kt.save_model(tiny_model, tmp_path / "m.keras")
    finally:
        os.umask(old)
    mode = stat.S_IMODE((tmp_path / "m.keras").stat().st_mode)
    assert mode == 0o644


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("m.h5", r"must be named '\*.keras'"),
        ("missing/m.keras", "does not exist. Create it first"),
        ("folder.keras", "is a folder. Name a file"),
    ],
)
def test_a_target_that_cannot_be_written_is_refused(
    tiny_model, tmp_path, name, message
):
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(ValueError, match=message):
        kt.save_model(tiny_model, tmp_path / name)


def test_a_folder_that_refuses_files_is_named(tiny_model):
    # /proc takes no files, even from root.
    if not os.path.isdir("/proc/self"):
        pytest.skip("no /proc on this system")
    with pytest.raises(ValueError, match="Cannot write '/proc/m.keras'"):
        kt.save_model(tiny_model, "/proc/m.keras")


def test_training_goes_on_exactly_after_a_reload(tiny_model, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 255, (8, 32, 32, 3)).astype("float32")
    y = np.arange(8) % 2
    tiny_model.compile(
        kt.wrap_optimizer("adam"), "sparse_categorical_crossentropy"
    )
    options = {"batch_size": 4, "shuffle": False, "verbose": 0}
    tiny_model.fit(x, y, **options)
    kt.save_model(tiny_model, tmp_path / "m.keras")
    reloaded = kt.load_model(tmp_path / "m.keras")
    for model in (tiny_model, reloaded):
        model.fit(x, y, **options)
    for one, other in zip(
        tiny_model.get_weights(), reloaded.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
