"""Tiny photographs for the tests of this folder."""

import itertools

import numpy as np
from PIL import Image

_count = itertools.count()


def photo(path, mode="RGB", size=(12, 9), value=None, **options):
    """Saves a small image, noise unless a value is given; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if value is None:
        pixels = np.random.default_rng(next(_count)).integers(
            0, 256, (size[1], size[0], 3), dtype="uint8"
        )
        image = Image.fromarray(pixels).convert(mode)
    else:
        image = Image.new(mode, size, value)
    image.save(path, **options)
    return path


def class_folders(root, counts, suffix=".png"):
    """Makes one folder per class with that many photographs."""
    for name, count in counts.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            photo(root / name / f"{number}{suffix}", size=(4, 4))
    return root


def truncate(path, fraction=0.5):
    """Cuts off the end of a file; returns its path."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])
    return path
