"""Explanations: where in an image a network sees what it says."""
