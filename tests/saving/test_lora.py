"""Models with adapters come back bit for bit, and adapters alone as well."""

import json

import h5py
import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.freezing.test_lora import IMAGES
from tests.freezing.test_lora import LABELS
from tests.freezing.test_lora import adapted
from tests.freezing.test_lora import network
from tests.freezing.test_lora import outputs
from tests.freezing.test_lora import values


def assert_same(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other)
        )


@pytest.mark.parametrize("load", [kt.load_model, keras.saving.load_model])
@pytest.mark.parametrize("by", ["add_lora", "keras"])
def test_training_goes_on_from_a_file(load, by, tmp_path):
    path = tmp_path / "model.keras"
    if by == "add_lora":
        model = adapted(["backbone", "head"])
    else:
        model = network()
        model.layers[-2].get_layer("conv").enable_lora(2, lora_alpha=5)
        kt.set_trainable(model, ["lora", "head"])
        kt.compile_for_transfer(model, learning_rate=0.05)
        model.fit(IMAGES, LABELS, epochs=2, shuffle=False, verbose=0)
    model.save(path)
    loaded = load(path)
    assert [w.path.split("/")[-1] for w in loaded.weights] == [
        w.path.split("/")[-1] for w in model.weights
    ]
    assert_same(loaded.weights, model.weights)
    flags = [weight.trainable for weight in model.weights]
    assert [weight.trainable for weight in loaded.weights] == flags
    for each in (model, loaded):
        each.fit(IMAGES, LABELS, epochs=2, shuffle=False, verbose=0)
    assert_same(loaded.weights, model.weights)
    assert_same(loaded.optimizer.variables, model.optimizer.variables)


def test_a_stock_optimizer_goes_on_too(tmp_path):
    model = kt.add_lora(network(), rank=2)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(IMAGES, LABELS, shuffle=False, verbose=0)
    kt.save_model(model, tmp_path / "model.keras")
    loaded = kt.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        each.fit(IMAGES, LABELS, shuffle=False, verbose=0)
    assert_same(loaded.weights, model.weights)


@pytest.mark.parametrize("load", ["keras", "kt"])
def test_weights_files_hold_adapters(load, tmp_path):
    path = tmp_path / "model.weights.h5"
    model = adapted()
    model.save_weights(path)
    other = adapted(train=False)
    other.load_weights(path) if load == "keras" else kt.load_weights(
        other, path
    )
    assert_same(other.weights, model.weights)
    merged = network()
    merged.load_weights(path)
    np.testing.assert_allclose(outputs(merged), outputs(model), atol=1e-6)


def test_adapters_over_weights_without_any_can_still_train(tmp_path):
    network().save_weights(tmp_path / "model.weights.h5")
    model = adapted(train=False)
    model.load_weights(tmp_path / "model.weights.h5")
    assert np.any(model.layers[-2].get_layer("conv").lora_kernel_a)
    np.testing.assert_array_equal(outputs(model), outputs(network()))


def test_without_model_info_adapters_begin_anew(tmp_path):
    inner = keras.layers.Dense(4, name="hidden")
    attention = keras.layers.MultiHeadAttention(1, 4, name="attention")
    tokens = keras.Input((3, 4))
    x = inner(attention(tokens, tokens))
    model = keras.Model(tokens, keras.layers.Dense(1)(x))
    kt.add_lora(model, "*", rank=1)
    model.compile(kt.wrap_optimizer("adam"), "mse")
    x, y = np.random.default_rng(0).random((4, 3, 4)), np.ones((4, 3, 1))
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = kt.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6
    )
    before = values(loaded.trainable_weights)
    loaded.fit(x, y, verbose=0, epochs=2)
    after = values(loaded.trainable_weights)
    assert not any(map(np.array_equal, before, after))


def rewritten(path, change):
    """The same file with another description."""
    with h5py.File(path, "r+") as file:
        text = json.loads(file["description"][()].tobytes())
        change(text, file)
        del file["description"]
        file["description"] = np.frombuffer(json.dumps(text).encode(), "uint8")


@pytest.fixture
def saved(tmp_path):
    model = adapted()
    kt.save_lora(model, tmp_path / "my.lora.h5", also="head")
    return model, tmp_path / "my.lora.h5"


@pytest.mark.parametrize("has_adapters", [True, False])
def test_adapters_alone(saved, has_adapters):
    model, path = saved
    assert path.stat().st_size < 20_000
    fresh = adapted(train=False) if has_adapters else network()
    fresh.predict(IMAGES, verbose=0)
    assert kt.load_lora(fresh, path) is fresh
    np.testing.assert_array_equal(
        fresh.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0)
    )
    kt.compile_for_transfer(fresh)
    fresh.fit(IMAGES, LABELS, verbose=0)


def test_a_compiled_model_trains_the_adapters_that_it_got(saved):
    _, path = saved
    model = network()
    kt.compile_for_transfer(model)
    model.fit(IMAGES, LABELS, verbose=0)
    kt.load_lora(model, path, any_base=True)
    model.fit(IMAGES, LABELS, verbose=0)


def other_weights():
    model = network()
    kernel = model.layers[-2].get_layer("conv").kernel
    kernel.assign(2 * kernel)
    return model


def narrower():
    image = keras.Input((8, 8, 3))
    conv = keras.layers.Conv2D(4, 3, name="conv")(image)
    backbone = keras.Model(image, conv, name="net")
    return kt.build_model(backbone, kt.heads.LinearHead(2))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (other_weights, "was trained on other weights"),
        (narrower, r"'net/conv' has factors .*weight of shape \(3, 3, 3, 4\)"),
        (lambda: adapted(rank=3, train=False), "has the rank 2"),
        (
            lambda: adapted(["backbone", "head"], train=False),
            "no adapter for .'head/hidden_1'",
        ),
    ],
)
def test_another_model_is_refused_and_stays_as_it_was(saved, model, words):
    other = model()
    before = values(other.weights)
    with pytest.raises(kt.ModelFileError, match=words):
        kt.load_lora(other, saved[1])
    assert_same(other.weights, before)


def test_other_weights_below_adapters_are_taken_when_asked_for(saved):
    kt.load_lora(other_weights(), saved[1], any_base=True)


def widen(text, file):
    text["adapters"][0][1] = 10**9


def unknown_format(text, file):
    text["format"] = 2


def no_list(text, file):
    text["adapters"] = {"a": 1}


def infinite(text, file):
    text["adapters"][0][2] = float("inf")


def lacking(text, file):
    del file["adapter_0_a"]


def other_shape(text, file):
    del file["weight_0"]
    file["weight_0"] = np.zeros((2, 3), "float32")


def not_finite(text, file):
    file["adapter_0_a"][...] = np.nan


def linked(text, file):
    del file["adapter_0_a"]
    file["adapter_0_a"] = h5py.ExternalLink("other.h5", "/x")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (widen, "factors of the shapes"),
        (unknown_format, "not written by kt.save_lora"),
        (no_list, "not written by kt.save_lora"),
        (infinite, "has the alpha inf"),
        (lacking, "does not fit"),
        (other_shape, "its weight 'head:"),
        (not_finite, "NaN"),
        (linked, "is a ExternalLink"),
    ],
)
def test_hostile_and_damaged_files_are_refused(saved, change, words):
    _, path = saved
    rewritten(path, change)
    model = network()
    before = values(model.weights)
    with pytest.raises(kt.ModelFileError, match=words):
        kt.load_lora(model, path)
    assert_same(model.weights, before)


def test_names_and_missing_files(saved, tmp_path):
    model, _ = saved
    with pytest.raises(ValueError, match="must be named"):
        kt.save_lora(model, tmp_path / "my.h5")
    with pytest.raises(ValueError, match="There is no file of adapters"):
        kt.load_lora(model, tmp_path / "other.lora.h5")
    with pytest.raises(ValueError, match="Expected one at least"):
        kt.save_lora(network(), tmp_path / "my.lora.h5")


def test_a_model_file_whose_adapters_do_not_fit_is_refused(saved, tmp_path):
    model, _ = saved
    info = model.layers[1]
    ordinary = info.save_own_variables

    def save_own_variables(store):
        held = {}
        ordinary(held)
        held["lora_0_a"] = np.zeros((3, 3, 3, 7), "float32")
        for name, value in held.items():
            store[name] = value

    object.__setattr__(info, "save_own_variables", save_own_variables)
    model.save(tmp_path / "model.keras")
    with pytest.raises(kt.ModelFileError, match="has factors of the shapes"):
        kt.load_model(tmp_path / "model.keras")
