"""Training on features: outputs of frozen layers, computed once and kept."""
