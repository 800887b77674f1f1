"""An interrupted run ends bit for bit as one that was not interrupted."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_transfer import schedules as ks
from tests.schedules import networks as net
from tests.schedules import resuming

ROOT = pathlib.Path(__file__).parent.parent.parent
EVERYTHING = {
    "ema": True,
    "accumulation": 2,
    "dropout": 0.3,
    "shuffle": True,
}
MIXED = {**EVERYTHING, "mixed": True}


class Interrupted(Exception):
    """Stands for the end of a process, within one."""


def interrupt():
    raise Interrupted


def final(model):
    return {**net.values(model), **net.moments(model)}


def check(tmp_path, cut, **arguments):
    whole = tmp_path / "whole"
    parts = tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    expected = final(resuming.run(whole, **arguments))
    with pytest.raises(Interrupted):
        resuming.run(parts, cut=cut, end=interrupt, **arguments)
    assert net.same(expected, final(resuming.run(parts, **arguments)))


@pytest.mark.parametrize(
    ("schedule", "cut", "through", "order", "options"),
    [
        ("gradual", 1, "backup", "last", EVERYTHING),
        ("gradual", 2, "keras", "last", MIXED),
        ("plateau", 1, "keras", "last", {}),
        ("steps", 0, "keras", "first", EVERYTHING),
        ("freeze_out", 1, "keras", "last", {}),
    ],
)
def test_a_run_goes_on_exactly(
    schedule, cut, through, order, options, tmp_path
):
    check(
        tmp_path,
        cut,
        schedule=schedule,
        through=through,
        order=order,
        **options,
    )


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, EVERYTHING, MIXED])
@pytest.mark.parametrize("order", ["first", "last"])
@pytest.mark.parametrize("through", ["keras", "backup"])
@pytest.mark.parametrize("cut", [0, 1, 2, 3])
@pytest.mark.parametrize("schedule", resuming.SCHEDULES)
def test_a_run_goes_on_exactly_from_everywhere(
    schedule, cut, through, order, options, tmp_path
):
    check(
        tmp_path,
        cut,
        schedule=schedule,
        epochs=5,
        through=through,
        order=order,
        **options,
    )


def test_a_killed_process_is_resumed_by_another(tmp_path):
    check_processes(tmp_path, 1, through="backup", order="first", **MIXED)


@pytest.mark.slow
@pytest.mark.parametrize("options", [EVERYTHING, MIXED])
@pytest.mark.parametrize("through", ["keras", "backup"])
@pytest.mark.parametrize("cut", [0, 1, 2])
@pytest.mark.parametrize("schedule", ["gradual", "plateau", "steps"])
def test_killed_processes_are_resumed_from_everywhere(
    schedule, cut, through, options, tmp_path
):
    check_processes(
        tmp_path, cut, schedule=schedule, through=through, **options
    )


def check_processes(tmp_path, cut, **arguments):
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = final(resuming.run(whole, **arguments))
    arguments["folder"] = str(tmp_path)
    assert start({**arguments, "cut": cut}) == -9
    assert not (tmp_path / "final.npz").exists()
    assert start(arguments) == 0
    with np.load(tmp_path / "final.npz") as received:
        assert net.same(expected, dict(received))


def start(arguments):
    return subprocess.run(
        [sys.executable, "-m", "tests.schedules.resuming"]
        + [json.dumps(arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT}/plugins"},
        check=False,
    ).returncode


def test_without_the_random_state_a_resumed_run_differs(tmp_path, monkeypatch):
    """What the tests above would show if nothing was restored."""
    from keras_transfer.schedules import kept_state

    monkeypatch.setattr(
        kept_state, "restore_random_state", lambda *arguments: None
    )
    with pytest.raises(AssertionError):
        check(tmp_path, 1, dropout=0.3)


@pytest.mark.parametrize("known", [True, False])
def test_a_run_of_an_earlier_version_goes_on(known):
    model = net.compiled()
    schedule = ks.UnfreezeOnPlateau(
        "loss", 1, min_delta=100.0, learning_rate_multiplier=0.5
    )
    before = net.train(model, 3, schedule)
    assert before["phase"] == [0, 0, 1]
    # As version 0.1 wrote it.
    state = model.optimizer.memory.schedule_state
    old = dict(state["schedule"])
    old["learning_rate"] = old.pop("learning_rate_multiplier")
    if not known:
        old["schedule"] = "OfSomebodyElse"
    state["schedule"] = old
    if known:
        after = net.train(model, 5, schedule, initial_epoch=3)
        assert after["phase"] == [1, 2]
        renewed = model.optimizer.memory.schedule_state["schedule"]
        assert renewed == schedule.to_data()
    else:
        # Another schedule, as far as anybody knows: it begins anew.
        after = net.train(model, 5, schedule, initial_epoch=3)
        assert after["phase"] == [0, 0]


def test_training_may_be_prolonged():
    whole, parts = net.compiled(), net.compiled()
    schedule = ks.GradualUnfreeze(start=2, every=2)
    expected = net.train(whole, 5, schedule)["trainable_params"]
    received = net.train(parts, 2, schedule)["trainable_params"]
    received += net.train(parts, 5, schedule, initial_epoch=2)[
        "trainable_params"
    ]
    assert received == expected
    assert net.same(final(whole), final(parts))


def test_another_schedule_takes_over_in_mid_training():
    model = net.compiled()
    net.train(model, 2, ks.LinearProbe())
    schedule = ks.GradualUnfreeze(start=1, every=1)
    history = net.train(model, 4, schedule, initial_epoch=2)
    assert history["phase"] == [2, 3]


def test_a_wrong_initial_epoch_is_refused():
    model = net.compiled()
    schedule = ks.UnfreezeOnPlateau("loss")
    net.train(model, 3, schedule)
    with pytest.raises(ValueError, match="end of 3 epochs.*begins at epoch 2"):
        net.train(model, 5, schedule, initial_epoch=2)


def test_a_run_cut_in_its_first_epoch_goes_on_in_its_phase(tmp_path):
    def callbacks():
        return [
            keras.callbacks.BackupAndRestore(tmp_path, save_freq=1),
            ks.FreezeSchedule(
                [ks.Phase("head", until=ks.Steps(1)), ks.Phase("stem")]
            ),
        ]

    class CutBatch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                raise Interrupted

    with pytest.raises(Interrupted):
        net.train(net.compiled(), 1, CutBatch(), *callbacks())
    watcher = net.Watcher()
    net.train(net.compiled(), 1, watcher, *callbacks())
    assert watcher.by_epoch == [net.expected_changes(["stem"])]
