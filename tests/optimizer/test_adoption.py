import keras
import pytest

from keras_transfer.optimizer import TransferOptimizer
from keras_transfer.optimizer import adopt_optimizer
from keras_transfer.optimizer import release_optimizer
from keras_transfer.optimizer import wrap_optimizer
from keras_transfer.optimizer.transition import transition
from tests.optimizer import networks as net

STOCK = {
    "adam": lambda: keras.optimizers.Adam(1e-2),
    "momentum": lambda: keras.optimizers.SGD(1e-2, momentum=0.9),
    "adamw, ema": lambda: keras.optimizers.AdamW(1e-2, use_ema=True),
    "nadam": lambda: keras.optimizers.Nadam(1e-2),
    "accumulation": lambda: keras.optimizers.Adam(
        1e-2, gradient_accumulation_steps=2
    ),
}


@pytest.mark.parametrize("name", STOCK)
def test_training_goes_on_as_if_nothing_had_happened(name):
    if net.BACKEND == "jax" and "ema" in name:
        pytest.skip("stock optimizers with EMA cannot train twice on JAX")
    stock, adopted = (net.compiled_dense(STOCK[name]()) for _ in range(2))
    for model in (stock, adopted):
        net.train(model)
    adopt_optimizer(adopted)
    for model in (stock, adopted):
        net.train(model)
    assert net.same_weights(stock, adopted)
    assert int(adopted.optimizer.iterations) == int(stock.optimizer.iterations)


def test_a_stock_optimizer_that_took_no_step_gives_no_slots():
    model = net.compiled_dense("adam")
    model.optimizer.build(model.trainable_variables)
    assert not adopt_optimizer(model).cohorts()


def test_the_current_learning_rate_is_adopted():
    model = net.compiled_dense("adam")
    model.optimizer.learning_rate = 0.125
    assert float(adopt_optimizer(model).learning_rate) == 0.125


def test_adopting_twice_changes_nothing():
    model = net.compiled_dense("adam")
    assert adopt_optimizer(model) is adopt_optimizer(model)


def test_an_adopted_model_is_saved_with_our_optimizer(tmp_path):
    model = net.compiled_dense("adam")
    net.train(model)
    adopt_optimizer(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, TransferOptimizer)
    assert net.same_states(model, loaded)


def test_a_model_without_an_optimizer_is_refused():
    with pytest.raises(ValueError, match="has no optimizer"):
        adopt_optimizer(net.build_network())


@pytest.mark.parametrize("name", STOCK)
def test_a_released_model_goes_on_with_the_stock_optimizer(name, tmp_path):
    ours, released = (
        net.compiled_dense(wrap_optimizer(STOCK[name]())) for _ in range(2)
    )
    for model in (ours, released):
        net.train(model)
    release_optimizer(released)
    released.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer).__module__.startswith("keras.")
    for model in (ours, released, loaded):
        net.train(model)
    assert net.same_weights(ours, released)
    assert net.same_weights(ours, loaded)


def test_releasing_a_model_of_several_cohorts_keeps_open_moments():
    model = net.compiled(wrap_optimizer("adam"))
    for phase in (["head"], ["stage_2", "head"]):
        transition(model, net.opening(phase))
        net.train(model)
    expected = [
        model.optimizer.cohort_of(v).read_state()
        for v in model.trainable_variables
    ]
    stock = release_optimizer(model)
    assert int(stock.iterations) == 6
    moments = [v for v in stock.variables if v.path.endswith("momentum")]
    assert len(moments) == len(expected) == 6
    net.train(model)


def test_multipliers_are_left_behind_with_a_warning():
    model = net.compiled_dense(wrap_optimizer("adam"))
    transition(model, multiplier_of=lambda weight: 0.5)
    net.train(model)
    with pytest.warns(UserWarning, match="multipliers are left behind"):
        release_optimizer(model)


def test_releasing_a_stock_optimizer_changes_nothing():
    model = net.compiled_dense("adam")
    optimizer = model.optimizer
    assert release_optimizer(model) is optimizer


def test_releasing_before_training_gives_an_unbuilt_optimizer():
    model = net.compiled_dense(wrap_optimizer("adam"))
    assert not release_optimizer(model).built


def test_loss_scaling_is_released_with_its_scale():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = net.compiled_dense("adam")
        net.train(model)
        adopt_optimizer(model)
        released = release_optimizer(model)
        net.train(model)
    finally:
        keras.config.set_dtype_policy("float32")
    assert type(released) is keras.optimizers.LossScaleOptimizer
    assert int(released.step_counter) == 6
