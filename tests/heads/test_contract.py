"""What every exported head keeps, whichever it is."""

import inspect
import json

import keras
import numpy as np
import pytest

import keras_transfer as kt

NAMES = kt.heads.__all__

FEATURES = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")


@pytest.fixture(params=NAMES)
def head_class(request):
    return getattr(kt.heads, request.param)


@pytest.fixture
def mixed_float16():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


def _other_arguments(head_class):
    """Values that differ from the default of every argument."""
    values = {
        "num_classes": 4,
        "pooling": "gem",
        "hidden_units": (6, 7),
        "hidden_activation": "gelu",
        "attention_units": 9,
        "gated": False,
        "dropout": 0.25,
        "activation": "sigmoid",
        "name": "classifier",
        "task": "multi_label",
        "input_dropout": 0.125,
    }
    parameters = inspect.signature(head_class).parameters
    return {name: values[name] for name in parameters if name != "kwargs"}


def _model(head, shape=(3, 4, 5)):
    features = keras.Input(shape)
    return keras.Model(features, head(features))


def _public_dir(layer):
    return sorted(name for name in dir(layer) if not name.startswith("__"))


def test_exports_are_sorted():
    assert sorted(NAMES) == NAMES


def test_heads_share_their_leading_argument(head_class):
    assert list(inspect.signature(head_class).parameters)[0] == "num_classes"


@pytest.mark.parametrize("num_classes", [1, 2, 7])
def test_the_output_has_one_unit_per_class(head_class, num_classes):
    head = head_class(num_classes)
    assert head(FEATURES).shape == (2, num_classes)
    assert head.compute_output_shape((None, 3, 4, 5)) == (None, num_classes)


def test_two_or_more_classes_are_softmax_by_default(head_class):
    head = head_class(3)
    outputs = keras.ops.convert_to_numpy(head(FEATURES))
    assert head.output_activation == "softmax"
    np.testing.assert_allclose(outputs.sum(axis=-1), 1, atol=1e-6)
    assert (outputs > 0).all()


def test_a_single_unit_is_a_sigmoid_by_default(head_class):
    keras.utils.set_random_seed(0)
    head = head_class(1)
    probabilities = keras.ops.convert_to_numpy(head(FEATURES))
    logits_head = head_class(1, activation=None)
    logits_head.build(FEATURES.shape)
    logits_head.set_weights(head.get_weights())
    logits = keras.ops.convert_to_numpy(logits_head(FEATURES))
    assert head.output_activation == "sigmoid"
    np.testing.assert_allclose(
        probabilities, 1 / (1 + np.exp(-logits)), atol=1e-6
    )


@pytest.mark.parametrize("activation", [None, "linear"])
def test_logits_are_linear(head_class, activation):
    head = head_class(3, activation=activation)
    assert head.output_activation == "linear"
    softmax_head = head_class(3)
    softmax_head.build(FEATURES.shape)
    head.build(FEATURES.shape)
    softmax_head.set_weights(head.get_weights())
    np.testing.assert_allclose(
        keras.ops.softmax(head(FEATURES)), softmax_head(FEATURES), atol=1e-6
    )


def test_a_configuration_round_trips_through_json(head_class):
    arguments = _other_arguments(head_class)
    head = head_class(**arguments)
    config = json.loads(json.dumps(head.get_config()))
    assert config == head.get_config()
    revived = head_class.from_config(config)
    assert json.dumps(revived.get_config()) == json.dumps(head.get_config())
    assert _public_dir(revived) == _public_dir(head)
    for name, value in arguments.items():
        kept = getattr(revived, name)
        assert (tuple(kept) if isinstance(kept, list) else kept) == value


def test_constructor_arguments_are_stored_unchanged(head_class):
    arguments = _other_arguments(head_class)
    head = head_class(**arguments)
    head.build(FEATURES.shape)
    for name, value in arguments.items():
        assert getattr(head, name) == value


def test_every_argument_is_in_the_configuration(head_class):
    head = head_class(2)
    arguments = set(inspect.signature(head_class).parameters) - {"kwargs"}
    assert arguments <= set(head.get_config())


def test_numpy_numbers_are_as_good_as_python_ones(head_class):
    arguments = _other_arguments(head_class)
    if "hidden_units" in arguments:
        arguments["hidden_units"] = tuple(np.array([6, 7]))
    if "attention_units" in arguments:
        arguments["attention_units"] = np.int64(9)
    arguments |= {"num_classes": np.int64(3), "dropout": np.float32(0.5)}
    head = head_class(**arguments)
    config = json.loads(json.dumps(head.get_config()))
    assert (config["num_classes"], config["dropout"]) == (3, 0.5)


def test_a_key_from_a_later_version_is_ignored_with_a_warning(head_class):
    config = {**head_class(3).get_config(), "temperature": 2.0}
    with pytest.warns(UserWarning, match=r"Ignored \['temperature'\]"):
        revived = head_class.from_config(config)
    assert revived.get_config() == head_class(3).get_config()


def test_a_saved_model_gives_bit_equal_outputs(head_class, tmp_path):
    model = _model(head_class(**_other_arguments(head_class)))
    model.save(tmp_path / "model.keras")
    revived = keras.saving.load_model(tmp_path / "model.keras")
    assert type(revived.get_layer("classifier")) is head_class
    np.testing.assert_array_equal(
        model.predict(FEATURES, verbose=0), revived.predict(FEATURES, verbose=0)
    )


def test_weights_files_fit_a_new_instance(head_class, tmp_path):
    model = _model(head_class(3))
    model.save_weights(tmp_path / "w.weights.h5")
    other = _model(head_class(3))
    assert (
        other.predict(FEATURES, verbose=0) != model.predict(FEATURES, verbose=0)
    ).any()
    other.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(
        model.predict(FEATURES, verbose=0), other.predict(FEATURES, verbose=0)
    )


def test_weight_paths_are_the_same_whatever_was_built_before(head_class):
    first, second = head_class(3), head_class(3)
    first.build(FEATURES.shape)
    second.build(FEATURES.shape)
    paths = [weight.path for weight in first.weights]
    assert paths == [weight.path for weight in second.weights]
    assert all(path.startswith("head/") for path in paths)


def test_two_unnamed_heads_in_one_model_are_refused(head_class):
    features = keras.Input((3, 4, 5))
    outputs = [head_class(2)(features), head_class(3)(features)]
    with pytest.raises(ValueError, match='"head" is used 2 times'):
        keras.Model(features, outputs)


def test_two_named_heads_share_a_model(head_class):
    features = keras.Input((3, 4, 5))
    outputs = [
        head_class(2, name="kind")(features),
        head_class(3, name="colour")(features),
    ]
    model = keras.Model(features, outputs)
    assert model.output_shape == [(None, 2), (None, 3)]


def test_one_step_of_training_moves_every_weight(head_class):
    keras.utils.set_random_seed(1)
    arguments = {**_other_arguments(head_class), "dropout": 0.0}
    head = head_class(**arguments)
    model = _model(head)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = [weight.copy() for weight in head.get_weights()]
    model.fit(FEATURES, np.eye(4)[[0, 1]], epochs=1, verbose=0)
    assert len(before) >= 3
    for old, new in zip(before, head.get_weights(), strict=True):
        assert (old != new).any()


def test_dropout_acts_in_training_alone(head_class):
    keras.utils.set_random_seed(0)
    # 0.9 of 5 channels: a second draw equals the first only by misfortune.
    head = head_class(3, dropout=0.9)
    at_rest = [np.asarray(head(FEATURES)) for _ in range(2)]
    np.testing.assert_array_equal(*at_rest)
    training = [np.asarray(head(FEATURES, training=True)) for _ in range(8)]
    assert any((other != training[0]).any() for other in training[1:])


@pytest.mark.usefixtures("mixed_float16")
def test_outputs_are_float32_under_mixed_precision(head_class):
    head = head_class(**_other_arguments(head_class))
    model = _model(head)
    assert head.compute_dtype == "float16"
    assert model.output.dtype == "float32"
    assert keras.backend.standardize_dtype(head(FEATURES).dtype) == "float32"
    predictions = head.predictions
    assert predictions.compute_dtype == "float32"
    others = [layer for layer in head.steps if layer is not predictions]
    assert {layer.compute_dtype for layer in others} == {"float16"}


@pytest.mark.usefixtures("mixed_float16")
def test_a_mixed_precision_head_is_revived_as_one(head_class):
    config = head_class(3).get_config()
    keras.config.set_dtype_policy("float32")
    revived = head_class.from_config(config)
    assert revived.compute_dtype == "float16"
    assert revived.predictions.compute_dtype == "float32"


@pytest.mark.parametrize(
    "shape", [(2, 3, 4, 5, 6), (2,), [(2, 3, 4, 5), (2, 5)]]
)
def test_features_of_another_rank_are_refused(head_class, shape):
    with pytest.raises(ValueError, match="A head reads one tensor"):
        head_class(2).build(shape)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_classes": True}, TypeError, "num_classes=True of type bool"),
        ({"num_classes": 2.0}, TypeError, "must be a positive integer"),
        ({"num_classes": "2"}, TypeError, "num_classes='2' of type str"),
        ({"num_classes": None}, TypeError, "num_classes=None"),
        ({"num_classes": 0}, ValueError, "at least 1. Received: num_classes=0"),
        ({"num_classes": -3}, ValueError, "Received: num_classes=-3"),
        ({"dropout": "0.5"}, TypeError, "dropout='0.5' of type str"),
        ({"dropout": True}, TypeError, "dropout=True of type bool"),
        ({"dropout": 1.0}, ValueError, r"in \[0, 1\). Received: dropout=1.0"),
        ({"dropout": -0.1}, ValueError, "Received: dropout=-0.1"),
        ({"dropout": float("nan")}, ValueError, "Received: dropout=nan"),
        ({"activation": "sofmax"}, ValueError, "Did you mean 'softmax'?"),
        ({"activation": keras.ops.relu}, TypeError, "must be a string"),
        ({"activation": "get"}, ValueError, "Unknown `activation`"),
        (
            {"num_classes": 1, "activation": "softmax"},
            ValueError,
            "over a single unit is constant",
        ),
    ],
)
def test_a_bad_argument_is_explained(head_class, arguments, error, message):
    with pytest.raises(error, match=message):
        head_class(**{"num_classes": 2, **arguments})
