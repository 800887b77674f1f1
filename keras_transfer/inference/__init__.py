"""Inference: a model made to predict as fast as this machine lets it."""
