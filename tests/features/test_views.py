import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.features.rows import ROW
from keras_transfer.features.view_rows import ViewRows
from tests.features.networks import build_classifier
from tests.features.photographs import write_photographs
from tests.training.test_fitting_on_disk import Passes

VIEWS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("photos") / "photos")


def read(folder, augment):
    return kt.data.from_directory(
        folder,
        image_size=16,
        batch_size=4,
        augment=augment,
        validation_split=0.4,
    )


@pytest.fixture(scope="module")
def rows(folder):
    turned = kt.data.augmentation(rotation=30)
    return ViewRows(read(folder, turned)[0].catalogue, VIEWS)


def test_each_view_shows_the_photographs_in_their_order(rows, folder):
    halved, _ = read(folder, lambda images: images / 2)
    plain = np.concatenate([*halved.catalogue.images_from(0)])
    views = np.concatenate([*ViewRows(halved.catalogue, 2).batches()])
    np.testing.assert_array_equal(views, np.tile(plain / 2, (2, 1, 1, 1)))
    images = np.concatenate([*rows.batches()])
    one, two, three = np.split(images, VIEWS)
    assert not np.array_equal(one, two)
    assert not np.array_equal(two, three)


@pytest.mark.parametrize("start", [0, 4, 12, 32])
def test_views_are_the_same_from_wherever_they_are_read(rows, start):
    whole = np.concatenate([*rows.batches()])
    part = np.concatenate([*rows.batches(start)])
    np.testing.assert_array_equal(part, whole[start:])


def test_each_epoch_draws_views_of_all_photographs(rows):
    labels = rows.catalogue.labels
    numbers, drawn = rows.numbers(100), []
    for _ in range(4):
        seen = []
        for batch, label in numbers:
            view, photograph = divmod(np.asarray(batch[ROW]) - 100, len(labels))
            np.testing.assert_array_equal(labels[photograph], label)
            seen += [*photograph]
            drawn += [*view]
        assert sorted(seen) == [*range(len(labels))]
    assert {*drawn} == {*range(VIEWS)}


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="it has no cache"
)
def test_views_are_computed_once_and_announced(folder, capsys):
    train, validation = read(folder, kt.data.augmentation(rotation=30))
    model, passes = build_classifier(), Passes()
    kt.freeze(model)
    history = kt.fit(
        model,
        train,
        validation_data=validation,
        views=VIEWS,
        epochs=3,
        callbacks=[passes],
        verbose=2,
    )
    assert len(history.history["val_loss"]) == 3
    assert passes.rows[-1] == VIEWS * 12 + 9
    said = capsys.readouterr().err
    assert "seen in 3 augmented versions, an approximation" in said


@pytest.mark.parametrize("views", [0, True, 2.5])
def test_a_number_of_views_that_is_none_is_refused(views):
    with pytest.raises(ValueError, match="`views` must be a whole number"):
        kt.fit(build_classifier(), np.ones((2, 16, 16, 3)), views=views)


def test_views_of_what_is_not_augmented_are_refused():
    with pytest.raises(ValueError, match="these data are not augmented"):
        kt.fit(build_classifier(), np.ones((2, 16, 16, 3)), views=2)
