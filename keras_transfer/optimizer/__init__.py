"""The optimizer that survives freezing: one inner optimizer per cohort."""

from keras_transfer.optimizer.adoption import adopt_optimizer
from keras_transfer.optimizer.adoption import release_optimizer
from keras_transfer.optimizer.adoption import unwrap_optimizer
from keras_transfer.optimizer.adoption import wrap_optimizer
from keras_transfer.optimizer.loss_scaling import TransferLossScaleOptimizer
from keras_transfer.optimizer.transfer_optimizer import TransferOptimizer

__all__ = [
    "TransferLossScaleOptimizer",
    "TransferOptimizer",
    "adopt_optimizer",
    "release_optimizer",
    "unwrap_optimizer",
    "wrap_optimizer",
]
