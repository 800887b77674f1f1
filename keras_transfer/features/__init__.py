"""Features: what a network makes of examples, computed once, kept on disk."""
