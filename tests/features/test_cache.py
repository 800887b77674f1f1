import os
import pathlib
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.features import rows
from keras_transfer.features.computing import compute_together
from tests.features import cache_child
from tests.features.cache_child import BATCH
from tests.features.networks import build_classifier
from tests.features.networks import photographs
from tests.features.photographs import write_photographs

ROOT = pathlib.Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def parts():
    model = build_classifier()
    kt.freeze(model)
    return kt.split_at_boundary(model)


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("place", ["memory", "disk"])
def test_the_features_are_what_the_prefix_computes(parts, place, tmp_path):
    images, _ = photographs(10)
    folder = tmp_path if place == "disk" else None
    cache = kt.FeatureCache(parts, images[:6], images[6:], folder=folder)
    expected = keras.ops.convert_to_numpy(parts.prefix([images])[0])
    rows = [9, 0, 6]
    (features,) = cache.read(rows)
    np.testing.assert_allclose(features, expected[rows], rtol=1e-5, atol=1e-6)
    assert len(cache) == 10
    assert cache.nbytes == expected.nbytes
    assert cache.size.startswith(f"10 rows, {expected.nbytes} bytes in ")


def test_narrower_features_take_half_the_space(parts, tmp_path):
    images, _ = photographs(10)
    (wide,) = kt.FeatureCache(parts, images).read(slice(None))
    for dtype in ("float16", "bfloat16"):
        cache = kt.FeatureCache(
            parts, images, folder=tmp_path / dtype, dtype=dtype
        )
        (narrow,) = cache.read(slice(None))
        assert (narrow.dtype.name, narrow.nbytes) == (dtype, wide.nbytes // 2)
        np.testing.assert_allclose(
            narrow.astype("float32"), wide, rtol=1e-2, atol=1e-3
        )


def test_another_type_is_refused(parts):
    with pytest.raises(ValueError, match="Features can be kept as one of"):
        kt.FeatureCache(parts, np.ones((2, 16, 16, 3)), dtype="int8")


def test_no_data_are_refused(parts):
    with pytest.raises(ValueError, match="no data whose features"):
        kt.FeatureCache(parts)


def test_data_that_cannot_be_read_twice_are_refused(parts):
    with pytest.raises(ValueError, match="because a generator cannot be"):
        kt.FeatureCache(parts, iter([1]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("photos") / "photos")


def test_killed_while_computing_it_ends_with_the_same_bytes(folder, tmp_path):
    cache_child.make_cache(folder, tmp_path / "whole").compute()
    killed, begun = tmp_path / "killed", []
    # Twelve photographs to train on take three batches, the other nine too.
    child = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.features.cache_child",
            folder,
            killed,
            "4",
        ],
        cwd=ROOT,
    )
    assert child.returncode == -signal.SIGKILL
    cache = cache_child.make_cache(folder, killed)
    compute_together([cache], False, begun.append)
    assert begun == [20, 21]
    assert contents(killed) == contents(tmp_path / "whole")


def test_interrupted_it_keeps_what_it_has(folder, tmp_path):
    def stop(rows):
        raise KeyboardInterrupt

    cache = cache_child.make_cache(folder, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        compute_together([cache], False, stop)
    done = []
    compute_together([cache], False, done.append)
    assert done[0] == 2 * BATCH
    compute_together([cache_child.make_cache(folder, tmp_path)], False, stop)


def other_weights(model, images):
    layer = model.get_layer("residual").get_layer("conv_1")
    layer.kernel.assign(layer.kernel + 1e-3)
    return model, images


def other_preprocessing(model, images):
    keras.utils.set_random_seed(0)
    backbone = model.get_layer("residual")
    image = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    other = kt.build_model(
        keras.Model(image, backbone(x), name="rescaled"), kt.heads.LinearHead(3)
    )
    other.set_weights(model.get_weights())
    return other, images


def other_data(model, images):
    images = images.copy()
    images[3, 5, 5, 1] += 1
    return model, images


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_weights, "other weights"),
        (other_preprocessing, None),
        (other_data, "other data"),
    ],
)
def test_what_has_changed_is_noticed(change, words, tmp_path):
    images, _ = photographs(10)
    model = kt.build_model(cache_child.build_residual(), kt.heads.LinearHead(3))
    kt.freeze(model)
    (old,) = kt.FeatureCache(
        kt.split_at_boundary(model), images, folder=tmp_path
    ).read([3])
    model, images = change(model, images)
    kt.freeze(model)
    parts = kt.split_at_boundary(model)
    (expected,) = kt.FeatureCache(parts, images).read([3])
    if words is None:
        # Another network has a place of its own beside the first.
        (new,) = kt.FeatureCache(parts, images, folder=tmp_path).read([3])
        assert len(list(tmp_path.iterdir())) == 2
    else:
        with pytest.raises(kt.StaleFeaturesError, match=words):
            kt.FeatureCache(parts, images, folder=tmp_path).compute()
        cache = kt.FeatureCache(parts, images, folder=tmp_path, rebuild=True)
        (new,) = cache.read([3])
    np.testing.assert_array_equal(new, expected)
    assert not np.array_equal(new, old)


def test_a_changed_photograph_is_noticed(tmp_path):
    photos = write_photographs(tmp_path / "photos", each=3)
    cache_child.make_cache(photos, tmp_path / "f").compute()
    cache_child.make_cache(photos, tmp_path / "f").compute()
    os.utime(photos / "b" / "1.png", (1, 1))
    with pytest.raises(kt.StaleFeaturesError, match="other data"):
        cache_child.make_cache(photos, tmp_path / "f").compute()


def test_another_way_of_resizing_is_noticed(tmp_path, monkeypatch):
    photos = write_photographs(tmp_path / "photos", each=3)
    cache_child.make_cache(photos, tmp_path / "f").compute()
    monkeypatch.setattr(rows, "RESIZING", "antialiased")
    with pytest.raises(kt.StaleFeaturesError, match="is now 'antialiased'"):
        cache_child.make_cache(photos, tmp_path / "f").compute()


def test_a_disk_that_is_too_small_is_told_with_both_figures(
    parts, tmp_path, monkeypatch
):
    import shutil

    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    cache = kt.FeatureCache(parts, photographs(10)[0], folder=tmp_path)
    with pytest.raises(ValueError, match="480 bytes are to be .* 100 bytes"):
        cache.compute()
