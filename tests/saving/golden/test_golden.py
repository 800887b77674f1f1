"""Files of earlier versions load for ever, with the outputs they had."""

import json

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.saving.golden import make

OUTPUTS = json.loads((make.FOLDER / "outputs.json").read_text())


def test_every_file_has_its_outputs():
    names = {path.name for path in make.FOLDER.glob("*.keras")}
    assert names == set(OUTPUTS)
    assert len(names) >= 10


@pytest.mark.parametrize("name", sorted(OUTPUTS))
def test_a_golden_file_computes_what_it_did(name):
    model = kt.load_model(make.FOLDER / name)
    expected = np.array(OUTPUTS[name])
    assert np.ptp(expected, axis=0).min() > 1e-4  # It depends on the image.
    # Half precision differs between processors.
    tolerance = 5e-3 if "mixed" in name else 1e-5
    images = make.images()
    # Before 3.12 the only input was saved as a list.
    inputs = [images] if isinstance(model.input, list) else images
    received = keras.ops.convert_to_numpy(model(inputs, training=False))
    np.testing.assert_allclose(received, expected, atol=tolerance)


def test_a_golden_file_says_what_it_knew():
    model = kt.load_model(make.FOLDER / "0.1.0-trained.keras")
    info = kt.info(model)
    assert info.class_names == ["ant", "bee"]
    assert len(info.history["loss"]) == 2
    schedule = kt.schedules.of(model)
    assert isinstance(schedule, kt.schedules.GradualUnfreeze)
    assert (schedule.every, schedule.start) == (1, 1)
    assert model.optimizer.iterations == 2


def test_an_optimizer_of_torch_goes_on_where_there_is_no_torch():
    model = kt.load_model(make.FOLDER / "torch-compiled.keras")
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert model.optimizer.iterations == 1
    momenta = [v for v in model.optimizer.variables if "momentum" in v.path]
    assert any(np.any(keras.ops.convert_to_numpy(v)) for v in momenta)
