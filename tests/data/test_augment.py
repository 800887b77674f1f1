import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_transfer as kt
from tests.data.photos import photo

NOTHING = {
    "rotation": 0,
    "width_shift": 0,
    "height_shift": 0,
    "shear": 0,
    "zoom": 0,
    "horizontal_flip": False,
}


@pytest.fixture
def photos(tmp_path):
    for name in ("ants", "bees"):
        for number in range(6):
            photo(tmp_path / name / f"{number}.png", size=(24, 24))
    return tmp_path


@pytest.fixture
def batch():
    return (
        np.random.default_rng(0)
        .uniform(0, 255, (8, 24, 24, 3))
        .astype("float32")
    )


def _read(path, **options):
    return kt.data.from_directory(path, image_size=24, batch_size=4, **options)


def _epochs(dataset, count=2):
    return [
        np.concatenate([images for images, _ in dataset]) for _ in range(count)
    ]


@pytest.mark.parametrize(
    "fill_mode", ["nearest", "constant", "reflect", "wrap"]
)
def test_values_stay_between_0_and_255(fill_mode):
    extremes = np.zeros((16, 24, 24, 3), "float32")
    extremes[:, ::2] = 255
    augmented = kt.data.augmentation(fill_mode=fill_mode, seed=0)(extremes)
    assert augmented.shape == extremes.shape
    assert keras.ops.min(augmented) >= 0
    assert keras.ops.max(augmented) <= 255
    assert not np.array_equal(augmented, extremes)


def test_every_image_of_a_batch_is_changed_differently(batch):
    same = np.repeat(batch[:1], 6, axis=0)
    augmented = np.array(kt.data.augmentation(seed=0)(same))
    for one in range(6):
        for other in range(one):
            assert not np.array_equal(augmented[one], augmented[other])


def test_a_flip_alone_gives_the_image_or_its_mirror(batch):
    flip = kt.data.augmentation(**{**NOTHING, "horizontal_flip": True}, seed=0)
    kinds = set()
    for before, after in zip(batch, np.array(flip(batch)), strict=True):
        mirrored = np.array_equal(after, before[:, ::-1])
        assert mirrored or np.array_equal(after, before)
        kinds.add(mirrored)
    assert kinds == {True, False}


def test_rotation_is_in_degrees():
    # A bright bar through the middle: after a turn by at most 10 degrees its
    # ends have moved by less than tan(10 degrees) times half the width.
    bar = np.zeros((64, 65, 65, 1), "float32")
    bar[:, 32] = 255
    turn = kt.data.augmentation(**{**NOTHING, "rotation": 10}, seed=0)
    ends = np.array(turn(bar))[:, :, 60, 0].argmax(axis=1)
    farthest = np.abs(ends - 32).max()
    assert 3 <= farthest <= np.ceil(28 * np.tan(np.radians(10)))


@pytest.mark.parametrize(
    ("argument", "axis"), [("width_shift", 1), ("height_shift", 0)]
)
def test_shifts_are_fractions_of_their_side(argument, axis):
    dot = np.zeros((64, 40, 40, 1), "float32")
    dot[:, 20, 20] = 255
    shift = kt.data.augmentation(
        **{**NOTHING, argument: 0.25}, fill_mode="constant", seed=0
    )
    places = np.array(
        [
            np.unravel_index(i[..., 0].argmax(), (40, 40))
            for i in np.array(shift(dot))
        ]
    )
    moved = np.abs(places - 20)
    assert 7 <= moved[:, axis].max() <= 10
    assert moved[:, 1 - axis].max() == 0


def test_zoom_changes_the_scale_both_ways():
    square = np.zeros((64, 41, 41, 1), "float32")
    square[:, 10:31, 10:31] = 1
    zoom = kt.data.augmentation(**{**NOTHING, "zoom": 0.2}, seed=0)
    areas = np.array(zoom(square)).sum((1, 2, 3)) / 21**2
    assert areas.min() < 0.85 < 1.15 < areas.max()
    assert areas.min() > 0.8**2 * 0.9
    assert areas.max() < (1 / 0.8) ** 2 * 1.1


def test_shear_slants_rows_sideways_only():
    column = np.zeros((64, 40, 40, 1), "float32")
    column[:, :, 20] = 255
    shear = kt.data.augmentation(**{**NOTHING, "shear": 0.2}, seed=0)
    sheared = np.array(shear(column))[..., 0]
    moved = np.abs(sheared[:, 39].argmax(1) - sheared[:, 0].argmax(1))
    assert 5 <= moved.max() <= 8
    row = column.transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(shear(row), row)


def test_nearest_fill_draws_the_edge_out():
    plain = np.full((4, 16, 16, 3), 77, "float32")
    augmented = kt.data.augmentation(seed=0)(plain)
    np.testing.assert_allclose(augmented, plain, rtol=1e-5)


def test_only_training_images_are_changed(photos):
    augment = kt.data.augmentation(seed=1)
    train, validation = _read(photos, augment=augment, shuffle=False)
    plain_train, plain_validation = _read(photos, shuffle=False)
    assert train.element_spec == plain_train.element_spec
    assert train.class_names == ["ants", "bees"]
    assert len(train) == len(plain_train)
    np.testing.assert_array_equal(
        _epochs(validation, 1), _epochs(plain_validation, 1)
    )
    pairs = zip(_epochs(train, 1)[0], _epochs(plain_train, 1)[0], strict=True)
    assert not any(np.array_equal(one, other) for one, other in pairs)


def test_the_seeds_decide_every_epoch(photos):
    def run(seed, augment_seed):
        augment = kt.data.augmentation(seed=augment_seed)
        return _epochs(_read(photos, seed=seed, augment=augment)[0])

    first, second = run(0, 1)
    np.testing.assert_array_equal([first, second], run(0, 1))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, run(0, 2)[0])
    assert not np.array_equal(first, run(5, 1)[0])


def test_set_random_seed_decides_where_no_seed_is_given(photos):
    def run():
        keras.utils.set_random_seed(7)
        return _epochs(_read(photos, augment=kt.data.augmentation())[0])

    np.testing.assert_array_equal(run(), run())


def test_how_much_of_an_epoch_is_read_changes_no_later_one(photos):
    def run(batches):
        augment = kt.data.augmentation(seed=1)
        train, _ = kt.data.from_directory(
            photos, image_size=24, batch_size=1, augment=augment
        )
        for _ in train.take(batches):
            pass
        return _epochs(train)

    np.testing.assert_array_equal(run(1), run(10))


def test_the_same_image_changes_anew_in_every_epoch(photos):
    augment = kt.data.augmentation(seed=1)
    train, _ = _read(photos, augment=augment, shuffle=False)
    first, second = _epochs(train)
    for one, other in zip(first, second, strict=True):
        assert not np.array_equal(one, other)


def test_a_function_may_be_the_augmentation(photos):
    train, _ = _read(photos, augment=lambda images: 255 - images, shuffle=False)
    plain, _ = _read(photos, shuffle=False)
    np.testing.assert_array_equal(
        _epochs(train, 1)[0], 255 - _epochs(plain, 1)[0]
    )


def test_layers_that_rest_by_default_are_at_work(photos):
    augment = keras.Sequential([keras.layers.GaussianNoise(1.0, seed=1)])
    train, _ = _read(photos, augment=augment, shuffle=False)
    plain, _ = _read(photos, shuffle=False)
    assert not np.array_equal(_epochs(train, 1), _epochs(plain, 1))


def test_it_works_in_a_mapped_dataset(batch):
    dataset = tf.data.Dataset.from_tensors(batch)
    dataset = dataset.map(kt.data.augmentation(seed=0))
    assert next(iter(dataset)).shape == batch.shape


@pytest.mark.parametrize(
    "change",
    [
        lambda images: images[:, :9],
        lambda images: tf.cast(images, tf.uint8),
        lambda images: (images, images),
    ],
)
def test_an_augmentation_to_another_shape_or_type_is_refused(photos, change):
    with pytest.raises(ValueError, match="`augment` must return a batch"):
        _read(photos, augment=change)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rotation": 181}, "`rotation` must be between 0 and 180"),
        ({"rotation": -1}, "`rotation` must be between 0 and 180"),
        ({"width_shift": 1.1}, "`width_shift` must be between 0 and 1"),
        ({"height_shift": 20}, "`height_shift` must be between 0 and 1"),
        ({"shear": float("nan")}, "`shear` must be between 0 and 1"),
        ({"zoom": 1}, "`zoom` must be between 0 and less than 1"),
        ({"fill_mode": "edge"}, r"`fill_mode` must be one of \['nearest'"),
        (NOTHING, "Nothing is left to change"),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        kt.data.augmentation(**options)


@pytest.mark.parametrize("value", ["40", None, True, (10, 20)])
def test_a_rotation_that_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match="`rotation` must be a number"):
        kt.data.augmentation(rotation=value)
