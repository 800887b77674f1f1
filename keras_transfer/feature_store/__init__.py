"""Rows of numbers on disk or in memory, for training and embedding."""
