"""Heads: the trainable layers that turn a backbone's features into classes."""

from keras_transfer.heads.attention_pool import AttentionPoolHead
from keras_transfer.heads.auxiliary.head import AuxiliaryHead
from keras_transfer.heads.linear import LinearHead
from keras_transfer.heads.mlp import MLPHead

__all__ = ["AttentionPoolHead", "AuxiliaryHead", "LinearHead", "MLPHead"]
