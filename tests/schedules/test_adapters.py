"""What never was trainable stays frozen in every phase."""

import keras
import numpy as np
import pytest

from keras_transfer import schedules as ks
from keras_transfer.freezing import freezing
from keras_transfer.structure import freeze_state
from tests.schedules import networks as net


def adapted(kind):
    model = net.build_network()
    backbone = model.get_layer("backbone")
    if kind == "lora":
        backbone.get_layer("conv_2").enable_lora(1)
    elif kind == "quantized":
        model.get_layer("head").quantize("int8")
        model.get_layer("head").enable_lora(1)
    else:
        backbone.get_layer("conv_2").kernel.trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def trainable(model):
    return {weight.path for weight in model.trainable_variables}


@pytest.mark.parametrize("kind", ["lora", "kernel"])
def test_an_open_layer_keeps_its_fixed_weights(kind):
    keras.utils.set_random_seed(0)
    model = adapted(kind)
    initially = trainable(model)
    watcher = net.Watcher()
    net.train(model, 4, watcher, ks.GradualUnfreeze())
    assert trainable(model) <= initially
    moved = set().union(*watcher.by_epoch)
    assert "conv_2/kernel" not in moved
    assert "conv_2/bias" in moved
    if kind == "lora":
        assert "conv_2/lora_kernel_a" in moved


def test_quantized_kernels_stay():
    keras.utils.set_random_seed(0)
    model = adapted("quantized")
    initially = trainable(model)
    watcher = net.Watcher()
    net.train(model, 4, watcher, ks.GradualUnfreeze())
    assert trainable(model) <= initially
    moved = set().union(*watcher.by_epoch)
    assert "head/kernel" not in moved
    assert "head/lora_kernel_b" in moved


@pytest.mark.parametrize("kind", ["lora", "kernel"])
def test_so_it_is_after_reloading_in_a_phase_where_the_layer_is_closed(
    kind, tmp_path
):
    model = adapted(kind)
    schedule = ks.GradualUnfreeze(every=1, start=2)
    net.train(model, 2, schedule)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    watcher = net.Watcher()
    net.train(loaded, 5, watcher, schedule, initial_epoch=2)
    moved = set().union(*watcher.by_epoch)
    assert "conv_2/kernel" not in moved
    assert "conv_2/bias" in moved


def test_a_second_schedule_knows_what_never_trained():
    model = adapted("kernel")
    net.train(model, 1, ks.LinearProbe())
    watcher = net.Watcher()
    net.train(model, 4, watcher, ks.GradualUnfreeze())
    assert "conv_2/kernel" not in set().union(*watcher.by_epoch)


def test_a_second_run_keeps_what_was_fixed_since_the_first():
    model = net.compiled()
    net.train(model, 2, ks.LinearProbeThenFineTune(1))
    model.get_layer("head").bias.trainable = False
    watcher = net.Watcher()
    net.train(model, 2, watcher, ks.LinearProbeThenFineTune(1))
    assert "head/bias" not in set().union(*watcher.by_epoch)


def test_what_was_frozen_as_a_layer_is_opened_by_a_phase():
    model = net.build_network()
    model.get_layer("backbone").trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    watcher = net.Watcher()
    net.train(model, 2, watcher, ks.LinearProbeThenFineTune(1))
    assert watcher.by_epoch[1] == net.expected_changes(net.ALL)


def test_batch_norm_flags_are_policies_and_no_fixed_weights():
    model = net.build_network()
    freezing.set_trainable(model, "*", batch_norm="statistics")
    assert freezing.never_trained(model) == []


def test_set_trainable_keeps_what_it_is_told_to_keep():
    model = net.build_network()
    bias = model.get_layer("head").bias
    freezing.set_trainable(model, "head", keep_frozen=[bias])
    assert [v.name for v in model.trainable_variables] == ["kernel"]


def test_flags_come_back_after_a_block_that_fails():
    model = net.build_network()
    freezing.set_trainable(model, ["stage_1", "head"], batch_norm="affine")
    model.get_layer("backbone").get_layer("conv_2").bias.trainable = False

    def flags():
        layers = [layer.trainable for layer in model._flatten_layers()]
        return layers, [weight.trainable for weight in model.weights]

    before = flags()

    def fail():
        with freeze_state.flags_kept(model):
            freezing.set_trainable(model, "stem")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert flags() == before


class FromSettings(keras.Model):
    """A backbone whose config says nothing of its layers, as in keras-hub."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.low = keras.layers.Dense(units, name="low")
        self.high = keras.layers.Dense(units, name="high")
        self.out = keras.layers.Dense(1, name="out")

    def call(self, inputs):
        return self.out(self.high(self.low(inputs)))

    def get_config(self):
        return {"units": self.units}


def test_a_subclassed_model_is_resumed_though_keras_loses_its_flags(tmp_path):
    x, y = np.ones((4, 4), "float32"), np.ones((4, 1), "float32")
    schedule = ks.GradualUnfreeze(stages=["low", "high"], start=1)

    def fit(model, **epochs):
        history = model.fit(x, y, verbose=0, callbacks=[schedule], **epochs)
        return history.history["trainable_params"]

    def built():
        keras.utils.set_random_seed(0)
        model = FromSettings()
        model(x)
        model.compile("adam", "mse")
        return model

    whole, part = built(), built()
    expected = fit(whole, epochs=3)
    received = fit(part, epochs=1)
    part.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(
        tmp_path / "model.keras", custom_objects={"FromSettings": FromSettings}
    )
    received += fit(loaded, initial_epoch=1, epochs=3)
    assert received == expected == [4, 16, 31]
    assert net.same(net.values(whole), net.values(loaded))
    assert net.same(net.moments(whole), net.moments(loaded))


def test_lora_keeps_its_base_frozen_whatever_was_closed_before():
    model = adapted("lora")
    initially = trainable(model)
    freezing.set_trainable(model, [])
    freezing.set_trainable(model, "*")
    assert trainable(model) == initially
