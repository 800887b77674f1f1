"""Declared stages of the deeper networks, against the depths of the papers.

Whether they are where resolution changes is seen by building them, which the
default run does for the smallest of each family.
"""

import itertools
import math

import pytest

import keras_transfer as kt

RESNETS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
DENSENETS = {121: (6, 12, 24), 169: (6, 12, 32), 201: (6, 12, 48)}
CONVNEXTS = {
    "tiny": (3, 3, 9),
    "small": (3, 3, 27),
    "base": (3, 3, 27),
    "large": (3, 3, 27),
    "xlarge": (3, 3, 27),
}
# Blocks of the first, second, third and fifth group.
EFFICIENTNET, EFFICIENTNET_V2 = (1, 2, 2, 3), (1, 2, 2, 5)
DEPTHS = {
    "b0": 1.0,
    "b1": 1.1,
    "b2": 1.2,
    "b3": 1.4,
    "b4": 1.8,
    "b5": 2.2,
    "b6": 2.6,
    "b7": 3.1,
}
LARGER_V2 = {"s": (2, 4, 4, 9), "m": (3, 5, 5, 14), "l": (4, 7, 7, 19)}


def lettered(blocks):
    """Ends of EfficientNet's groups; a single block adds nothing."""
    groups = zip((1, 2, 3, 5), blocks, strict=True)
    ends = [f"block{group}{chr(96 + last)}_add" for group, last in groups]
    return ends[blocks[0] == 1 :]


def scaled(blocks, variant):
    return tuple(math.ceil(n * DEPTHS[variant]) for n in blocks)


def published():
    """Maps a name to the ends of its stages, except for the first or last."""
    for depth, blocks in RESNETS.items():
        yield (
            f"resnet{depth}",
            [f"conv{2 + i}_block{n}_out" for i, n in enumerate(blocks)],
        )
        # Its last block of a stage but the last reduces the resolution.
        yield (
            f"resnet{depth}_v2",
            [f"conv{2 + i}_block{n - 1}_out" for i, n in enumerate(blocks[:3])],
        )
    for depth, blocks in DENSENETS.items():
        yield (
            f"densenet{depth}",
            [f"conv{2 + i}_block{n}_concat" for i, n in enumerate(blocks)],
        )
    for variant, blocks in CONVNEXTS.items():
        yield (
            f"convnext_{variant}",
            [f"add_{n - 1}" for n in itertools.accumulate(blocks)],
        )
    for variant in DEPTHS:
        blocks = scaled(EFFICIENTNET, variant)
        yield f"efficientnet_{variant}", lettered(blocks)
    for variant in ("b0", "b1", "b2", "b3"):
        blocks = scaled(EFFICIENTNET_V2, variant)
        yield f"efficientnet_v2_{variant}", lettered(blocks)
    for variant, blocks in LARGER_V2.items():
        yield f"efficientnet_v2_{variant}", lettered(blocks)
    for depth in (16, 19):
        yield f"vgg{depth}", [f"block{n}_pool" for n in range(1, 6)]


@pytest.mark.parametrize(("name", "ends"), list(published()))
def test_stages_end_with_the_last_block_of_the_paper(name, ends):
    declared = kt.get_backbone(f"applications/{name}").stages
    last_layers = [last_layer for _, last_layer in declared]
    start = last_layers.index(ends[0])
    assert start <= 1  # Before it there is the stem at most.
    assert last_layers[start : start + len(ends)] == ends
    assert len(last_layers) - start - len(ends) <= 1
