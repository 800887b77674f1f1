"""How good a model is, and how far its photographs can be believed."""
