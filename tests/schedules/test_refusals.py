"""What a schedule refuses, before any training."""

import keras
import numpy as np
import pytest

from keras_transfer import schedules as ks
from keras_transfer.schedules import timeline
from tests.schedules import networks as net

HEAD = ks.Phase("head", until=ks.Epochs(1))


def phases(*given):
    return ks.FreezeSchedule(list(given))


class NoStep(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        raise AssertionError("a step was taken")


@pytest.mark.parametrize(
    ("schedule", "epochs", "sentence"),
    [
        (
            phases(ks.Phase("heed")),
            1,
            "Phase 1, 'phase_1', does not fit .*heed",
        ),
        (
            phases(HEAD, ks.Phase("stage_7", name="top")),
            2,
            "Phase 2, 'top', does not fit .*'stage_7' matches nothing",
        ),
        (
            phases(
                HEAD, ks.Phase("*", learning_rate_multiplier={"nobody": 0.1})
            ),
            2,
            "'nobody' matches nothing",
        ),
        (phases(ks.Phase("flatten")), 1, "holds no weights"),
        (
            phases(ks.Phase("head", until=ks.Epochs(3)), ks.Phase("*")),
            3,
            r"Phase 2 never begins: it begins at epoch 3.*has 3 epochs",
        ),
        (
            phases(
                ks.Phase("head", until=ks.Plateau(patience=3)),
                ks.Phase("*", name="all"),
            ),
            4,
            r"Phase 2 \('all'\) never begins: it begins not before epoch 4",
        ),
        (
            phases(ks.Phase("head", until=ks.Steps(9)), ks.Phase("*")),
            3,
            "Phase 2 never begins: it begins at epoch 3",
        ),
        (ks.LinearProbeThenFineTune(5), 5, "Phase 2 .* never begins"),
        (ks.LinearProbeThenFineTune(1, stages=4), 5, "between 1 and 3"),
        (ks.FreezeWindow("head", before=9), 9, "never begins"),
        (ks.FreezeWindow("*", before=1), 9, "Nothing of 'network' trains"),
        (ks.ChainThaw(), 4, r"Phase 5 \('all'\) never begins"),
        (
            ks.GradualUnfreeze(at=[1, 2, 3, 4]),
            9,
            "names 4 epochs.*only 3 stages",
        ),
        (
            ks.GradualUnfreeze(stages=["nobody"]),
            9,
            "'nobody' matches nothing",
        ),
    ],
)
def test_what_does_not_fit_is_told_before_the_first_step(
    schedule, epochs, sentence
):
    model = net.compiled()
    flags = [weight.trainable for weight in model.weights]
    with pytest.raises(ValueError, match=sentence):
        net.train(model, epochs, schedule, NoStep())
    assert flags == [weight.trainable for weight in model.weights]


def test_a_phase_in_which_nothing_trains_is_refused():
    model = net.compiled()
    for layer in ("head",):
        for variable in model.get_layer(layer).weights:
            variable.trainable = False
    with pytest.raises(ValueError, match="nothing trains"):
        net.train(model, 1, ks.LinearProbe())


def test_a_model_without_stages_is_refused():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="has no stages before its head"):
        model.fit(
            np.ones((2, 4)),
            np.ones((2, 2)),
            verbose=0,
            callbacks=[ks.GradualUnfreeze()],
        )


def test_a_model_without_weights_is_refused():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="no layer with weights"):
        ks.LinearProbe().describe(model)


@net.tensorflow_only
def test_a_model_that_is_not_built_is_refused():
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="has no weights yet"):
        model.fit(
            np.ones((2, 4)),
            np.ones((2, 2)),
            verbose=0,
            callbacks=[ks.LinearProbe()],
        )


def test_an_optimizer_that_cannot_be_split_is_refused():
    with pytest.raises(ValueError, match="Ftrl cannot be used"):
        net.train(net.compiled("ftrl"), 1, ks.LinearProbe())


def test_two_schedules_are_refused():
    with pytest.raises(ValueError, match="one schedule.*LinearProbe"):
        net.train(net.compiled(), 2, ks.LinearProbe(), ks.GradualUnfreeze())


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_epoch_end"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("makes_function", [True, False])
def test_compiling_meanwhile_is_refused(hook, first, makes_function):
    def compile_again(epoch, logs=None):
        if epoch == 1:
            model.compile("adam", "sparse_categorical_crossentropy")
            if makes_function:
                model.make_train_function()

    model = net.compiled()
    compiler = keras.callbacks.LambdaCallback(**{hook: compile_again})
    callbacks = [compiler, ks.LinearProbe()]
    with pytest.raises(ValueError, match="was compiled while LinearProbe"):
        net.train(model, 3, *(callbacks if first else callbacks[::-1]))


def test_compiling_with_the_same_optimizer_is_refused_too():
    model = net.compiled()
    compiler = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.compile(model.optimizer, "mse")
    )
    with pytest.raises(ValueError, match="was compiled while LinearProbe"):
        net.train(model, 1, ks.LinearProbe(), compiler)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            [
                ks.Phase("head", until=ks.AtEpoch(4)),
                ks.Phase("*", until=ks.AtEpoch(4)),
                ks.Phase("*"),
            ],
            "Phases overlap: phase 2 ends at epoch 4, but begins at epoch 4",
        ),
        ([ks.Phase("head"), ks.Phase("*")], "phase 2 would never begin"),
        ([], "at least one Phase"),
    ],
)
def test_phases_that_cannot_follow_each_other_are_refused(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        ks.FreezeSchedule(given)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: ks.FreezeSchedule(["head"]), TypeError, "a list of Phase"),
        (lambda: ks.Phase("*", until=3), TypeError, r"`Epochs\(3\)`"),
        (lambda: ks.Phase("*", until=ks.Epochs), TypeError, "`until` must be"),
        (
            lambda: ks.Phase("*", batch_norm="on"),
            ValueError,
            "Unknown `batch_norm` policy 'on'",
        ),
        (
            lambda: ks.Phase("*", warmup_steps=-1),
            ValueError,
            "`warmup_steps` must be a whole number",
        ),
        (
            lambda: ks.Phase("*", learning_rate_multiplier=0.0),
            ValueError,
            "above 0 and finite",
        ),
        (
            lambda: ks.Phase("*", learning_rate_multiplier=slice(0.1)),
            TypeError,
            "`learning_rate_multiplier` must be",
        ),
        (lambda: ks.LayerDecay(1.5), ValueError, "`decay` of LayerDecay"),
        (lambda: ks.LayerDecay(0.5, by="depth"), ValueError, "`by` of Layer"),
        (lambda: ks.Epochs(0), ValueError, "`count` of Epochs"),
        (lambda: ks.AtEpoch(0.5), ValueError, "`epoch` of AtEpoch"),
        (lambda: ks.Steps(True), ValueError, "`count` of Steps"),
        (lambda: ks.Plateau(patience=0), ValueError, "`patience` of Plateau"),
        (lambda: ks.Plateau(mode="up"), ValueError, "`mode` must be"),
        (lambda: ks.Plateau(min_delta=-1), ValueError, "`min_delta` of Plat"),
        (lambda: ks.Threshold("a", 1, "up"), ValueError, "`mode` must be"),
        (lambda: ks.GradualUnfreeze(every=0), ValueError, "`every` must be at"),
        (lambda: ks.GradualUnfreeze(start=1.5), TypeError, "`start` must be a"),
        (lambda: ks.GradualUnfreeze(at=[3, 1]), ValueError, "ascending order"),
        (lambda: ks.FreezeWindow("*"), ValueError, "needs `before` or `after`"),
        (
            lambda: ks.FreezeWindow("*", before=2, after=2),
            ValueError,
            "is empty",
        ),
        (lambda: ks.ChainThaw(until=None), ValueError, "must end a phase"),
        (lambda: ks.FreezeOut(t0=1.0), ValueError, "above 0 and below 1"),
        (
            lambda: ks.LinearProbeThenFineTune(0),
            ValueError,
            "`count` of Epochs",
        ),
    ],
)
def test_wrong_arguments_are_told_at_once(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


STAGES = {
    "GradualUnfreeze": ks.GradualUnfreeze,
    "ChainThaw": ks.ChainThaw,
    "UnfreezeOnPlateau": ks.UnfreezeOnPlateau,
}


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize(
    ("stages", "error", "sentence"),
    [
        ([], ValueError, "`stages` must select something"),
        ((), ValueError, "`stages` must select something"),
        ([[]], ValueError, "Each of `stages` must select something"),
        ([""], ValueError, "Each of `stages` must select something"),
        ([None], ValueError, "Each of `stages` must select something"),
        # Each of its letters would be a stage.
        ("stem", TypeError, "`stages` must be a list of selectors"),
        (3, TypeError, "`stages` must be a list of selectors"),
    ],
)
def test_stages_that_open_nothing_are_refused(name, stages, error, sentence):
    with pytest.raises(error, match=sentence):
        STAGES[name](stages=stages)


@pytest.mark.parametrize("nothing", ["", [], None])
def test_a_window_of_nothing_is_refused(nothing):
    with pytest.raises(ValueError, match="`selectors` must select something"):
        ks.FreezeWindow(nothing, before=1)
    with pytest.raises(ValueError, match="`others` must select something"):
        ks.FreezeWindow("stem", before=1, others=nothing)


@pytest.mark.parametrize("nothing", ["", []])
def test_a_fine_tuning_of_nothing_is_refused(nothing):
    with pytest.raises(ValueError, match="`stages` must select something"):
        ks.LinearProbeThenFineTune(1, stages=nothing)


@pytest.mark.parametrize("at", [[], "", 3, [1.5], ["1"], [True], [-1, 2]])
def test_epochs_that_are_none_are_refused(at):
    with pytest.raises(ValueError, match="must be a list of epochs"):
        ks.GradualUnfreeze(at=at)


@pytest.mark.parametrize("phases", [None, 3, "head", ks.Phase("*")])
def test_what_is_no_list_of_phases_is_refused(phases):
    with pytest.raises(TypeError, match="`phases` must be a list of Phase"):
        ks.FreezeSchedule(phases)


@pytest.mark.parametrize("metric", ["", None, [], 3])
def test_what_names_no_metric_is_refused(metric):
    for make in (ks.Plateau, ks.UnfreezeOnPlateau):
        with pytest.raises(TypeError, match="must be the name of a metric"):
            make(metric)
    with pytest.raises(TypeError, match="`monitor` of Threshold must be the"):
        ks.Threshold(metric, 0.5)
    if metric is not None:
        with pytest.raises(TypeError, match="`restore_best` must be the name"):
            ks.Phase("*", restore_best=metric)


@pytest.mark.parametrize("number", ["", None, [], "0.5", True])
def test_what_is_no_number_is_refused(number):
    for make, name in (
        (lambda: ks.LayerDecay(number), "`decay`"),
        (lambda: ks.LayerDecay(0.5, minimum=number), "`minimum`"),
        (lambda: ks.Plateau(min_delta=number), "`min_delta`"),
        (lambda: ks.Threshold("loss", number), "`value`"),
        (lambda: ks.FreezeOut(t0=number), "`t0`"),
    ):
        with pytest.raises(TypeError, match=f"{name}.* must be a number"):
            make()


def test_a_slice_with_a_step_and_a_name_that_is_none_are_refused():
    with pytest.raises(TypeError, match=r"slice\(low, high\)"):
        ks.Phase("*", learning_rate_multiplier=slice(0.1, 1, 2))
    with pytest.raises(TypeError, match="`name` of a Phase must be a string"):
        ks.Phase("*", name=3)


def test_freeze_out_needs_the_number_of_epochs():
    with pytest.raises(ValueError, match="pass `epochs`"):
        ks.FreezeOut().describe(net.build_network())


def test_training_that_begins_late_is_where_certain_phases_lead():
    given = [
        ks.Phase("head", until=ks.Epochs(2)),
        ks.Phase("stage_2", until=ks.Plateau("loss")),
        ks.Phase("*"),
    ]
    assert [timeline.phase_at(given, epoch) for epoch in (0, 1, 2, 9)] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 7),
    ]
