"""`kt.embed`: a vector for each photograph, wherever they come from."""

import os

import keras
import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.embedding import computing
from tests.conftest import build_tiny


@pytest.fixture(scope="module")
def shared():
    """One model for all tests: most of their time would go into tracing."""
    return kt.build_model(build_tiny((16, 16, 3)), kt.heads.LinearHead(2))


@pytest.fixture
def model(shared):
    weights = shared.get_weights()
    yield shared
    shared.set_weights(weights)


@pytest.fixture
def photos(tmp_path):
    return make_photos(tmp_path / "photos", {"ants": 5, "bees": 4})


def make_photos(folder, counts):
    random = np.random.default_rng(0)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 256, (20, 30, 3), "uint8")
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def expected(model, paths, layer="relu_3"):
    """Through a plain Keras model and the one photograph at a time reader."""
    backbone = model.get_layer("tiny")
    maps = keras.Model(backbone.input, backbone.get_layer(layer).output)
    pixels = np.stack([kt.data.load_image(path, 16) for path in paths])
    return maps.predict(pixels, verbose=0).mean(axis=(1, 2))


def assert_close(vectors, wanted):
    np.testing.assert_allclose(vectors, wanted, rtol=1e-4, atol=1e-3)


def test_a_folder_gives_the_pooled_output_of_the_backbone(model, photos):
    found = kt.embed(model, photos, batch_size=4)
    assert found.paths == [str(p) for p in kt.data.list_images(photos)]
    assert found.class_names == ["ants", "bees"]
    assert found.labels.tolist() == [0] * 5 + [1] * 4
    assert found.vectors.dtype == "float32"
    assert_close(found.vectors, expected(model, found.paths))
    assert repr(found) == (
        "<Embeddings of 9 images, float32 of shape (12,), classes "
        "['ants', 'bees']>"
    )


def test_any_layer_any_pooling_or_none(model, photos):
    at_2 = kt.embed(model, photos, "tiny/relu_2")
    assert_close(at_2.vectors, expected(model, at_2.paths, "relu_2"))
    maps = kt.embed(model, photos, "relu_2", pooling=None).vectors
    assert maps.shape == (9, 4, 4, 8)
    np.testing.assert_allclose(maps.mean((1, 2)), at_2.vectors, rtol=1e-5)
    largest = kt.embed(model, photos, "relu_2", pooling="max").vectors
    np.testing.assert_array_equal(largest, maps.max((1, 2)))


def test_every_kind_of_data_gives_the_same_rows(model, photos):
    whole = kt.embed(model, photos)
    files = kt.data.list_images(photos)
    pixels = np.stack([kt.data.load_image(path, 16) for path in files])
    train, _ = kt.data.from_directory(
        photos, image_size=16, augment=lambda images: 0 * images
    )
    of_files = kt.embed(model, files[::-1])
    assert of_files.labels is None
    np.testing.assert_allclose(of_files.vectors[::-1], whole.vectors, rtol=1e-5)
    of_pixels = kt.embed(model, pixels)
    assert of_pixels.paths is None
    np.testing.assert_array_equal(of_pixels.vectors, whole.vectors)
    of_data = kt.embed(model, train)
    assert of_data.paths == train.file_paths
    assert of_data.labels.tolist() == train.labels.tolist()
    rows = [whole.paths.index(path) for path in of_data.paths]
    np.testing.assert_allclose(of_data.vectors, whole.vectors[rows], rtol=1e-5)


def test_classes_are_known_below_train_and_val_too(model, tmp_path):
    make_photos(tmp_path / "photos" / "train", {"ants": 1, "bees": 1})
    make_photos(tmp_path / "photos" / "val", {"bees": 1})
    found = kt.embed(model, tmp_path / "photos")
    assert found.class_names == ["ants", "bees"]
    assert found.labels.tolist() == [0, 1, 1]
    loose = kt.embed(model, tmp_path / "photos" / "val" / "bees")
    assert loose.labels is None


def test_a_folder_of_vectors_is_mapped_and_used_again(
    model, photos, tmp_path, monkeypatch
):
    in_memory = kt.embed(model, photos, batch_size=4)
    out = tmp_path / "out"
    written = kt.embed(model, photos, batch_size=4, out=out)
    assert isinstance(np.load(out / "vectors.npy", mmap_mode="r"), np.memmap)
    np.testing.assert_array_equal(written.vectors, in_memory.vectors)
    loaded = kt.load_embeddings(out)
    np.testing.assert_array_equal(loaded.vectors, in_memory.vectors)
    assert loaded.paths == written.paths == in_memory.paths
    assert loaded.labels.tolist() == in_memory.labels.tolist()
    # Once more: nothing is read, nothing computed.
    for name in ("check_images", "vectors_of"):
        monkeypatch.setattr(computing, name, lambda *_: [])
    again = kt.embed(model, photos, out=out)
    np.testing.assert_array_equal(again.vectors, in_memory.vectors)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_rounded_once(model, photos, tmp_path, dtype):
    full = kt.embed(model, photos).vectors
    for out in (None, tmp_path / "out"):
        half = kt.embed(model, photos, dtype=dtype, out=out).vectors
        assert half.dtype.name == dtype
        np.testing.assert_array_equal(half, full.astype(half.dtype))


def change_weights(model, photos):
    model.get_layer("tiny").weights[0].assign_add(
        np.ones(model.get_layer("tiny").weights[0].shape)
    )
    return {}


def change_head(model, photos):
    model.layers[-1].weights[0].assign(model.layers[-1].weights[0] + 1)
    return {}


def add_file(model, photos):
    os.link(photos / "ants" / "1.png", photos / "ants" / "9.png")
    return {}


def touch_file(model, photos):
    os.utime(photos / "ants" / "1.png", (1, 1))
    return {}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (change_weights, "something else: other weights. Pass rebuild=True"),
        (add_file, r"other data \(files was 9, is now 10\)"),
        (touch_file, "something else: other data. Pass"),
        (
            lambda *_: {"pooling": "max"},
            r"other graph; other options \(pooling was 'avg', is now 'max'\)",
        ),
        (lambda *_: {"dtype": "float16"}, "other arrays .vectors was"),
    ],
)
def test_what_has_changed_is_told(model, photos, tmp_path, change, sentence):
    kt.embed(model, photos, out=tmp_path / "out")
    options = change(model, photos)
    with pytest.raises(kt.StaleFeaturesError, match=sentence):
        kt.embed(model, photos, out=tmp_path / "out", **options)
    rebuilt = kt.embed(
        model, photos, out=tmp_path / "out", rebuild=True, **options
    )
    np.testing.assert_array_equal(
        rebuilt.vectors, kt.embed(model, photos, **options).vectors
    )


def test_another_way_of_resizing_is_told(model, photos, tmp_path, monkeypatch):
    kt.embed(model, photos, out=tmp_path / "out")
    monkeypatch.setattr(
        "keras_transfer.embedding.photographs.RESIZING", "antialiased"
    )
    with pytest.raises(kt.StaleFeaturesError, match="is now 'antialiased'"):
        kt.embed(model, photos, out=tmp_path / "out")


def test_what_comes_after_the_layer_does_not_count(model, photos, tmp_path):
    kt.embed(model, photos, out=tmp_path / "out")
    change_head(model, photos)
    assert len(kt.embed(model, photos, out=tmp_path / "out")) == 9


def test_damaged_photographs_are_an_error_or_left_out(model, photos, tmp_path):
    (photos / "ants" / "2.png").write_bytes(b"")
    with pytest.raises(ValueError, match="1 x the file is empty: ants/2.png"):
        kt.embed(model, photos, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    for _ in range(2):  # Written, then used again.
        with pytest.warns(UserWarning, match="Left out 1 file of"):
            found = kt.embed(
                model, photos, out=tmp_path / "out", bad_files="skip"
            )
        assert len(found) == len(found.paths) == len(found.labels) == 8
        assert found.left_out == {"ants/2.png": "the file is empty"}
        assert_close(found.vectors, expected(model, found.paths))


def test_a_place_that_will_not_do_is_told_before_the_photographs_are_read(
    model, photos, tmp_path
):
    (photos / "ants" / "2.png").write_bytes(b"")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="it is a file. Name a folder"):
        kt.embed(model, photos, out=tmp_path / "file")
    with pytest.raises(ValueError, match="is no feature store and holds"):
        kt.embed(model, photos, out=photos)


def test_nothing_but_damaged_photographs(model, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="there is no sound image"):
        kt.embed(model, [tmp_path / "a.jpg"], bad_files="skip")


def test_nan_is_named_with_its_photograph(model, photos, tmp_path):
    model.get_layer("tiny").weights[0].assign(
        np.full(model.get_layer("tiny").weights[0].shape, np.nan)
    )
    with pytest.raises(ValueError, match=r"of .*ants/0.png is not finite"):
        kt.embed(model, photos, out=tmp_path / "out")
    with pytest.raises(ValueError, match="The embedding of row 0 is not fin"):
        kt.embed(model, np.ones((2, 16, 16, 3), "uint8"))
    pixels = np.full((2, 16, 16, 3), np.nan)
    with pytest.raises(ValueError, match="Pixels must be finite"):
        kt.embed(model, pixels)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"at": "relu_9"}, ValueError, "Did you mean"),
        ({"pooling": "mean"}, ValueError, "`pooling` of an extractor must"),
        ({"dtype": "int8"}, ValueError, "`dtype` must be 'float32', 'float16'"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be a whole number"),
        ({"bad_files": "no"}, ValueError, "`bad_files` must be one of"),
        ({"image_size": 17}, ValueError, "takes images of 16 by 16 pixels"),
        ({"data": "nothing"}, ValueError, "There is no file or folder nothing"),
        ({"data": "."}, ValueError, "The folder . holds no image"),
        ({"data": []}, ValueError, "the list of files is empty"),
        ({"data": np.ones((0, 16, 16, 3))}, ValueError, "array has no rows"),
        ({"data": np.ones((2, 8, 8, 3))}, ValueError, "expects images of sha"),
        ({"data": 5}, TypeError, "`data` must be a folder, a list of image"),
        ({"out": "/proc/no/x"}, ValueError, "'/proc/no/x', where|Cannot write"),
    ],
)
def test_bad_arguments(
    model, photos, tmp_path, monkeypatch, options, kind, sentence
):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    options = {"data": photos, **options}
    with pytest.raises(kind, match=sentence):
        kt.embed(model, **options)


def test_what_is_large_needs_a_folder(model, photos, monkeypatch):
    monkeypatch.setattr(computing, "IN_MEMORY", 400)
    with pytest.raises(ValueError, match="of 9 images take 432 bytes. Name a"):
        kt.embed(model, photos)


def test_a_model_for_images_of_any_size_is_told_which(photos):
    image = keras.Input((None, None, 1))
    model = keras.Model(image, keras.layers.Conv2D(4, 3, name="conv")(image))
    with pytest.raises(ValueError, match="takes images of any size: say which"):
        kt.embed(model, photos, "conv")
    maps = kt.embed(model, photos, "conv", image_size=(9, 7), pooling=None)
    assert maps.vectors.shape == (9, 7, 5, 4)


def test_a_model_that_takes_no_image(photos):
    numbers = keras.Input((4,))
    model = keras.Model(numbers, keras.layers.Dense(2)(numbers))
    with pytest.raises(ValueError, match="must take one batch of images"):
        kt.embed(model, photos, "dense*")


def test_a_subclassed_model_has_no_shape_to_read_photographs_for():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = keras.layers.Conv2D(2, 3, name="conv")

        def call(self, images):
            return self.conv(images)

    net, pixels = Net(), np.ones((2, 8, 8, 3), "float32")
    net(pixels)
    with pytest.raises(ValueError, match="Its input shape is None"):
        kt.embed(net, pixels, "conv")


def test_a_sequential_model_is_embedded():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv")]
    )
    assert kt.embed(model, np.ones((2, 8, 8, 3)), "conv").vectors.shape == (
        2,
        4,
    )


@pytest.mark.parametrize("separate", [True, False])
def test_probabilities_are_no_features(separate):
    image = keras.Input((8, 8, 3))
    x = keras.layers.Flatten(name="flat")(image)
    x = keras.layers.Dense(2, None if separate else "softmax")(x)
    if separate:
        x = keras.layers.Softmax()(x)
    model = keras.Model(image, x)
    pixels = np.ones((3, 8, 8, 3), "float32")
    with pytest.raises(ValueError, match="no nested backbone.*'flat'"):
        kt.embed(model, pixels)
    assert kt.embed(model, pixels, at="flat").vectors.shape == (3, 192)
