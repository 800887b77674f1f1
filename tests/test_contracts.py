"""The conformance kit, run over everything that is registered or exported."""

import inspect

import keras
import pytest

import keras_transfer as kt
from keras_transfer import schedules
from keras_transfer.testing import check_backbone
from keras_transfer.testing import check_head
from keras_transfer.testing import check_schedule

# Too large, or too many, to be checked every time, but for a few.
LARGE = ("applications/", "classic/davit_", "kecam/")
SMALL = ("applications/mobilenet", "kecam/lcnet_050")

# Of exported schedules that do not work without arguments.
EXAMPLES = {
    "FreezeSchedule": lambda: schedules.FreezeSchedule(
        [
            schedules.Phase("head", until=schedules.Epochs(1)),
            schedules.Phase("*"),
        ]
    ),
    "FreezeWindow": lambda: schedules.FreezeWindow("backbone", after=1),
    "LinearProbeThenFineTune": lambda: schedules.LinearProbeThenFineTune(1),
}


def backbones():
    for name in kt.list_backbones():
        is_small = name in SMALL or not name.startswith(LARGE)
        yield pytest.param(name, marks=() if is_small else pytest.mark.slow)


@pytest.mark.parametrize("name", [*backbones()])
def test_a_registered_backbone_keeps_the_contract(name):
    check_backbone(name)


@pytest.mark.parametrize("name", kt.heads.__all__)
def test_an_exported_head_keeps_the_contract(name):
    check_head(getattr(kt.heads, name))


def exported_schedules():
    """Names of the classes that `fit` takes as callbacks, without synonyms."""
    for name in schedules.__all__:
        value = getattr(schedules, name)
        if (
            isinstance(value, type)
            and issubclass(value, keras.callbacks.Callback)
            and not inspect.isabstract(value)
            and value.__name__ == name
        ):
            yield name


@pytest.mark.parametrize("name", [*exported_schedules()])
def test_an_exported_schedule_keeps_the_contract(name):
    make = EXAMPLES.get(name, getattr(schedules, name))
    # Chain-thaw trains each part alone before all together.
    check_schedule(make(), epochs=5 if name == "ChainThaw" else 4)
