"""Extraction of activations, public names of this folder."""

from keras_transfer.extraction.building import build_extractor
from keras_transfer.extraction.extractor import Extractor

__all__ = ["Extractor", "build_extractor"]
