"""Tests of keras_transfer.extraction."""
