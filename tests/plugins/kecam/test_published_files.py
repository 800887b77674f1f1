"""Weights in kecam's format: all of them or a sentence, none at random."""

import dataclasses

import h5py
import keras
import numpy as np
import pytest
from keras_transfer_kecam import upstream

import keras_transfer as kt
from tests.plugins.kecam import values


def publish(path, constructor, size, **arguments):
    """Writes a whole model with classifier, as kecam publishes them."""
    whole = upstream.constructor(constructor)(
        input_shape=(size, size, 3), num_classes=5, pretrained=None, **arguments
    )
    values.fill(whole)
    whole.save(path)  # Keras 3 writes this format still.
    return whole


@pytest.fixture(scope="module")
def lcnet_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("published") / "lcnet_050_imagenet.h5"
    publish(path, "mobilenetv3_family.lcnet.LCNet050", 64)
    return path


def create(name, weights, size=64):
    spec = dataclasses.replace(kt.get_backbone(name), minimum_size=32)
    return kt.create_backbone(
        spec, weights=weights, input_shape=(size, size, 3)
    )


def test_a_published_file_fills_every_weight(lcnet_file):
    loaded = create("kecam/lcnet_050", lcnet_file)
    expected = create("kecam/lcnet_050", None)
    values.fill(expected)
    for one, other in zip(loaded.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=one.path)


def test_the_file_of_another_model_changes_nothing(lcnet_file):
    model = create("kecam/lcnet_075", None)
    before = model.get_weights()
    spec = kt.get_backbone("kecam/lcnet_075")
    with pytest.raises(
        ValueError, match="another architecture than 'lcnet_075', which is unch"
    ):
        spec.read_weights(model, lcnet_file)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_layers_beside_the_classifier_are_named(lcnet_file, tmp_path):
    path = tmp_path / "more.h5"
    path.write_bytes(lcnet_file.read_bytes())
    with h5py.File(path, "a") as file:
        root = file["model_weights"]
        group = root.create_group("unknown_conv")
        group.attrs["weight_names"] = [b"unknown_conv/kernel:0"]
        group["unknown_conv/kernel:0"] = np.zeros((1, 1))
        names = [*root.attrs["layer_names"], "unknown_conv"]
        root.attrs["layer_names"] = np.array(names, "S")
    sentence = "1 not in the model, such as 'unknown_conv'"
    with pytest.raises(ValueError, match=sentence):
        create("kecam/lcnet_050", path)


def test_a_missing_layer_is_named(lcnet_file, tmp_path):
    path = tmp_path / "less.h5"
    path.write_bytes(lcnet_file.read_bytes())
    with h5py.File(path, "a") as file:
        root = file["model_weights"]
        names = list(root.attrs["layer_names"])
        gone = next(n for n in names if "stem_conv" in str(n))
        names.remove(gone)
        root.attrs["layer_names"] = np.array(names, "S")
    with pytest.raises(ValueError, match="1 missing or of another shape, such"):
        create("kecam/lcnet_050", path)


@pytest.mark.parametrize("kept", [0.5, 0])
def test_a_truncated_file_is_one_sentence(lcnet_file, tmp_path, kept):
    path = tmp_path / "cut.h5"
    content = lcnet_file.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError, match="truncated or damaged.*Fetch it aga"):
        create("kecam/lcnet_050", path)


def test_a_file_without_layers_is_damaged(tmp_path):
    path = tmp_path / "empty.h5"
    h5py.File(path, "w").close()
    with pytest.raises(ValueError, match="it lists no layer_names"):
        create("kecam/lcnet_050", path)


def test_a_cached_file_with_another_hash_is_refused(
    lcnet_file, tmp_path, monkeypatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cached = tmp_path / "models" / "lcnet_050_imagenet.h5"
    cached.parent.mkdir()
    cached.write_bytes(lcnet_file.read_bytes())
    with pytest.raises(ValueError, match="damaged or another version: expect"):
        create("kecam/lcnet_050", "imagenet")


def test_without_a_network_the_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(
        ConnectionError, match=r"put it at .*lcnet_050_imagenet\.h5"
    ):
        create("kecam/lcnet_050", "imagenet")


def refuse(*args, **kwargs):
    raise OSError("no network")


def test_files_that_keras_wrote_are_read_by_keras(tmp_path):
    model = create("kecam/lcnet_050", None)
    values.fill(model)
    path = tmp_path / "own.weights.h5"
    model.save_weights(path)
    loaded = create("kecam/lcnet_050", path)
    np.testing.assert_array_equal(loaded.weights[0], model.weights[0])


def test_position_embeddings_follow_the_image_size(tmp_path):
    path = tmp_path / "vit_224.h5"
    published = publish(path, "beit.vit.ViTTinyPatch16", 64)
    model = create("kecam/vit_tiny_patch16", path, size=96)
    name = "positional_embedding"
    source = published.get_layer(name).get_weights()[0]
    received = model.get_layer(name).get_weights()[0]
    assert source.shape[1] == 1 + 4 * 4
    assert received.shape[1] == 1 + 6 * 6
    # The class token's stays; the grid is stretched between its corners.
    np.testing.assert_array_equal(received[:, 0], source[:, 0])
    grid = keras.ops.image.resize(source[:, 1:].reshape(1, 4, 4, -1), (6, 6))
    np.testing.assert_allclose(
        received[:, 1:], np.reshape(grid, (1, 36, -1)), atol=1e-6
    )
    same = create("kecam/vit_tiny_patch16", path, size=64)
    np.testing.assert_array_equal(same.get_layer(name).get_weights()[0], source)


def test_gray_images_take_the_sum_over_the_colours(lcnet_file):
    spec = dataclasses.replace(
        kt.get_backbone("kecam/lcnet_050"), minimum_size=32
    )
    gray = kt.create_backbone(spec, weights=lcnet_file, input_shape=(64, 64, 1))
    colour = create("kecam/lcnet_050", lcnet_file)
    image = values.images(64)[..., :1]
    np.testing.assert_allclose(
        gray(image), colour(np.repeat(image, 3, -1)), atol=1e-4
    )
