"""Data and losses that would mislead training."""
