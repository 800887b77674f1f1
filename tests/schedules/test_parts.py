"""Parts of a model, their learning rates and the course of phases."""

import keras
import pytest

import keras_transfer as kt
from keras_transfer import schedules as ks
from keras_transfer.schedules.parts import parts_of
from keras_transfer.schedules.plan import multipliers_of
from keras_transfer.schedules.timeline import starts
from tests.conftest import build_tiny
from tests.schedules import networks as net


def names(parts):
    return [
        (part.name, sorted({w.path.split("/")[-2] for w in weights_of(part)}))
        for part in parts
    ]


def weights_of(part):
    return [w for op in part.operations for w in getattr(op, "weights", ())]


def test_a_nested_model_has_its_stages_and_all_that_follows():
    assert names(parts_of(net.build_network())) == [
        ("stem", ["bn_1", "conv_1"]),
        ("stage_1", ["bn_2", "conv_2"]),
        ("stage_2", ["bn_3", "conv_3"]),
        ("head", ["head"]),
    ]


def test_the_head_of_a_model_of_ours_is_named_head():
    model = kt.build_model(build_tiny(), kt.heads.MLPHead(2, (4,)))
    head = parts_of(model)[-1]
    assert (head.name, head.selector) == ("head", "head")


def test_without_nesting_the_last_layer_is_the_head():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 2, 2, name="a")(image)
    x = keras.layers.Conv2D(2, 2, 2, name="b")(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(2, name="hidden")(x)
    x = keras.layers.Dense(2, name="out")(x)
    model = keras.Model(image, keras.layers.Softmax()(x))
    assert names(parts_of(model)) == [
        ("stem", ["a"]),
        ("stage_1", ["b", "hidden"]),
        ("head", ["out"]),
    ]
    assert parts_of(model)[1].selector == ["b", "hidden"]


def test_a_layer_called_head_does_not_hide_the_rest_of_the_head():
    image = keras.Input((8, 8, 3))
    backbone = net.build_network().get_layer("backbone")
    x = keras.layers.Flatten()(backbone(image))
    x = keras.layers.Dense(3, name="neck")(x)
    x = keras.layers.Dense(2, activation="softmax", name="head")(x)
    model = keras.Model(image, x)
    model.compile("sgd", "sparse_categorical_crossentropy")
    watcher = net.Watcher()
    net.train(model, 1, watcher, ks.LinearProbe())
    assert {n.split("/")[0] for n in watcher.by_epoch[0]} == {"neck", "head"}


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="subclassed")
        self.body = keras.layers.Dense(3, name="body")
        self.out = keras.layers.Dense(2, name="out")

    def call(self, inputs):
        return self.out(self.body(inputs))


def test_a_subclassed_model_has_a_body_and_a_last_layer():
    model = Subclassed()
    model(keras.ops.ones((1, 4)))
    assert names(parts_of(model)) == [
        ("backbone", ["body"]),
        ("head", ["out"]),
    ]
    model.compile("adam", "mse")
    history = model.fit(
        keras.ops.ones((2, 4)),
        keras.ops.ones((2, 2)),
        epochs=2,
        verbose=0,
        callbacks=[ks.GradualUnfreeze()],
    )
    assert history.history["trainable_params"] == [8, 23]


def test_stages_may_be_named_by_selectors():
    model = net.compiled()
    schedule = ks.GradualUnfreeze(stages=["*/conv_1", "*/conv_3"])
    watcher = net.Watcher()
    net.train(model, 3, watcher, schedule)
    assert watcher.by_epoch[1] - watcher.by_epoch[0] == {
        "conv_3/kernel",
        "conv_3/bias",
    }
    assert watcher.by_epoch[2] - watcher.by_epoch[1] == {
        "conv_1/kernel",
        "conv_1/bias",
    }


def rates(model, rate):
    found = multipliers_of(model, rate)
    return {w.path.split("/")[-2]: found[id(w)] for w in model.weights}


def test_a_slice_rises_geometrically_to_the_head():
    found = rates(net.build_network(batch_norm=False), slice(0.001, 1.0))
    assert list(found.values()) == pytest.approx([0.001, 0.01, 0.1, 1.0])
    assert (found["conv_1"], found["head"]) == (0.001, 1.0)


def test_a_decay_falls_from_layer_to_layer_or_from_stage_to_stage():
    model = net.build_network()
    by_layer = rates(model, ks.LayerDecay(0.5, minimum=0.05))
    assert by_layer == {
        "head": 1.0,
        "bn_3": 0.5,
        "conv_3": 0.25,
        "bn_2": 0.125,
        "conv_2": 0.0625,
        "bn_1": 0.05,
        "conv_1": 0.05,
    }
    by_stage = rates(model, ks.LayerDecay(0.5, by="stage"))
    assert by_stage["conv_3"] == by_stage["bn_3"] == 0.5
    assert by_stage["conv_1"] == 0.125


def test_later_entries_of_a_dictionary_win():
    found = rates(net.build_network(), {"*": 0.1, "head": 1.0, "stem": 0.01})
    assert (found["conv_1"], found["conv_2"], found["head"]) == (0.01, 0.1, 1)


def test_when_phases_begin():
    given = [
        ks.Phase("*", until=ks.Epochs(2)),
        ks.Phase("*", until=ks.Steps(5)),
        ks.Phase("*", until=ks.AtEpoch(6)),
        ks.Phase("*", until=(ks.Plateau("loss", 3), ks.Epochs(9))),
        ks.Phase("*", until=ks.Threshold("loss", 0.1)),
        ks.Phase("*"),
    ]
    found = starts(given, steps_per_epoch=10)
    assert [s.epoch for s in found[:-1]] == [0, 2, 2.5, 6, 10, 11]
    assert [s.certain for s in found[:-1]] == [True] * 4 + [False] * 2
    # What is not certain may last no time at all, but never goes back.
    assert not starts(given)[2].certain


def test_gradual_unfreezing_keeps_its_contract():
    """The head before `start`, then a stage from the top every `every`."""
    model = net.compiled()
    schedule = ks.GradualUnfreeze(every=2, start=3)
    watcher = net.Watcher()
    net.train(model, 9, watcher, schedule)
    opened = [net.ALL[3:]] * 3 + [net.ALL[2:]] * 2 + [net.ALL[1:]] * 2
    opened += [net.ALL] * 2
    assert watcher.by_epoch == [net.expected_changes(o) for o in opened]


def test_gradual_unfreezing_may_begin_at_once_or_at_given_epochs():
    model = net.build_network()
    first = ks.GradualUnfreeze(start=0).phases_for(model)
    assert [phase.name for phase in first] == [
        "stage_2_up",
        "stage_1_up",
        "stem_up",
    ]
    given = ks.GradualUnfreeze(at=[2, 7]).phases_for(model)
    assert [phase.until for phase in given] == [
        ks.AtEpoch(2),
        ks.AtEpoch(7),
        None,
    ]


def test_freeze_out_follows_half_a_cosine_per_stage():
    phases = ks.FreezeOut(t0=0.5, cubic=True).phases_for(net.build_network(), 8)
    # The times of the four parts: (1/2)^3, (2/3)^3, (5/6)^3, 1.
    assert [sorted(p.learning_rate_multiplier) for p in phases[:2]] == [
        ["head", "stage_1", "stage_2", "stem"],
        ["head", "stage_1", "stage_2"],
    ]
    first = phases[0].learning_rate_multiplier
    assert first["stem"] == pytest.approx(8.0)
    assert first["head"] == 1.0
    half = phases[4].learning_rate_multiplier
    assert half["head"] == pytest.approx(0.5)
    assert set(half) == {"stage_2", "head"}
    unscaled = ks.FreezeOut(t0=0.5, scaled=False).phases_for(
        net.build_network(), 8
    )
    assert set(unscaled[0].learning_rate_multiplier.values()) == {1.0}
