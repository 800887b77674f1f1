"""Compile, fit, fine-tune, recommend: training in one call."""
