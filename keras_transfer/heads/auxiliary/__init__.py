"""Auxiliary heads: classifiers on inner layers, for training only."""
