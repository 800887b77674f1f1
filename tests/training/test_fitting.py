import pathlib
import sys

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.features import budget
from tests.features.networks import build_classifier
from tests.features.networks import build_residual
from tests.features.networks import photographs
from tests.features.photographs import write_photographs

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="it has no cache"
)

SCHEDULES = {
    "probe": lambda: kt.schedules.LinearProbe(),
    "gradual": lambda: kt.schedules.GradualUnfreeze(every=1, start=1),
    "freeze_out": lambda: kt.schedules.FreezeOut(),
}


def train(cache, schedule="probe", callbacks=(), make=build_classifier, **data):
    keras.utils.set_random_seed(0)
    model = make()
    history = kt.fit(
        model,
        cache=cache,
        callbacks=[SCHEDULES[schedule](), *callbacks],
        verbose=0,
        **{"epochs": 3, "batch_size": 8, **data},
    )
    return model, history.history


def check_equal(one, other, exactly):
    (model, history), (expected, expected_history) = one, other
    assert history.keys() == expected_history.keys()
    compare = (
        np.testing.assert_array_equal
        if exactly
        else lambda a, b: np.testing.assert_allclose(a, b, atol=1e-3, rtol=1e-3)
    )
    for name in history:
        compare(history[name], expected_history[name])
    for weight, wanted in zip(
        model.get_weights(), expected.get_weights(), strict=True
    ):
        compare(weight, wanted)


@pytest.mark.xla
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_training_on_features_equals_training_on_images(schedule):
    """Bit for bit, since the same images are computed together."""
    images, labels = photographs()
    data = {
        "x": images,
        "y": labels,
        "validation_data": (images[:9], labels[:9]),
        "shuffle": False,
        "sample_weight": np.linspace(0, 1, len(images)),
    }
    check_equal(
        train("memory", schedule, **data),
        train(False, schedule, **data),
        exactly=True,
    )


def test_the_order_of_shuffled_rows_is_that_of_images():
    """To rounding: beside other images the last bit of features differs."""
    images, labels = photographs()
    data = {"x": images, "y": labels, "validation_split": 0.3}
    data["class_weight"] = {0: 1.0, 1: 2.0, 2: 0.5}
    check_equal(train("memory", **data), train(False, **data), exactly=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("photos") / "photos")


def test_photographs_of_a_folder_come_in_their_own_order(folder):
    def run(cache):
        images, held_out = kt.data.from_directory(
            folder, image_size=16, batch_size=4, label_mode="categorical"
        )

        def make():
            model = build_classifier()
            return kt.compile_for_transfer(
                model, learning_rate=0.01, one_hot=True
            )

        return train(
            cache,
            make=make,
            x=images,
            validation_data=held_out,
            batch_size=None,
        )

    check_equal(run("memory"), run(False), exactly=False)


def test_the_model_is_its_own_again_afterwards():
    images, labels = photographs()
    model, _ = train("memory", x=images, y=labels)
    assert "train_step" not in vars(model)
    before = model.get_weights()
    model.fit(images, labels, verbose=0)
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(before, model.get_weights(), strict=True)
    )
    assert np.isfinite(model.evaluate(images, labels, verbose=0)).all()


def test_what_a_callback_evaluates_is_not_taken_for_rows():
    images, labels = photographs()
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(
                self.model.evaluate(
                    images, labels, verbose=0, return_dict=True
                )["loss"]
            )

    data = {"x": images, "y": labels, "validation_data": (images, labels)}
    _, history = train("memory", "probe", [Watch()], **data)
    np.testing.assert_allclose(seen, history["val_loss"], rtol=1e-4)


def test_frozen_weights_that_a_callback_changes_are_computed_again():
    images, labels = photographs()

    class Perturb(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            layer = self.model.get_layer("residual").get_layer("conv_1")
            layer.kernel.assign(layer.kernel * 1.1)

    data = {"x": images, "y": labels, "shuffle": False}
    check_equal(
        train("memory", "probe", [Perturb()], **data),
        train(False, "probe", [Perturb()], **data),
        exactly=True,
    )


def test_a_checkpoint_written_meanwhile_is_the_whole_model(tmp_path):
    images, labels = photographs()
    path = tmp_path / "model.keras"
    model, _ = train(
        "memory",
        callbacks=[keras.callbacks.ModelCheckpoint(path)],
        x=images,
        y=labels,
    )
    loaded = kt.load_model(path)
    np.testing.assert_array_equal(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0)
    )


def test_early_stopping_stops():
    images, labels = photographs()
    stop = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=1e3)
    _, history = train("memory", callbacks=[stop], x=images, y=labels)
    assert len(history["loss"]) == 2


def test_what_is_frozen_is_computed_once():
    """The layers before the boundary run once for each image, no more."""
    images, labels = photographs()
    calls = []

    class Counting(keras.layers.Layer):
        def call(self, inputs):
            calls.append(inputs.shape[0])
            return inputs

    def make():
        image = keras.Input((16, 16, 3))
        x = Counting(dtype="float32")(image)
        x = keras.layers.Conv2D(4, 3, name="conv")(x)
        model = kt.build_model(
            keras.Model(image, x, name="counted"), kt.heads.LinearHead(3)
        )
        return kt.compile_for_transfer(model, run_eagerly=True)

    model = make()
    kt.freeze(model)
    calls.clear()
    kt.fit(model, images, labels, epochs=3, batch_size=8, verbose=0)
    counted = [n for n in calls if n is not None]
    assert sum(counted) <= len(images) + 3 * 8


def test_features_larger_than_the_budget_leave_the_images_in_their_place(
    monkeypatch,
):
    images, labels = photographs()
    data = {"x": images, "y": labels, "shuffle": False}
    monkeypatch.setattr(budget, "free_budget", lambda: images.nbytes)
    large = build_wide
    check_equal(
        train("memory", "probe", make=large, **data),
        train(False, "probe", make=large, **data),
        exactly=True,
    )


def build_wide():
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(64, 3, padding="same", name="wide")(image)
    backbone = keras.Model(image, x, name="wide_net")
    model = kt.build_model(
        backbone, kt.heads.MLPHead(3, hidden_units=(4,), pooling="flatten")
    )
    return kt.compile_for_transfer(model)


def test_a_boundary_that_outgrows_the_memory_while_training_is_told(
    monkeypatch,
):
    images, labels = photographs()
    model = build_classifier()
    kt.freeze(model)
    row_bytes = kt.split_at_boundary(model).row_bytes
    assert row_bytes < images[0].nbytes

    class Thaw(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                kt.set_trainable(self.model, "*")
                self.model.make_train_function(force=True)

    room = len(images) * row_bytes
    monkeypatch.setattr(budget, "free_budget", lambda: room)
    with pytest.raises(
        ValueError, match="can no longer be cached, because the"
    ):
        kt.fit(
            model,
            images,
            labels,
            epochs=2,
            cache="memory",
            callbacks=[Thaw()],
            verbose=0,
        )


def test_features_of_an_open_size_are_told_before_training():
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, trainable=False)(image)
    x = keras.layers.Conv2D(4, 3)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(3, "softmax")(x))
    kt.compile_for_transfer(model)
    with pytest.raises(ValueError, match="because .* whose size is open"):
        kt.fit(model, *photographs(), cache="memory")


def test_each_decision_is_made_once():
    """The boundary, too, for a model that is frozen as its first phase is."""
    images, labels = photographs()
    once = {"fit", "decide", "flatten", "prepare", "coming_boundaries", "plan"}
    ours, calls, boundaries = pathlib.Path(kt.__file__).parent, [], []

    def note(frame, event, argument):
        name = frame.f_code.co_name.strip("_")
        if event != "call" or name not in {*once, "choose"}:
            return
        path = pathlib.Path(frame.f_code.co_filename)
        # The walker of graphs has a `flatten` too, for whoever looks at one.
        if path.is_relative_to(ours) and path.parent.name != "structure":
            calls.append(name)
            if name == "choose":
                boundaries.append(frame.f_locals["settled"])

    def make():
        model = build_classifier()
        kt.freeze(model)
        return model

    sys.setprofile(note)
    try:
        train("memory", "gradual", make=make, x=images, y=labels)
    finally:
        sys.setprofile(None)
    assert sorted(set(calls)) == sorted({*once, "choose"})
    assert len(calls) == len(once) + len(boundaries)
    # The first phase has the present one; the later ones share its pass.
    assert len(boundaries) == 1


def test_a_memory_that_is_too_small_is_told_before_training(monkeypatch):
    images, labels = photographs()
    monkeypatch.setattr(budget, "free_budget", lambda: 1)
    with pytest.raises(ValueError, match="half of the free memory"):
        train("memory", x=images, y=labels)


def augmented(folder):
    return kt.data.from_directory(
        folder,
        image_size=16,
        augment=kt.data.augmentation(rotation=10),
    )[0]


class OwnStep(keras.Model):
    def train_step(self, data):
        return super().train_step(data)


def own_step():
    model = build_classifier()
    model = OwnStep(model.inputs, model.outputs)
    return kt.compile_for_transfer(model)


@pytest.mark.parametrize(
    ("make", "data", "words"),
    [
        (build_classifier, "augmented", "augmented anew in every epoch"),
        (build_classifier, "dataset", "its order in each epoch is known only"),
        (build_classifier, "generator", "cannot be read twice"),
        (own_step, "arrays", "has a train_step of its own"),
    ],
)
def test_what_cannot_be_cached_trains_all_the_same(
    make, data, words, folder, capsys
):
    images, labels = photographs(8)
    kinds = {
        "augmented": lambda: {"x": augmented(folder)},
        "dataset": lambda: {
            "x": kt.data.from_directory(folder, image_size=16)[0].map(
                lambda image, label: (image, label)
            )
        },
        "generator": lambda: {
            "x": (pair for pair in [(images, labels)]),
            "steps_per_epoch": 1,
            "shuffle": False,
        },
        "arrays": lambda: {"x": images, "y": labels},
    }
    model = make()
    kt.freeze(model)
    history = kt.fit(model, **kinds[data](), verbose=2)
    assert len(history.history["loss"]) == 1
    assert words in capsys.readouterr().err
    with pytest.raises(ValueError, match=words):
        kt.fit(model, **kinds[data](), cache="memory", verbose=0)


def test_nothing_frozen_is_nothing_to_cache():
    images, labels = photographs()
    with pytest.raises(ValueError, match="nothing is frozen before"):
        kt.fit(build_classifier(), images, labels, cache="memory")


@pytest.mark.parametrize("cache", ["memory", False])
def test_all_labels_of_a_folder_are_checked(cache, folder):
    """Not only those of the first batch, which are all of the first class."""
    images, _ = kt.data.from_directory(
        folder, image_size=16, batch_size=2, shuffle=False
    )
    few = kt.build_model(build_residual(), kt.heads.LinearHead(2))
    kt.compile_for_transfer(few)
    kt.freeze(few)
    with pytest.raises(ValueError, match="Label 2 is outside"):
        kt.fit(few, images, cache=cache, verbose=0)


def test_labels_are_checked_before_anything_is_computed():
    images, labels = photographs()
    model = build_classifier()
    kt.freeze(model)
    with pytest.raises(ValueError, match="Label [567] is outside"):
        kt.fit(model, images, labels + 5)


def test_a_model_that_is_not_compiled_is_refused():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="is not compiled"):
        kt.fit(model, np.ones((2, 4)), np.zeros(2))


def test_a_callback_list_is_refused():
    images, labels = photographs()
    model = build_classifier()
    kt.freeze(model)
    with pytest.raises(ValueError, match="come as a CallbackList"):
        kt.fit(
            model,
            images,
            labels,
            cache="memory",
            callbacks=keras.callbacks.CallbackList([]),
        )
