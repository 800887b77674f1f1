"""Predictions from model files of every format, for folders and over HTTP."""
