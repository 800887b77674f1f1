"""What a model is made of: backbone and head, stages, paths, its graph."""
