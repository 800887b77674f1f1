"""Schedules on the command line, by name or from a file."""

import pytest

import keras_transfer as kt
from keras_transfer.cli.fit.schedule import find_schedule
from keras_transfer.cli.fit.schedule import schedules_by_name


@pytest.mark.parametrize("name", sorted(schedules_by_name()))
def test_every_schedule_without_required_arguments_has_a_name(name):
    schedule = find_schedule(name, epochs=9)
    assert isinstance(schedule, kt.schedules.Schedule)
    assert schedules_by_name()[name] is type(schedule)


def test_a_probe_lasts_a_third_and_the_backbone_learns_slower():
    schedule = find_schedule("linear_probe_then_fine_tune", epochs=9)
    assert schedule.probe_epochs == 3
    assert schedule.learning_rate_multiplier == slice(0.01, 1.0)


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_schedule_is_read_from_a_file(tmp_path, suffix):
    path = tmp_path / f"schedule{suffix}"
    kt.schedules.GradualUnfreeze(every=3).to_file(path)
    assert find_schedule(str(path), epochs=9).every == 3


def test_a_misspelt_name_suggests_the_right_one():
    with pytest.raises(ValueError, match="Did you mean 'gradual_unfreeze'"):
        find_schedule("gradual_unfreze", epochs=9)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="There is no schedule file"):
        find_schedule(str(tmp_path / "none.json"), epochs=9)
