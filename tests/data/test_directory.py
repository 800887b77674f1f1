import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_transfer as kt
from tests.data.photos import class_folders
from tests.data.photos import photo
from tests.data.photos import truncate


@pytest.fixture
def photos(tmp_path):
    return class_folders(tmp_path / "photos", {"ants": 5, "bees": 5})


@pytest.fixture
def divided(tmp_path):
    for part in ("train", "val"):
        class_folders(tmp_path / "photos" / part, {"ants": 3, "bees": 2})
    return tmp_path / "photos"


def _read(path, **options):
    return kt.data.from_directory(path, image_size=4, **options)


def _names(dataset):
    return [os.path.basename(path) for path in dataset.file_paths]


def test_class_folders_become_training_or_validation_batches(photos):
    train, validation = _read(photos, batch_size=3)
    assert train.class_names == validation.class_names == ["ants", "bees"]
    assert (len(train.file_paths), len(validation.file_paths)) == (8, 2)
    assert [len(labels) for _, labels in train] == [3, 3, 2]
    assert len(train) == 3
    assert train.element_spec == (
        tf.TensorSpec((None, 4, 4, 3), tf.float32),
        tf.TensorSpec((None,), tf.int32),
    )
    assert train.element_spec == validation.element_spec
    assert isinstance(train, tf.data.Dataset)


def test_divided_folders_are_read_as_they_are(divided):
    train, validation = _read(divided, validation_split=0.9)
    assert len(train.file_paths) == len(validation.file_paths) == 5
    assert all("train" in path.split(os.sep) for path in train.file_paths)
    assert all("val" in path.split(os.sep) for path in validation.file_paths)
    np.testing.assert_array_equal(validation.labels, [0, 0, 0, 1, 1])


def test_labels_go_with_the_pixels_of_their_class(tmp_path):
    for name, value in (("dark", 0), ("light", 255)):
        for number in range(4):
            color = (value, number, 0)  # No two alike.
            photo(tmp_path / name / f"{number}.png", value=color)
    for dataset in _read(tmp_path):
        for images, labels in dataset:
            np.testing.assert_array_equal(
                images[:, 0, 0, 0], 255 * labels.numpy()
            )


@pytest.mark.parametrize("color_mode", ["rgb", "grayscale", "rgba"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif", ".bmp", ".webp"])
def test_batches_are_bit_equal_to_single_images(tmp_path, suffix, color_mode):
    for name in ("a", "b"):
        for number in range(2):
            photo(tmp_path / name / f"{number}{suffix}", size=(31, 23))
    _, validation = kt.data.from_directory(
        tmp_path, image_size=(9, 7), color_mode=color_mode
    )
    images, _ = next(iter(validation))
    singles = [
        kt.data.load_image(path, (9, 7), color_mode)
        for path in validation.file_paths
    ]
    np.testing.assert_array_equal(images, singles)


def test_categorical_labels_are_one_hot(photos):
    _, validation = _read(photos, label_mode="categorical")
    (_, labels) = next(iter(validation))
    np.testing.assert_array_equal(labels, [[1, 0], [0, 1]])
    assert labels.dtype == tf.float32


def _epochs(dataset, count=2):
    return [
        np.concatenate([images for images, _ in dataset]) for _ in range(count)
    ]


def test_the_seed_decides_the_order_of_every_epoch(photos):
    first, second = _epochs(_read(photos, seed=3)[0])
    again = _epochs(_read(photos, seed=3)[0])
    np.testing.assert_array_equal([first, second], again)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, _epochs(_read(photos, seed=4)[0])[0])


def test_the_seed_decides_by_itself(photos):
    """Whatever TensorFlow's own seed is, and whatever has been drawn."""

    def run(seed):
        tf.keras.utils.set_random_seed(seed)
        tf.random.uniform((3,))
        augment = kt.data.augmentation(seed=1)
        return _epochs(_read(photos, seed=3, augment=augment)[0])

    for one, other in zip(run(1), run(2), strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_shuffling_the_order_is_that_of_the_attributes(photos):
    train, _ = _read(photos, shuffle=False)
    images, labels = next(iter(train))
    np.testing.assert_array_equal(labels, train.labels)
    np.testing.assert_array_equal(
        images, [kt.data.load_image(path, 4) for path in train.file_paths]
    )


def test_images_are_opened_when_their_batch_is_due(photos):
    train, _ = _read(photos)
    os.remove(train.file_paths[0])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="there is no such file"
    ):
        list(train)


def test_no_epoch_waits_for_a_thread_that_tunes(photos):
    train, validation = _read(photos, augment=kt.data.augmentation())
    known = train.catalogue
    images, views = known.images_from(0), known.views_from(0, 0)
    for dataset in (train, validation, known.rows, images, views):
        assert dataset.options().autotune.enabled is False


def test_class_names_choose_the_order(photos):
    train, validation = _read(photos, class_names=["bees", "ants"])
    assert train.class_names == ["bees", "ants"]
    assert os.path.basename(os.path.dirname(validation.file_paths[0])) == "bees"
    np.testing.assert_array_equal(validation.labels, [0, 1])


def test_folders_dropped_by_class_names_are_named(divided):
    for part in ("train", "val"):
        class_folders(divided / part, {"cows": 2})
    (divided / "train" / "ants" / "notes.txt").write_text("")
    with pytest.warns(UserWarning, match="does not have: 'ants'"):
        train, validation = _read(divided, class_names=["cows", "bees"])
    assert train.class_names == ["cows", "bees"]
    assert len(validation.file_paths) == 4


def test_unknown_class_names_get_a_suggestion(photos):
    with pytest.raises(ValueError, match="has 'bee', .* Did you mean 'bees'"):
        _read(photos, class_names=["ants", "bee"])


def test_repeated_class_names_are_refused(photos):
    with pytest.raises(ValueError, match=r"repeats \['ants'\]"):
        _read(photos, class_names=["ants", "ants"])


def test_nested_images_count_for_their_class(photos):
    photo(photos / "ants" / "2024" / "may" / "x.png")
    train, validation = _read(photos)
    labels = dict(zip(_names(train), train.labels, strict=True))
    labels |= dict(zip(_names(validation), validation.labels, strict=True))
    assert labels["x.png"] == 0
    assert len(train.file_paths) + len(validation.file_paths) == 11


def test_webp_images_are_not_passed_over(tmp_path):
    class_folders(tmp_path, {"ants": 3, "bees": 3}, suffix=".webp")
    train, validation = _read(tmp_path)
    assert len(train.file_paths) + len(validation.file_paths) == 6


@pytest.mark.parametrize("name", ["__MACOSX", ".hidden", ".ipynb_checkpoints"])
def test_leavings_of_an_archive_are_no_class(photos, name):
    photo(photos / name / "bees" / "1.png")
    with pytest.warns(UserWarning, match=f"Not counted as classes .*'{name}'"):
        train, _ = _read(photos)
    assert train.class_names == ["ants", "bees"]


def test_debris_without_images_is_passed_over_in_silence(photos):
    (photos / "__MACOSX" / "ants").mkdir(parents=True)
    (photos / "__MACOSX" / "ants" / "._1.txt").write_text("")
    for name in ("._0.png", ".DS_Store", "Thumbs.db"):
        (photos / "ants" / name).write_text("")
    assert _read(photos)[0].class_names == ["ants", "bees"]


def test_a_class_that_validation_lacks_is_an_error_with_a_way_out(tmp_path):
    class_folders(tmp_path / "train", {"a": 2, "b": 2, "c": 2})
    class_folders(tmp_path / "val", {"a": 1, "c": 1})
    with pytest.raises(ValueError, match=r"no folder for 'b'.*\['a', 'c'\]"):
        _read(tmp_path)
    with pytest.warns(UserWarning, match="does not have: 'b'"):
        train, validation = _read(tmp_path, class_names=["a", "c"])
    assert validation.class_names == train.class_names == ["a", "c"]
    np.testing.assert_array_equal(validation.labels, [0, 1])


def test_a_class_that_only_validation_has_is_an_error(divided):
    class_folders(divided / "val", {"cows": 1})
    with pytest.raises(ValueError, match="class folders that .* not: 'cows'"):
        _read(divided)


def test_a_class_of_one_image_is_named(photos):
    class_folders(photos, {"cows": 1})
    with pytest.warns(UserWarning, match="no validation images of 'cows'"):
        train, _ = _read(photos)
    assert list(train.labels).count(2) == 1


def test_no_validation_image_at_all_is_an_error(tmp_path):
    class_folders(tmp_path, {"a": 1, "b": 1})
    with pytest.raises(ValueError, match="There is no image for validation"):
        _read(tmp_path)


def test_an_empty_class_folder_is_an_error(photos):
    (photos / "cows").mkdir()
    with pytest.raises(
        ValueError, match=r"class folder '.*cows' holds no image"
    ):
        _read(photos, bad_files="skip")


def test_a_single_class_is_an_error(tmp_path):
    class_folders(tmp_path, {"ants": 3})
    with pytest.raises(ValueError, match=r"are only \['ants'\]; telling"):
        _read(tmp_path)


def test_a_folder_around_the_class_folders_is_passed(tmp_path):
    class_folders(tmp_path / "flower_photos", {"daisy": 2, "rose": 2})
    assert _read(tmp_path)[0].class_names == ["daisy", "rose"]


def test_a_flat_folder_gets_the_layout_explained(tmp_path):
    photo(tmp_path / "1.png")
    photo(tmp_path / "2.png")
    with pytest.raises(
        ValueError, match="holds 2 images directly .* one folder per class"
    ):
        _read(tmp_path)


def test_a_flat_validation_folder_gets_the_layout_explained(tmp_path):
    class_folders(tmp_path / "train", {"a": 2, "b": 2})
    photo(tmp_path / "val" / "1.png")
    with pytest.raises(ValueError, match="val holds 1 images directly"):
        _read(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(
        ValueError, match="holds no images and no class folders"
    ):
        _read(tmp_path)


def test_a_folder_of_unsupported_images_says_which(tmp_path):
    (tmp_path / "1.JP2").write_text("x")
    with pytest.raises(ValueError, match=r"holds only \.jp2 files"):
        _read(tmp_path)


@pytest.fixture
def spoiled(photos):
    """Twelve good photographs beside six bad files, of six kinds."""
    class_folders(photos, {"ants": 6, "bees": 6})
    truncate(photo(photos / "ants" / "half.jpg", size=(64, 64)))
    (photos / "ants" / "empty.png").write_bytes(b"")
    (photos / "ants" / "page.jpg").write_text("<html>")
    (photos / "bees" / "scan.jp2").write_text("x")
    (photos / "bees" / "notes.txt").write_text("x")
    photo(photos / "cover.png")
    return photos


def test_all_bad_files_are_reported_at_once_by_name(spoiled):
    with pytest.raises(ValueError, match="6 things are wrong") as caught:
        _read(spoiled)
    message = str(caught.value)
    for line in (
        "the JPEG data are corrupt or truncated: ants/half.jpg",
        "the file is empty: ants/empty.png",
        "it holds HTML data, not JPEG, PNG, GIF, BMP, WebP, "
        "TIFF, AVIF or HEIC: ants/page.jpg",
        ".jp2 files are not read, convert them to JPEG or PNG: bees/scan.jp2",
        "it is not an image file: bees/notes.txt",
        "it lies outside the class folders: cover.png",
        'pass bad_files="skip"',
    ):
        assert line in message


def test_bad_files_of_both_parts_are_named_from_the_folder(divided):
    (divided / "val" / "bees" / "0.png").write_bytes(b"")
    (divided / "train" / "ants" / "0.png").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"2 x the file is empty: train/ants/0.*, val/bees/0"
    ):
        _read(divided)


def test_structural_faults_are_in_the_same_report(spoiled):
    (spoiled / "cows").mkdir()
    with pytest.raises(ValueError, match="7 things are wrong") as caught:
        _read(spoiled)
    assert "cows' holds no image" in str(caught.value)


def test_bad_files_can_be_left_out(spoiled):
    with pytest.warns(UserWarning, match="Left out 6 files") as caught:
        train, validation = _read(spoiled, bad_files="skip")
    assert "ants/half.jpg" in str(caught[0].message)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert sum(len(labels) for _, labels in train) == 10
    assert sum(len(labels) for _, labels in validation) == 2


def test_a_warning_names_a_few_files_and_counts_the_rest(photos):
    for number in range(8):
        (photos / "ants" / f"e{number}.png").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"8 x the file is empty.*and 3 more"):
        _read(photos, bad_files="skip")


def test_a_class_of_bad_files_alone_is_an_error(photos):
    (photos / "cows").mkdir()
    (photos / "cows" / "1.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="no sound image is left in .*cows"):
        _read(photos, bad_files="skip")


def test_the_check_can_be_switched_off(spoiled):
    for name in ("scan.jp2", "notes.txt"):
        os.remove(spoiled / "bees" / name)
    os.remove(spoiled / "cover.png")
    train, validation = _read(spoiled, check=False)
    assert len(train.file_paths) + len(validation.file_paths) == 15
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="Cannot read .*ants"
    ):
        for _ in train.concatenate(validation):
            pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be a whole number"),
        ({"batch_size": 2.0}, "`batch_size` must be a whole number"),
        ({"validation_split": -0.1}, "`validation_split` must be a fraction"),
        ({"validation_split": 1.0}, "`validation_split` must be a fraction"),
        ({"validation_split": "0.2"}, "`validation_split` must be a fraction"),
        ({"seed": -1}, "`seed` must be a whole number"),
        ({"seed": None}, "`seed` must be a whole number"),
        ({"label_mode": "binary"}, r"`label_mode` must be one of \['int'"),
        ({"bad_files": "ignore"}, r"`bad_files` must be one of \['error'"),
        ({"color_mode": "hsv"}, "`color_mode` must be one of"),
    ],
)
def test_arguments_out_of_range_are_refused_before_any_work(options, message):
    with pytest.raises(ValueError, match=message):
        _read("no such folder", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_names": "ants"}, "`class_names` must be a list"),
        ({"augment": True}, "`augment` must be a Keras layer or a function"),
    ],
)
def test_arguments_of_a_wrong_type_are_refused(options, message):
    with pytest.raises(TypeError, match=message):
        _read("no such folder", **options)


def test_a_model_learns_from_the_batches(tmp_path):
    for name, value in (("dark", 20), ("light", 235)):
        for number in range(10):
            color = (value, value, value + number)  # No two alike.
            photo(tmp_path / name / f"{number}.png", value=color)
    train, validation = _read(tmp_path)
    model = keras.Sequential(
        [
            keras.layers.Rescaling(1 / 255, offset=-0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.1), loss, metrics=["accuracy"])
    history = model.fit(
        train,
        validation_data=validation,
        epochs=5,
        shuffle=False,
        verbose=0,
    ).history
    assert history["val_accuracy"][-1] == 1


def test_listing_or_reading_single_images_imports_no_tensorflow(tmp_path):
    path = photo(tmp_path / "a.png")
    script = (
        "import sys, keras_transfer.data as d; d.load_image(sys.argv[1]); "
        "d.list_images(sys.argv[1]); d.check_images(sys.argv[1:]); d.fetch; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, path], check=True)


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'from_folder'"):
        kt.data.from_folder  # noqa: B018
    assert "from_directory" in dir(kt.data)
