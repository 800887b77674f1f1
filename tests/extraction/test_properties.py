"""Whatever the model and the selection, extraction is right."""

import json

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import keras_transfer as kt
from tests.extraction.networks import numpy
from tests.extraction.networks import random
from tests.extraction.programs import WIDTH
from tests.extraction.programs import Built
from tests.extraction.programs import programs

QUIET = {
    "deadline": None,
    "suppress_health_check": [
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
}


def check(program, data, folder):
    built = Built(program)
    model = built.model
    arrays = [
        keras.ops.convert_to_tensor(random(3, WIDTH, seed=i))
        for i in range(program.num_inputs)
    ]
    expected = built.run(arrays)
    chosen = data.draw(
        st.lists(
            st.sampled_from(sorted(expected)),
            min_size=1,
            max_size=4,
            unique=True,
        )
    )
    config = json.dumps(model.get_config(), default=repr)
    before = keras.tree.map_structure(numpy, model(arrays))

    extractor = kt.build_extractor(model, chosen)

    own = {id(variable) for variable in model.variables}
    assert {id(variable) for variable in extractor.variables} <= own
    used = [tensor.name for tensor in extractor.inputs]
    inputs = [arrays[int(name.removeprefix("in"))] for name in used]
    inputs = inputs if len(inputs) > 1 else inputs[0]
    activations = extractor(inputs)
    assert set(activations) == set(chosen)
    for name in chosen:
        np.testing.assert_allclose(
            numpy(activations[name]),
            numpy(expected[name]),
            rtol=1e-5,
            atol=1e-6,
        )
    assert json.dumps(model.get_config(), default=repr) == config
    after = keras.tree.map_structure(numpy, model(arrays))
    keras.tree.map_structure(np.testing.assert_array_equal, after, before)

    extractor.save(folder / "extractor.keras")
    reloaded = keras.saving.load_model(folder / "extractor.keras")
    again = reloaded(inputs)
    for name in chosen:
        np.testing.assert_array_equal(
            numpy(again[name]), numpy(activations[name])
        )


@settings(max_examples=8, **QUIET)
@given(program=programs(), data=st.data())
def test_any_activation_of_any_graph(program, data, tmp_path):
    check(program, data, tmp_path)


@pytest.mark.slow
@settings(max_examples=300, **QUIET)
@given(program=programs(depth=3), data=st.data())
def test_any_activation_of_many_graphs(program, data, tmp_path):
    check(program, data, tmp_path)
