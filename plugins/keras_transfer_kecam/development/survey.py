"""Builds, runs, saves and loads every model; writes `results.csv`.

`nice -n 15 python -m keras_transfer_kecam.development.survey FOLDER` takes
hours, needs the extra `kecam`, and goes on where it was interrupted: FOLDER
keeps what was measured. The first model of every family comes first, the
largest last. What is not in `results.csv` has not run.
"""

import csv
import itertools
import json
import pathlib
import resource
import subprocess
import sys
import threading

from keras_transfer_kecam import catalogue

TARGET = pathlib.Path(__file__).parent.parent / "results.csv"
BATCH = 8
SECONDS = 400  # For one model.
BYTES = 16 << 30
COLUMNS = (
    "name",
    "state",
    "minimum_size",
    "output",
    "parameters",
    "classes",
    "stages",
    "round_trip",
    "reason",
)


def main(folder: str) -> None:
    """Measures what is missing, batch by batch."""
    home = pathlib.Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    pending = [n for n in _order() if not (home / f"{n}.json").exists()]
    while pending:
        batch, pending = pending[:BATCH], pending[BATCH:]
        stopped = _measure(home, batch)
        if stopped is not None:
            # The others of its batch come again.
            row = {"reason": f"no result within {SECONDS} s or a crash"}
            (home / f"{stopped}.json").write_text(json.dumps(row))
        done = [n for n in batch if (home / f"{n}.json").exists()]
        pending = [n for n in batch if n not in done] + pending
        saved = [n for n in done if (home / f"{n}.keras").exists()]
        if saved:
            _run("reload", home, saved).wait()
        for name in batch:
            for suffix in (".keras", ".npz"):
                (home / name).with_suffix(suffix).unlink(missing_ok=True)
        write(home)


def write(home: pathlib.Path) -> None:
    """Writes the table of what has run."""
    rows = []
    for name in catalogue.models():
        path = home / f"{name}.json"
        if path.exists():
            rows.append(_row(name, json.loads(path.read_text())))
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _row(name, found):
    reason = found.get("reason", "")
    trip = found.get("round_trip", "")
    works = not reason and trip == "bit-equal"
    return {
        "name": name,
        "state": "works" if works else "fails",
        "minimum_size": found.get("minimum_size", ""),
        "output": found.get("output", ""),
        "parameters": found.get("parameters", ""),
        "classes": " ".join(found.get("classes", ())),
        "stages": " ".join("=".join(s) for s in found.get("stages", ())),
        "round_trip": trip if trip == "bit-equal" else "",
        "reason": reason or ("" if works else trip),
    }


def _order():
    """The first of each family, then the second, and so on."""
    families = {}
    for model in catalogue.models().values():
        families.setdefault(model.family, []).append(model.name)
    rounds = itertools.zip_longest(*families.values())
    return [name for names in rounds for name in names if name]


def _measure(home, names):
    """Returns the name of the model that did not come to an end, or `None`."""
    process = _run("measure", home, names, stdout=subprocess.PIPE, text=True)
    current, timer = None, None
    for line in process.stdout:
        word, _, rest = line.partition(" ")
        if word == "begin":
            current = rest.strip()
            timer = threading.Timer(SECONDS, process.kill)
            timer.start()
        elif word == "end":
            timer.cancel()
            current = None
            print(line.strip()[:300], flush=True)
    process.wait()
    if timer is not None:
        timer.cancel()
    return current


def _run(module, home, names, **options):
    module = f"keras_transfer_kecam.development.{module}"
    return subprocess.Popen(
        [sys.executable, "-m", module, str(home), *names],
        preexec_fn=_limit_memory,
        stderr=subprocess.DEVNULL,
        **options,
    )


def _limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


if __name__ == "__main__":
    main(sys.argv[1])
