import keras
import pytest

from keras_transfer.optimizer import TransferLossScaleOptimizer
from keras_transfer.optimizer import TransferOptimizer
from keras_transfer.optimizer import unwrap_optimizer
from keras_transfer.optimizer import wrap_optimizer


@pytest.mark.parametrize(
    "optimizer",
    [
        "adam",
        keras.optimizers.Adam(),
        keras.saving.serialize_keras_object(keras.optimizers.Adam()),
    ],
)
def test_names_instances_and_configs_are_wrapped(optimizer):
    wrapped = wrap_optimizer(optimizer)
    assert isinstance(wrapped, TransferOptimizer)
    assert isinstance(wrapped.create_stock(), keras.optimizers.Adam)


def test_what_is_wrapped_stays_as_it_is():
    wrapped = wrap_optimizer("adam")
    assert wrap_optimizer(wrapped) is wrapped


def test_loss_scaling_stays_outermost():
    wrapped = wrap_optimizer(
        keras.optimizers.LossScaleOptimizer(
            keras.optimizers.SGD(), initial_scale=8.0, dynamic_growth_steps=5
        )
    )
    assert isinstance(wrapped, TransferLossScaleOptimizer)
    assert (wrapped.initial_scale, wrapped.dynamic_growth_steps) == (8.0, 5)
    assert isinstance(unwrap_optimizer(wrapped), TransferOptimizer)


def test_a_stock_optimizer_cannot_be_unwrapped():
    with pytest.raises(TypeError, match="Received: Adam"):
        unwrap_optimizer(keras.optimizers.Adam())
