"""Model files: written, checked (`archive/`), loaded, converted."""
