"""Activations of nested models, on every backend."""

import json

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.extraction.networks import CASES
from tests.extraction.networks import encoder
from tests.extraction.networks import numpy
from tests.extraction.networks import random
from tests.extraction.networks import run
from tests.extraction.networks import siamese


def _for(extractor, case):
    """The part of a case's batch that an extractor takes."""
    used = {tensor.name for tensor in extractor.inputs}
    if isinstance(case.data, dict):
        return {name: x for name, x in case.data.items() if name in used}
    if not isinstance(case.data, list):
        return case.data
    names = [tensor.name for tensor in case.model.inputs]
    inputs = [
        x for name, x in zip(names, case.data, strict=True) if name in used
    ]
    return inputs[0] if len(inputs) == 1 else inputs


def config_of(model):
    return json.dumps(model.get_config(), default=repr)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.__name__)
def case(request):
    """Built once, with what its config and outputs were before."""
    case = request.param()
    case.config = config_of(case.model)
    case.outputs = keras.tree.map_structure(numpy, case.model(case.data))
    return case


def test_every_activation_is_what_the_layer_returns(case):
    extractor = kt.build_extractor(case.model, list(case.expected))
    activations = extractor(case.data)
    assert set(activations) == set(case.expected)
    assert extractor.mode == "graph"
    for name, expected in case.expected.items():
        np.testing.assert_allclose(
            numpy(activations[name]), numpy(expected), rtol=1e-6, atol=1e-6
        )


def test_each_activation_alone_is_the_same(case):
    together = kt.build_extractor(case.model, list(case.expected))(case.data)
    for name in case.expected:
        extractor = kt.build_extractor(case.model, name)
        inputs = _for(extractor, case)
        alone = extractor(inputs)
        assert list(alone) == [name]
        np.testing.assert_array_equal(numpy(alone[name]), numpy(together[name]))


def test_variables_are_the_very_objects_of_the_original(case):
    extractor = kt.build_extractor(case.model, list(case.expected))
    own = {id(variable) for variable in case.model.variables}
    assert extractor.variables
    assert {id(variable) for variable in extractor.variables} <= own


def test_the_original_is_unchanged(case):
    kt.build_extractor(case.model, list(case.expected))(case.data)
    assert config_of(case.model) == case.config
    after = keras.tree.map_structure(numpy, case.model(case.data))
    keras.tree.map_structure(np.testing.assert_array_equal, after, case.outputs)


def test_a_saved_extractor_returns_the_same_bits(case, tmp_path):
    extractor = kt.build_extractor(case.model, list(case.expected))
    extractor.save(tmp_path / "extractor.keras")
    reloaded = keras.saving.load_model(tmp_path / "extractor.keras")
    assert reloaded.mode == "graph"
    assert reloaded.paths == extractor.paths
    before, after = extractor(case.data), reloaded(case.data)
    for name in case.expected:
        np.testing.assert_array_equal(numpy(after[name]), numpy(before[name]))


def test_a_model_that_was_extracted_from_is_saved_without_its_extractors(
    tmp_path,
):
    case = siamese()
    case.model.save(tmp_path / "before.keras")
    kt.build_extractor(case.model, list(case.expected))
    case.model.save(tmp_path / "after.keras")
    sizes = [
        (tmp_path / f).stat().st_size for f in ("before.keras", "after.keras")
    ]
    assert sizes[1] <= sizes[0] + 200
    reloaded = keras.saving.load_model(tmp_path / "after.keras")
    np.testing.assert_array_equal(
        numpy(reloaded(case.data)), numpy(case.model(case.data))
    )


def test_predict_and_a_call_agree():
    case = siamese()
    extractor = kt.build_extractor(case.model, list(case.expected))
    predicted = extractor.predict(case.data, verbose=0)
    called = extractor(case.data)
    for name in case.expected:
        np.testing.assert_allclose(
            predicted[name], numpy(called[name]), rtol=1e-6, atol=1e-6
        )


def test_what_nothing_depends_on_is_left_out():
    case = siamese()
    extractor = kt.build_extractor(case.model, "encoder:1/c1")
    assert [tensor.name for tensor in extractor.inputs] == ["right"]
    dense = case.model.get_layer("encoder").get_layer("c1")
    assert extractor.count_params() == dense.count_params()
    activation = extractor(case.data[1])["encoder:1/c1"]
    np.testing.assert_array_equal(numpy(activation), numpy(dense(case.data[1])))


def test_later_layers_of_the_nested_model_and_after_it_are_left_out():
    inner = encoder()
    features = keras.Input((8,))
    model = keras.Model(
        features, keras.layers.Dense(2, name="out")(inner(features))
    )
    extractor = kt.build_extractor(model, "encoder/c1")
    names = {layer.name for layer in extractor._flatten_layers()}
    assert "c1" in names
    assert not names & {"c2", "bn", "out"}
    # An output that is asked for beside it needs them again.
    whole = kt.build_extractor(model, ["encoder/c1", "out"])
    assert whole.count_params() == model.count_params()


def test_weights_that_change_later_are_seen():
    inner = encoder()
    features = keras.Input((8,))
    model = keras.Model(features, keras.layers.Dense(2)(inner(features)))
    extractor = kt.build_extractor(model, "encoder/c1")
    inner.get_layer("c1").kernel.assign(np.full((8, 5), 0.5))
    x = random(2, 8)
    np.testing.assert_array_equal(
        numpy(extractor(x)["encoder/c1"]), numpy(run(inner, x, "c1"))
    )


def test_the_shallower_the_activation_the_less_is_computed():
    x = features = keras.Input((8,))
    for number in range(5):
        x = keras.layers.Dense(8, name=f"dense_{number}")(x)
    inner = keras.Model(features, x, name="inner")
    outer = keras.Input((8,))
    model = keras.Model(outer, keras.layers.Dense(2, name="out")(inner(outer)))
    paths = [f"inner/dense_{number}" for number in range(5)] + ["out"]
    extractors = [kt.build_extractor(model, path) for path in paths]
    # A dense layer's work is one product and one sum per parameter.
    assert [e.count_params() for e in extractors] == [
        72,
        144,
        216,
        288,
        360,
        378,
    ]
    assert extractors[-1].count_params() == model.count_params()
