import keras
import numpy as np
import pytest
from keras import ops

from keras_transfer.optimizer import TransferLossScaleOptimizer
from keras_transfer.optimizer import TransferOptimizer
from keras_transfer.optimizer import adopt_optimizer
from keras_transfer.optimizer import unwrap_optimizer
from keras_transfer.optimizer import wrap_optimizer
from keras_transfer.optimizer.transition import transition
from tests.optimizer import networks as net


@pytest.fixture
def mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("mixed_precision")
def test_mixed_precision_resumes_bit_exactly(tmp_path):
    phases = [["head"], ["stage_2", "head"], ["head"]]

    def run(model, some):
        for phase in some:
            transition(model, net.opening(phase))
            net.train(model)

    model = net.compiled("adam")
    run(model, phases[:2])
    assert isinstance(model.optimizer, TransferLossScaleOptimizer)
    model.save(tmp_path / "model.keras")
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(resumed.optimizer, TransferLossScaleOptimizer)
    assert int(resumed.optimizer.step_counter) == 6
    for one in (model, resumed):
        run(one, phases[2:])
    assert net.same_weights(model, resumed)


@pytest.mark.usefixtures("mixed_precision")
def test_keras_own_loss_scaling_around_ours_is_replaced():
    model = net.compiled(wrap_optimizer("adam"))
    inner = model.optimizer.inner_optimizer
    net.train(model)
    adopt_optimizer(model)
    assert isinstance(model.optimizer, TransferLossScaleOptimizer)
    assert unwrap_optimizer(model.optimizer) is inner
    assert int(model.optimizer.step_counter) == 3


@pytest.mark.skipif(
    net.BACKEND == "jax", reason="Keras scales losses on JAX only in `fit`"
)
def test_a_step_with_an_infinite_gradient_is_skipped():
    optimizer = wrap_optimizer(
        keras.optimizers.LossScaleOptimizer(
            keras.optimizers.SGD(1.0), initial_scale=4.0
        )
    )
    weight = keras.Variable([1.0])
    optimizer.apply([ops.array([np.inf])], [weight])
    assert net.number(weight) == 1.0
    assert float(optimizer.dynamic_scale) == 2.0
    optimizer.apply([ops.array([2.0])], [weight])
    assert net.number(weight) == 0.0


def test_a_file_without_a_loss_scale_is_refused():
    optimizer = TransferLossScaleOptimizer(TransferOptimizer("sgd"))
    optimizer.load_own_variables({})
    assert not optimizer.built
    with pytest.raises(ValueError, match="lacks .*'scale', 'step_counter'"):
        optimizer.load_own_variables({"0": np.zeros(())})


def test_a_stock_optimizer_inside_is_refused():
    with pytest.raises(TypeError, match="Expected a `TransferOptimizer`"):
        TransferLossScaleOptimizer(keras.optimizers.Adam())
