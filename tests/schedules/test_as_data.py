"""Schedules as JSON, as YAML and inside of model files."""

import json

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import keras_transfer as kt
from keras_transfer import schedules as ks
from keras_transfer.schedules import as_data
from tests.conftest import build_tiny
from tests.schedules import networks as net

names = st.sampled_from(["stem", "stage_1", "stage_*", "head", "*/conv_1"])
selectors = st.one_of(
    names,
    st.integers(-3, 3),
    st.floats(0.1, 1.0),
    st.builds(slice, st.integers(0, 3), st.none() | st.integers(4, 9)),
)
positive = st.floats(1e-6, 10.0)
counts = st.integers(1, 50)
metrics = st.sampled_from(["loss", "val_accuracy"])
conditions = st.one_of(
    st.builds(ks.Epochs, counts),
    st.builds(ks.AtEpoch, counts),
    st.builds(ks.Steps, counts),
    st.builds(
        ks.Plateau,
        metrics,
        counts,
        st.floats(0, 1),
        st.sampled_from(["auto", "min", "max"]),
    ),
    st.builds(ks.Threshold, metrics, st.floats(-1, 1)),
)
rates = st.one_of(
    positive,
    st.dictionaries(names, positive, min_size=1),
    st.builds(slice, positive, positive),
    st.builds(ks.LayerDecay, st.floats(0.1, 1.0), st.floats(0, 0.1)),
)
a_phase = st.builds(
    ks.Phase,
    st.one_of(selectors, st.lists(selectors, min_size=1)),
    st.none() | st.text(max_size=5),
    batch_norm=st.sampled_from(["frozen", "full", "affine", "statistics"]),
    learning_rate_multiplier=rates,
    warmup_steps=st.integers(0, 9),
    until=st.one_of(
        st.none(), conditions, st.lists(conditions, min_size=2).map(tuple)
    ),
    restore_best=st.none() | metrics,
)


@settings(max_examples=200, deadline=None)
@given(a_phase)
def test_a_phase_comes_back_from_json(phase):
    text = json.dumps(as_data.phase_to_data(phase))
    assert as_data.phase_from_data(json.loads(text)) == phase


WRITTEN = [
    ks.FreezeSchedule(
        [
            ks.Phase("head", until=(ks.Epochs(3), ks.Plateau("loss"))),
            ks.Phase(
                ["head", slice(-3, None)],
                learning_rate_multiplier={"head": 0.5},
            ),
        ]
    ),
    ks.LinearProbe(),
    ks.LinearProbeThenFineTune(
        3, stages=["stage_2"], learning_rate_multiplier=0.5
    ),
    ks.GradualUnfreeze(at=[1, 4], learning_rate_multiplier=slice(0.01, 1.0)),
    ks.FreezeWindow(["stem", "stage_1"], before=4, after=2),
    ks.UnfreezeOnPlateau("val_accuracy", patience=3, restore_best=True),
    ks.ChainThaw(until=ks.Plateau(patience=5), restore_best="val_loss"),
    ks.FreezeOut(t0=0.5),
]


def arguments(schedule):
    """Everything that was passed to the constructor."""
    return {k: getattr(schedule, k) for k in schedule.get_config()}


@pytest.mark.parametrize("schedule", WRITTEN, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("suffix", ["json", "yaml", "yml"])
def test_every_schedule_comes_back_from_a_file(schedule, suffix, tmp_path):
    path = tmp_path / f"schedule.{suffix}"
    schedule.to_file(path)
    again = ks.FreezeSchedule.from_file(path)
    assert type(again) is type(schedule)
    assert arguments(again) == arguments(schedule)


def test_a_file_written_by_hand_may_be_short(tmp_path):
    text = """
    schedule: FreezeSchedule
    phases:
      - trainable: head        # the new layers
        until: {epochs: 3}
      - trainable: [stage_2, head]
        learning_rate_multiplier: {by_selector: {stage_2: 0.1}}
    """
    assert ks.Schedule.from_yaml(text).phases == [
        ks.Phase("head", until=ks.Epochs(3)),
        ks.Phase(
            ["stage_2", "head"], learning_rate_multiplier={"stage_2": 0.1}
        ),
    ]
    short = ks.Schedule.from_json('{"schedule": "GradualUnfreeze"}')
    assert (short.every, short.start) == (1, 1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be a mapping with the key 'schedule'"),
        ('{"schedule": ["a"]}', "must be a mapping with the key 'schedule'"),
        ('{"schedule": "one_packag>Schedule"}', "Unknown schedule"),
        ('{"schedule": "GradualUnfreze"}', "Did you mean 'GradualUnfreeze'"),
        ('{"schedule": "GradualUnfreeze", "evry": 1}', "Did you mean 'every'"),
        ('{"schedule": "FreezeSchedule", "phases": [{}]}', "is written as {}"),
        (
            '{"schedule": "FreezeSchedule", "phases":'
            ' [{"trainable": "*", "untl": 1}]}',
            r"A phase has no \['untl'\]",
        ),
        (
            '{"schedule": "ChainThaw", "until": {"plateau": {"pat": 1}}}',
            r"Plateau has no \['pat'\]",
        ),
    ],
)
def test_damaged_data_is_told(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        ks.Schedule.from_json(text)


def test_what_is_no_phase_is_told():
    with pytest.raises(ValueError, match="at least `trainable`"):
        as_data.phase_from_data({"until": None})


def test_damaged_yaml_and_other_files_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.json"):
        ks.LinearProbe().to_file(tmp_path / "schedule.toml")
    with pytest.raises(ValueError, match="There is no schedule file"):
        ks.Schedule.from_file(tmp_path / "missing.json")
    with pytest.raises(ValueError, match="not valid YAML"):
        ks.Schedule.from_yaml("a: [")


@pytest.mark.parametrize(
    "phase",
    [
        ks.Phase(lambda layer: True),
        ks.Phase("*", until=lambda epoch, logs: True),
    ],
)
def test_functions_are_refused_but_train(phase):
    schedule = ks.FreezeSchedule([phase])
    with pytest.raises(ValueError, match="holds a function cannot be saved"):
        schedule.to_json()
    model = net.compiled()
    net.train(model, 1, schedule)
    with pytest.raises(ValueError, match="held a function"):
        ks.of(model)


def test_the_schedule_is_there_after_loading(tmp_path):
    model = kt.build_model(build_tiny(), kt.heads.LinearHead(2))
    kt.compile_for_transfer(model)
    assert ks.of(model) is None
    x = np.zeros((2, 32, 32, 3), "uint8")
    schedule = ks.GradualUnfreeze(every=2, start=1)
    model.fit(x, np.array([0, 1]), verbose=0, callbacks=[schedule])
    model.save(tmp_path / "whole.keras")
    model.save(tmp_path / "bare.keras", include_optimizer=False)
    for name in ("whole", "bare"):
        loaded = keras.saving.load_model(tmp_path / f"{name}.keras")
        found = ks.of(loaded)
        assert arguments(found) == arguments(schedule)
    bare = keras.saving.load_model(tmp_path / "whole.keras", compile=False)
    assert arguments(ks.of(bare)) == arguments(schedule)


def test_a_schedule_of_somebody_else_is_found_by_its_name():
    class OnlyTheStem(ks.Schedule):
        def __init__(self, rate=1.0):
            super().__init__()
            self.rate = rate

        def phases_for(self, model, epochs=None):
            return [ks.Phase("stem", learning_rate_multiplier=self.rate)]

    text = OnlyTheStem(0.5).to_json()
    assert json.loads(text)["schedule"] == "tests>OnlyTheStem"
    again = ks.Schedule.from_json(text)
    assert (type(again), again.rate) == (OnlyTheStem, 0.5)
    model = net.compiled()
    watcher = net.Watcher()
    net.train(model, 1, again, watcher)
    assert watcher.by_epoch == [net.expected_changes(["stem"])]


def defined(module, name="SameName", qualname=None):
    """A schedule as if it were defined in some module."""
    scope = {
        "__module__": module,
        "__qualname__": qualname or name,
        "phases_for": lambda self, model, epochs=None: [ks.Phase("*")],
    }
    return type(ks.Schedule)(name, (ks.Schedule,), scope)


def test_two_schedules_of_one_name_are_refused():
    one = defined("one_package.here")
    with pytest.raises(
        ValueError,
        match=r"Two schedules are called 'one_package>SameName': "
        r"one_package\.here\.SameName and one_package\.there\.SameName\.",
    ):
        defined("one_package.there")
    data = {"schedule": "one_package>SameName"}
    assert type(ks.Schedule.from_data(data)) is one
    with pytest.raises(ValueError, match="called 'LinearProbe'"):
        defined("__main__", "LinearProbe")


def test_a_schedule_that_is_defined_anew_replaces_itself():
    defined("a_notebook.cell", "Again")
    new = defined("a_notebook.cell", "Again")
    assert type(ks.Schedule.from_data({"schedule": "a_notebook>Again"})) is new


def test_a_bare_name_of_version_0_1_must_be_the_only_one():
    one = defined("first.place", "Shared")
    assert type(ks.Schedule.from_data({"schedule": "Shared"})) is one
    defined("second.place", "Shared")
    with pytest.raises(
        ValueError, match=r"ambiguous.*\['first>Shared', 'second>Shared'\]"
    ):
        ks.Schedule.from_data({"schedule": "Shared"})


def test_the_names_are_sorted():
    assert ks.__all__ == sorted(ks.__all__)
    assert all(hasattr(ks, name) for name in ks.__all__)
