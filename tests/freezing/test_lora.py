"""Adapters change nothing when they are added, and all that trains then."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer import schedules as ks

LAYERS = keras.layers
IMAGES = np.random.default_rng(0).random((8, 8, 8, 3), "float32") * 255
LABELS = np.arange(8) % 2


def network():
    """A Conv2D, a depthwise one, attention, an EinsumDense and a head."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = LAYERS.Conv2D(8, 3, 2, name="conv")(image)
    x = LAYERS.BatchNormalization(name="norm")(x)
    x = LAYERS.DepthwiseConv2D(2, name="depthwise")(x)
    x = LAYERS.Reshape((4, 8), name="tokens")(x)
    x = LAYERS.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = LAYERS.EinsumDense("abc,cd->abd", (None, 8), name="einsum")(x)
    x = LAYERS.Reshape((2, 2, 8), name="grid")(x)
    backbone = keras.Model(image, x, name="net")
    return kt.build_model(backbone, kt.heads.MLPHead(2, hidden_units=(4,)))


def adapted(selectors="backbone", rank=2, train=True):
    model = kt.add_lora(network(), selectors, rank=rank, alpha=3)
    kt.compile_for_transfer(model, learning_rate=0.05)
    if train:
        model.fit(IMAGES, LABELS, epochs=2, shuffle=False, verbose=0)
    return model


def values(weights):
    return [keras.ops.convert_to_numpy(w).copy() for w in weights]


def outputs(model):
    return keras.ops.convert_to_numpy(model(IMAGES))


def test_they_change_nothing_until_they_train():
    model = network()
    before = model.predict(IMAGES, verbose=0)
    kt.add_lora(model, ["backbone", "head"])
    np.testing.assert_array_equal(model.predict(IMAGES, verbose=0), before)
    # A hidden unit that is dead has no gradient.
    model.layers[-1].hidden_layers[0].bias.assign(4 * [100.0])
    kt.compile_for_transfer(model, learning_rate=0.05)
    frozen = [w for w in model.weights if not w.trainable]
    opened, old = model.trainable_weights, values(model.trainable_weights)
    old_frozen = values(frozen)
    model.fit(IMAGES, LABELS, epochs=2, verbose=0)
    for weight, value in zip(frozen, old_frozen, strict=True):
        np.testing.assert_array_equal(weight, value, weight.path)
    for weight, value in zip(opened, old, strict=True):
        assert not np.array_equal(weight, value), weight.path


def test_adapters_and_head_train_and_nothing_else():
    model = kt.add_lora(network(), rank=2)
    paths = [weight.path for weight in model.trainable_weights]
    assert {p.rpartition("/")[0] for p in paths if "lora_" in p} == {
        "conv",
        "einsum",
        "attention/query",
        "attention/key",
        "attention/value",
        "attention/attention_output",
    }
    assert all(p.startswith("head/") for p in paths if "lora_" not in p)


def test_the_selector_opens_adapters_alone():
    model = kt.add_lora(network(), "conv", rank=2)
    kt.set_trainable(model, "lora")
    names = [weight.name for weight in model.trainable_weights]
    assert names == ["lora_kernel_a", "lora_kernel_b"]
    kt.set_trainable(model, ["lora", "conv"])
    names = [weight.name for weight in model.trainable_weights]
    assert names == ["bias", "lora_kernel_a", "lora_kernel_b"]
    kt.set_trainable(model, "head")
    assert not any("lora" in w.path for w in model.trainable_weights)


def test_the_selector_without_adapters_is_an_error():
    with pytest.raises(ValueError, match="none of its layers has an adapter"):
        kt.set_trainable(network(), ["lora", "head"])


def test_phases_take_the_selector_and_its_multiplier():
    model = kt.add_lora(network(), "conv", rank=2)
    kt.compile_for_transfer(model)
    base = model.layers[-2].get_layer("conv").weights[0]
    old = values([base])[0]
    schedule = ks.FreezeSchedule(
        [
            ks.Phase(
                ["lora", "head"],
                until=ks.Epochs(1),
                learning_rate_multiplier={"lora": 4.0},
            ),
            ks.Phase("*"),
        ]
    )
    opened = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: opened.append(
            {
                w.path: model.optimizer.cohort_of(w).multiplier
                for w in model.trainable_weights
            }
        )
    )
    model.fit(IMAGES, LABELS, epochs=2, verbose=0, callbacks=[schedule, watch])
    first, second = opened
    assert first.pop("conv/lora_kernel_a") == 4
    assert first.pop("conv/lora_kernel_b") == 4
    assert set(first.values()) == {1}
    assert "conv/bias" in second
    np.testing.assert_array_equal(base, old)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only it has the cache"
)
def test_cached_fit_computes_what_lies_before_the_first_adapter_once():
    def train(cache):
        model = kt.add_lora(network(), "einsum", rank=2)
        kt.compile_for_transfer(model)
        kt.fit(
            model, IMAGES, LABELS, epochs=2, cache=cache, shuffle=False,
            verbose=0,
        )  # fmt: skip
        return model

    cached, plain = train("memory"), train(False)
    for one, other in zip(cached.weights, plain.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    steps = kt.split_at_boundary(cached).prefix.steps
    assert {"conv", "attention"} <= {step.operation.name for step in steps}
    assert "einsum" not in {step.operation.name for step in steps}


def test_merged_weights_give_the_same_outputs():
    model = adapted(["backbone", "head"])
    predicted = model.predict(IMAGES, verbose=0)
    count = network().count_params()
    assert model.count_params() > count
    assert kt.merge_lora(model) is model
    assert model.count_params() == count
    np.testing.assert_allclose(
        model.predict(IMAGES, verbose=0), predicted, atol=1e-6
    )
    assert "lora_rank" not in str(model.get_config())
    model.fit(IMAGES, LABELS, verbose=0)


def test_stock_models_have_no_adapters():
    model = adapted(["backbone", "head"])
    stock = kt.to_stock(model)
    assert not any("lora" in weight.path for weight in stock.weights)
    np.testing.assert_allclose(outputs(stock), outputs(model), atol=1e-6)
    kinds = {type(layer).__module__.partition(".")[0] for layer in stock.layers}
    assert kinds == {"keras"}


def test_exports_are_merged(tmp_path):
    model = adapted("backbone")
    exported = kt.export(model, tmp_path / "model.keras", format="stock")
    assert exported.trial.difference < 1e-6


def test_the_optimizer_learns_of_adapters_that_are_added_later():
    model = network()
    kt.compile_for_transfer(model)
    model.fit(IMAGES, LABELS, verbose=0)
    kt.add_lora(model, "conv")
    model.fit(IMAGES, LABELS, verbose=0)
    kernel_b = model.layers[-2].get_layer("conv").lora_kernel_b
    assert np.any(keras.ops.convert_to_numpy(kernel_b))


def constrained():
    model = network()
    conv = model.layers[-2].get_layer("conv")
    conv.kernel_constraint = keras.constraints.NonNeg()
    return model


def quantized():
    model = keras.Sequential([keras.Input((4,)), LAYERS.Dense(3, name="conv")])
    model.layers[0].quantize("int8")
    return model


def unbuilt():
    return keras.Sequential([LAYERS.Dense(3, name="conv")])


@pytest.mark.parametrize(
    ("model", "selectors", "words"),
    [
        (network, "depthwise", "no layer that can have an adapter"),
        (network, "nothing", "matches nothing"),
        (constrained, "conv", "'net/conv' .* has the constraint NonNeg"),
        (quantized, "conv", "is quantized to 'int8'"),
        (unbuilt, "conv", "has no weights yet"),
    ],
)
def test_what_cannot_have_one_says_so(model, selectors, words):
    with pytest.raises(ValueError, match=words):
        kt.add_lora(model(), selectors)


def test_nothing_is_adapted_twice():
    model = kt.add_lora(network(), "conv")
    with pytest.raises(ValueError, match="'net/conv' .* has one already"):
        kt.add_lora(model)
    assert not any("einsum/lora" in w.path for w in model.weights)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"rank": 0}, "rank"), ({"alpha": -1}, "`alpha` must be a number")],
)
def test_rank_and_alpha_are_checked(arguments, words):
    with pytest.raises(ValueError, match=words):
        kt.add_lora(network(), **arguments)


def test_there_must_be_something_to_merge():
    with pytest.raises(ValueError, match="has no adapters to merge"):
        kt.merge_lora(network())


def test_adapters_on_integers_are_not_merged():
    model = quantized()
    model.layers[0].enable_lora(1)
    with pytest.raises(ValueError, match="quantized to 'int8'"):
        kt.merge_lora(model)
