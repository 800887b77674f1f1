"""Similarity of photographs, public names of this folder."""

from keras_transfer.similarity.neighbors import Neighbor
from keras_transfer.similarity.neighbors import nearest
from keras_transfer.similarity.picture import plot_nearest

__all__ = ["Neighbor", "nearest", "plot_nearest"]
