"""Schedules on the command line, by name or from a file."""

import pytest

import keras_transfer as kt
from keras_transfer.cli.fit.schedule import find_schedule
from keras_transfer.cli.fit.schedule import schedules_by_name


@pytest.mark.parametrize("name", sorted(schedules_by_name()))
def test_a_name_stands_for_the_schedule_with_its_defaults(name):
    word = name.replace("_", "")
    (kind,) = (
        getattr(kt.schedules, public)
        for public in kt.schedules.__all__
        if public.lower() == word
    )
    schedule = find_schedule(name)
    assert type(schedule) is kind
    assert schedule.to_data() == kind().to_data()


def test_every_schedule_that_needs_no_argument_has_a_name():
    assert sorted(schedules_by_name()) == [
        "chain_thaw",
        "freeze_out",
        "gradual_unfreeze",
        "linear_probe",
        "linear_probe_then_fine_tune",
        "unfreeze_on_plateau",
    ]


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_schedule_is_read_from_a_file(tmp_path, suffix):
    path = tmp_path / f"schedule{suffix}"
    kt.schedules.GradualUnfreeze(every=3).to_file(path)
    assert find_schedule(str(path)).every == 3


def test_a_misspelt_name_suggests_the_right_one():
    with pytest.raises(ValueError, match="Did you mean 'gradual_unfreeze'"):
        find_schedule("gradual_unfreze")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="There is no schedule file"):
        find_schedule(str(tmp_path / "none.json"))
