"""Embeddings of whole folders, public names of this folder."""

from keras_transfer.embedding.computing import embed
from keras_transfer.embedding.result import Embeddings
from keras_transfer.embedding.result import load_embeddings

__all__ = ["Embeddings", "embed", "load_embeddings"]
