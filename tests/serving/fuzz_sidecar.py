"""Descriptions of exported files, made at random for as long as one likes.

`python -m tests.serving.fuzz_sidecar --seconds 600` changes a sound one, its
bytes or its values, and opens what it describes. Anything but a classifier or a
ValueError in one line ends the run with the description that did it.
"""

import argparse
import copy
import io
import json
import pathlib
import random
import resource
import sys
import tempfile
import time

import numpy as np

from keras_transfer.cli.prediction_writers import WRITERS
from keras_transfer.serving.opening import open_classifier
from keras_transfer.serving.said import Wanted
from tests.serving.hostile_exports import ESCAPES
from tests.serving.hostile_exports import Export
from tests.serving.hostile_exports import write_sound

SECONDS_FOR_ONE = 5
MEGABYTES = 300
VALUES = (
    *(None, True, False, 0, 1, -1, 3, 8, 255, 2**31, 2**63, 10**400, 1e308),
    *("", "a", ESCAPES, "\ud800", "float32", "softmax", "../m.onnx", "0" * 64),
    *([], {}, [None], [0, 255], [None, 8, 8, 3], [None, 3], {"sha256": "0"}),
)
TASKS = (
    {},
    {"task": {"kind": "multi_label", "thresholds": [0.5, 0.1, 0.9]}},
    {"task": {"kind": "ordinal", "thresholds": None, "targets": None}},
    {
        "class_names": None,
        "task": {
            "kind": "regression",
            "targets": {
                "names": ["a", "b", "c"],
                "units": ["m", None, ESCAPES],
                "mean": [0.0, 1.0, 2.0],
                "std": [1.0, 1e9, 1e-9],
            },
        },
    },
)
PIECES = (
    *("[", "]", "{", "}", ",", ":", '"', "\\", "\\u001b", "\\ud800", "NaN"),
    *("1e999", "-", "null", "[" * 5000, '{"a":' * 5000, "9" * 5000, "\0"),
)


def run(
    folder: pathlib.Path, seconds: float, seed: int | None = None
) -> tuple[int, int]:
    """Returns how many descriptions were tried, and how many were opened."""
    write_sound(folder / "sound")
    (folder / "tried").mkdir()
    export = Export(folder / "tried", folder / "sound" / "m.onnx")
    open_classifier(export.write())
    records = [{**export.record, **more} for more in TASKS]
    chance = random.Random(seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = time.monotonic() + seconds
    tried = opened = 0
    while time.monotonic() < end:
        text = changed(chance.choice(records), chance)
        export.sidecar.write_bytes(text)
        start = time.monotonic()
        try:
            opened += is_opened(export.path)
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
            if time.monotonic() - start > SECONDS_FOR_ONE:
                raise TimeoutError(f"it took over {SECONDS_FOR_ONE} seconds")
            if used > MEGABYTES * 1024:
                raise MemoryError(f"it took over {MEGABYTES} megabytes")
        except BaseException:
            print(f"After {tried} others, seed {seed}: {text!r}")
            raise
        tried += 1
    return tried, opened


def is_opened(path):
    """Whether a file was opened; its classes are written in every form."""
    try:
        classifier = open_classifier(path)
        images = np.zeros((1, *classifier.input_shape), "uint8")
        rows = classifier.values(images)
    except ValueError as error:
        if "\n" in str(error) or len(str(error)) > 2000:
            raise AssertionError(f"more than a sentence: {error}") from error
        return False
    (said,) = classifier.told(rows, Wanted(top=5, all=True))
    for writer in WRITERS.values():
        file = io.StringIO()
        with writer(file, [path], classifier.readings) as form:
            form.write(path, said, None)
        text = file.getvalue().replace("\n", "").replace("\t", "")
        if not text.isprintable():
            raise AssertionError(f"a terminal would obey {text!r}")
    json.dumps(classifier.describe(), allow_nan=False)
    return True


def changed(record, chance):
    """Bytes of a description in which a few values or bytes are others."""
    record = copy.deepcopy(record)
    for _ in range(chance.randrange(3)):
        place = chance.choice(list(places(record)))
        owner, key = place
        owner[key] = copy.deepcopy(chance.choice(VALUES))
    text = json.dumps(record)
    for _ in range(chance.randrange(3)):
        at = chance.randrange(len(text))
        piece = chance.choice(PIECES)
        text = text[:at] + piece + text[at + chance.randrange(9) :]
    contents = text.encode(errors="surrogatepass")
    if chance.random() < 0.1:
        at = chance.randrange(len(contents))
        contents = contents[:at] + chance.randbytes(4) + contents[at + 4 :]
    return contents


def places(value):
    """Every value within a value, as what holds it and where."""
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tried, opened = run(pathlib.Path(folder), words.seconds, words.seed)
    print(f"{tried:,} descriptions, of which {opened:,} were opened.")
    sys.exit(0)
