import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.evaluation.cross_validation import judge
from keras_transfer.evaluation.folds import folds_of
from keras_transfer.evaluation.folds import group_numbers
from keras_transfer.evaluation.learning_curve import learning_curve
from keras_transfer.evaluation.many_heads import Recipe
from keras_transfer.evaluation.many_heads import train_heads
from keras_transfer.evaluation.refitting import Trainer


def blobs(count=80, classes=2, apart=1.5, size=8, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centers = apart * rng.normal(size=(classes, size))
    features = centers[labels] + rng.normal(size=(count, size))
    return features.astype("float32"), labels


def build(head=None, compiled=True):
    image = keras.Input((8, 8, 3))
    backbone = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    model = kt.build_model(backbone, head or kt.heads.LinearHead(2))
    kt.freeze(model)
    return kt.compile_for_transfer(model) if compiled else model


def bright(count=24):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = (
        rng.integers(0, 60, (count, 8, 8, 3))
        + 150 * labels[:, None, None, None]
    )
    return images.astype("uint8"), labels


def test_a_head_takes_the_steps_of_keras():
    features, labels = blobs(30, 3)
    rows = np.arange(30)
    recipe = Recipe(epochs=3, batch_size=30, learning_rate=0.01)
    kernels, biases = train_heads(features, labels, [rows, rows[:9]], 3, recipe)
    start, _ = train_heads(
        features, labels, [rows, rows[:9]], 3, Recipe(3, 30, 0.0)
    )
    head = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(3, "softmax")]
    )
    # One batch holds all rows, so their order does not count.
    head.set_weights([start[0], np.zeros(3)])
    head.compile(
        keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy"
    )
    head.fit(features, labels, batch_size=30, epochs=3, verbose=0)
    np.testing.assert_allclose(head.get_weights()[0], kernels[0], atol=1e-5)
    np.testing.assert_allclose(head.get_weights()[1], biases[0], atol=1e-5)


def test_no_head_learns_from_rows_of_another():
    features, labels = blobs(40)
    recipe = Recipe(epochs=2, batch_size=8)
    both, _ = train_heads(
        features, labels, [np.arange(20), np.arange(20, 40)], 2, recipe
    )
    features[20:] = 0
    again, _ = train_heads(
        features, labels, [np.arange(20), np.arange(20, 40)], 2, recipe
    )
    np.testing.assert_array_equal(both[0], again[0])
    assert not np.array_equal(both[1], again[1])


def test_heads_of_noise_are_as_good_as_chance():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(200, 20)).astype("float32")
    labels = rng.integers(0, 2, 200)
    found = judge(Trainer(Recipe(), 2), features, labels, np.arange(200), 10, 2)
    low, high = found.interval
    assert low < 0.5 < high
    assert high - low < 0.25


def test_groups_are_not_divided():
    # Each pair of rows has one label and features of its own: only heads that
    # know one of a pair know the other.
    rng = np.random.default_rng(0)
    features = np.repeat(rng.normal(size=(60, 200)), 2, axis=0)
    labels = np.repeat(rng.integers(0, 2, 60), 2)
    pairs = np.repeat(np.arange(60), 2)
    trainer = Trainer(Recipe(epochs=30, learning_rate=0.01), 2)
    known = judge(trainer, features, labels, np.arange(120), 10, 1)
    honest = judge(trainer, features, labels, pairs, 10, 1)
    assert known.accuracy > 0.9
    assert honest.accuracy < 0.75
    for train, test in folds_of(labels, pairs, 10, 2, seed=0):
        assert not set(pairs[train]) & set(pairs[test])


def test_copies_of_a_file_belong_together(tmp_path):
    for name, data in {"a": b"x", "b": b"y", "c": b"x", "d": b"z"}.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in "abcd"]
    groups = group_numbers(paths, None, 4)
    assert groups[0] == groups[2]
    assert len(set(groups.tolist())) == 3
    # Two copies of one file join the groups that they are in.
    groups = group_numbers(paths, [1, 2, 2, 3], 4)
    assert len(set(groups.tolist())) == 2
    with pytest.raises(ValueError, match="a value for each of 4"):
        group_numbers(paths, [1], 4)


@pytest.mark.parametrize(
    "head",
    [
        lambda: kt.heads.LinearHead(2, dropout=0.2),
        lambda: kt.heads.LinearHead(1),
        lambda: kt.heads.MLPHead(2, hidden_units=(4,)),
    ],
)
def test_a_model_is_judged_and_stays_as_it_is(head):
    model = build(head())
    before = [w.copy() for w in model.get_weights()]
    images, labels = bright()
    found = kt.cross_validate(
        model, images, labels, folds=3, repeats=1, epochs=20
    )
    assert len(found.scores) == 3
    assert found.count == 24
    assert 0 <= found.interval[0] <= found.accuracy <= found.interval[1] <= 1
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_what_is_easy_is_learned_by_every_fold():
    images, labels = bright(40)
    model = build()
    model.optimizer.learning_rate = 0.05
    found = kt.cross_validate(
        model, images / 255, labels, folds=5, epochs=40, batch_size=8
    )
    assert found.accuracy > 0.95
    assert set(found.class_recalls) == {"0", "1"}
    assert "accuracy" in str(found)
    assert "Cross-validation" in found._repr_html_()
    assert found.to_json()["folds"] == 5


def test_a_learning_curve_knows_how_wrong_it_may_be():
    features, labels = blobs(320, 4, apart=0.5)
    trainer = Trainer(Recipe(), 4)
    rows = np.arange(160)
    found = judge(trainer, features[rows], labels[rows], rows, 10, 1)
    curve = found.learning_curve
    assert curve.sizes == (40, 80, 144)
    assert curve.accuracies[0] < curve.accuracies[-1]
    everything = judge(trainer, features, labels, np.arange(320), 10, 1)
    assert abs(curve.doubled - everything.accuracy) <= curve.error
    assert "twice the photographs" in str(found)


def test_a_flat_curve_promises_nothing():
    features, labels = blobs(100, 2, apart=9)
    found = judge(Trainer(Recipe(), 2), features, labels, np.arange(100))
    assert "cannot be told whether more would help" in str(found)


def test_few_photographs_have_no_learning_curve():
    features, labels = blobs(20)
    trainer = Trainer(Recipe(), 2)
    assert (
        learning_curve(trainer, features, labels, np.arange(20), 0.9, 10)
        is None
    )


def test_what_cannot_be_cross_validated_is_refused():
    images, labels = bright()
    with pytest.raises(ValueError, match="is not compiled"):
        kt.cross_validate(build(compiled=False), images, labels)
    thawed = build()
    kt.set_trainable(thawed, "*")
    thawed = kt.compile_for_transfer(thawed)
    with pytest.raises(ValueError, match="Freeze the rest first"):
        kt.cross_validate(thawed, images, labels)
    with pytest.raises(ValueError, match="needs labels"):
        kt.cross_validate(build(), images)
    with pytest.raises(ValueError, match="at least 2 photographs"):
        kt.cross_validate(build(), images[:3], [0, 0, 1])
    with pytest.raises(ValueError, match="folds"):
        kt.cross_validate(build(), images, labels, folds=1)
    with pytest.raises(ValueError, match="The task of the model"):
        kt.cross_validate(
            build(kt.heads.LinearHead(2, task="multi_label")), images, labels
        )
