"""Random damage to model files, and what may come of it.

`python -m tests.saving.archive.fuzzing SEED COUNT` runs it by itself, and
`python -m tests.saving.archive.fuzz --seconds 600` for as long as one likes.
"""

import dataclasses
import json
import pathlib
import random
import sys
import tempfile
import warnings

import keras
import numpy as np

import keras_transfer as kt

from .model_files import Parts
from .model_files import write_model

X = np.random.default_rng(0).integers(0, 255, (2, 8, 8, 3)).astype("float32")


@dataclasses.dataclass
class Tally:
    refused: int = 0
    identical: int = 0
    changed: int = 0


def damage_bytes(content, rng):
    """Flips bits, overwrites, cuts out, doubles or moves ranges of bytes."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        start = rng.randrange(len(content))
        length = min(rng.choice((1, 4, 64, 2000)), len(content) - start)
        piece = content[start : start + length]
        kind = rng.randrange(6)
        if kind == 0:
            content[start] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[start : start + length] = rng.randbytes(length)
        elif kind == 2:
            del content[start : start + length]
        elif kind == 3:
            content[start:start] = piece
        elif kind == 4:
            content[start : start + length] = bytes(length)
        else:
            to = rng.randrange(len(content))
            content[to : to + length] = piece
        if len(content) < 8:
            break
    return bytes(content)


def damage_json(config, rng):
    """Changes one value of a configuration, anywhere in it."""
    places = []
    pending = [config]
    while pending:
        item = pending.pop()
        keys = item.keys() if isinstance(item, dict) else range(len(item))
        for key in keys:
            places.append((item, key))
            if isinstance(item[key], (dict, list)):
                pending.append(item[key])
    item, key = rng.choice(places)
    other, other_key = rng.choice(places)
    kind = rng.randrange(4)
    if kind == 0:
        del item[key]
    elif kind == 1:
        item[key] = json.loads(json.dumps(other[other_key]))
    elif kind == 2:
        item[key] = rng.choice(
            (None, True, -1, 0, 3, 1e30, 2**40, "", "relu", "../x", [], {})
        )
    else:
        item[key] = [item[key]]


def outcome(path, expected, tally):
    """Loads a file; any error but ours goes on to the caller."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = kt.load_model(path)
    except kt.ModelFileError:
        tally.refused += 1
        return
    try:
        outputs = np.asarray(model(X))
    except Exception:
        # A sound model of other layers, which does not take these images.
        tally.changed += 1
        return
    if np.array_equal(outputs, expected):
        tally.identical += 1
    else:
        tally.changed += 1


def fuzz_bytes(seed, count, folder):
    """Damages the bytes of a file; returns how often what came of it."""
    sound = pathlib.Path(folder, "sound.keras")
    keras.utils.set_random_seed(0)
    expected = np.asarray(write_model(sound)(X))
    content = sound.read_bytes()
    path = pathlib.Path(folder, "damaged.keras")
    rng = random.Random(seed)
    tally = Tally()
    for number in range(count):
        path.write_bytes(damage_bytes(content, rng))
        _try(path, expected, tally, number)
        if number % 500 == 499:
            keras.utils.clear_session()
    return tally


def fuzz_parts(seed, count, folder):
    """Damages a member, with the checksums of the archive made to fit."""
    sound = pathlib.Path(folder, "sound.keras")
    keras.utils.set_random_seed(0)
    expected = np.asarray(write_model(sound)(X))
    path = pathlib.Path(folder, "damaged.keras")
    rng = random.Random(seed)
    tally = Tally()
    for number in range(count):
        parts = Parts(sound)
        if number % 2:
            damage_json(parts.config, rng)
            parts.write(path)
        else:
            name = rng.choice(sorted(parts.members))
            parts.members[name] = damage_bytes(parts.members[name], rng)
            parts.write_members(path)
        _try(path, expected, tally, number)
        if number % 500 == 499:
            keras.utils.clear_session()
    return tally


def _try(path, expected, tally, number):
    try:
        outcome(path, expected, tally)
    except Exception as error:
        error.add_note(f"Mutation {number}, kept as {path}.")
        raise


if __name__ == "__main__":
    seed, count = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        print("bytes", fuzz_bytes(seed, count, folder), flush=True)
        print("parts", fuzz_parts(seed, count // 10, folder), flush=True)
