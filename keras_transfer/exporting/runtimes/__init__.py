"""Runtimes that run exported models, measured against each other."""
