"""The models of `keras.applications` as backbones, a module for each family.

Facts come from Keras's own source: sizes, preprocessing, names of weights
files with their digests. Stages follow one rule in all families: `stem` ends
at half the image's resolution, `stage_1` at a quarter, `stage_4` at 1/32,
unless the family's module says otherwise.
"""
