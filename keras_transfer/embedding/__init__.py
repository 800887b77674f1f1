"""Vectors of folders, and search among them."""

from keras_transfer.embedding.computing import embed
from keras_transfer.embedding.neighbors import Neighbor
from keras_transfer.embedding.neighbors import nearest
from keras_transfer.embedding.picture import plot_nearest
from keras_transfer.embedding.result import Embeddings
from keras_transfer.embedding.result import load_embeddings

__all__ = [
    "Embeddings",
    "Neighbor",
    "embed",
    "load_embeddings",
    "nearest",
    "plot_nearest",
]
