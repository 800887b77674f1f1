"""Fuzzes the reader of model files for as long as one likes.

`python -m tests.saving.archive.fuzz --seconds 600 [--seed 1]` damages bytes
and members of a model file, and puts forbidden objects and odd values at
random places of its configuration. It ends with the exit code 1 at the first
file that raises anything but `ModelFileError`, changes a setting of Keras,
or loads with an object that is forbidden; the file is kept and named.
"""

import argparse
import copy
import pathlib
import random
import shutil
import tempfile
import time
import warnings

import keras

import keras_transfer as kt

from . import fuzzing
from . import hostile_objects
from .model_files import Parts
from .model_files import write_model


def places(config):
    """Lists all places of a configuration, as pairs of holder and key."""
    found, pending = [], [config]
    while pending:
        item = pending.pop()
        keys = list(item) if isinstance(item, dict) else range(len(item))
        for key in keys:
            found.append((item, key))
            if isinstance(item[key], (dict, list)):
                pending.append(item[key])
    return found


def forbid(parts, rng):
    """Puts a forbidden object somewhere, also in place of an added key."""
    thing = copy.deepcopy(rng.choice(list(hostile_objects.OBJECTS.values())))
    holder, key = rng.choice(places(parts.config))
    if isinstance(holder, dict) and rng.randrange(3) == 0:
        key = rng.choice(("added", "config", "class_name", "fn", "layers"))
    holder[key] = thing


def fuzz(seconds, seed, folder):
    """Returns how many files were refused and how many loaded.

    Args:
        seconds: For how long.
        seed: Of the random numbers, for another run of the same.
        folder: Where files are written.

    Raises:
        AssertionError: If a file does harm.
    """
    rng = random.Random(seed)
    sound = pathlib.Path(folder, "sound.keras")
    path = pathlib.Path(folder, "damaged.keras")
    write_model(sound)
    content = sound.read_bytes()
    before = keras.config.floatx(), keras.config.epsilon()
    tally = {"refused": 0, "loaded": 0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        parts, kind = Parts(sound), rng.randrange(4)
        if kind == 0:
            path.write_bytes(fuzzing.damage_bytes(content, rng))
        elif kind == 1:
            name = rng.choice(sorted(parts.members))
            damaged = fuzzing.damage_bytes(parts.members[name], rng)
            parts.members[name] = damaged
            parts.write_members(path)
        elif kind == 2:
            fuzzing.damage_json(parts.config, rng)
            parts.write(path)
        else:
            forbid(parts, rng)
            parts.write(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kt.load_model(path)
        except kt.ModelFileError:
            tally["refused"] += 1
        else:
            tally["loaded"] += 1
            if kind == 3:
                raise AssertionError("A forbidden object was loaded.")
        if (keras.config.floatx(), keras.config.epsilon()) != before:
            raise AssertionError("A setting of Keras was changed.")
        if sum(tally.values()) % 500 == 0:
            keras.utils.clear_session()
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            print(fuzz(arguments.seconds, arguments.seed, folder))
        except BaseException:
            kept = pathlib.Path(tempfile.mkdtemp(), "m.keras")
            shutil.copyfile(pathlib.Path(folder, "damaged.keras"), kept)
            print(f"The file is kept as {kept}.")
            raise


if __name__ == "__main__":
    main()
