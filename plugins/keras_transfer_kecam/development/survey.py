"""Builds, runs, saves and loads every model; writes `results.csv`.

`nice -n 15 python -m keras_transfer_kecam.development.survey FOLDER` takes
hours, needs the extra `kecam`, and goes on where it was interrupted: what
stands in `results.csv` is not measured again, nor what an unfinished run left
in FOLDER; take a row out to have it measured anew. The first model of every
family comes first. What is not in `results.csv` has not run.
"""

import concurrent.futures
import csv
import itertools
import json
import pathlib
import sys

from keras_transfer_kecam import catalogue
from keras_transfer_kecam.development.worker import Worker

TARGET = pathlib.Path(__file__).parent.parent / "results.csv"
PACKAGE = "keras_transfer_kecam.development"
SECONDS = 1800  # For one model.
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
    """Measures what is missing, one model after the other."""
    home = pathlib.Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    workers = {
        name: Worker([sys.executable, "-m", f"{PACKAGE}.{name}", str(home)])
        for name in ("measure", "reload_stock", "reload_own")
    }
    rows = _read()
    left = [name for name in _order() if name not in rows]
    # One model is loaded while the next one is built.
    with concurrent.futures.ThreadPoolExecutor(1) as reader:
        before = reader.submit(_write, rows)
        for name in left:
            if not _has_run(home, name):
                _run(home, name, "measure", workers)
            before.result()
            before = reader.submit(_finish, home, name, workers, rows)
    before.result()
    for worker in workers.values():
        worker.close()


def _read():
    with TARGET.open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def _write(rows):
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for name in catalogue.models():
            if name in rows:
                writer.writerow(rows[name])


def _run(home, name, worker, workers):
    try:
        workers[worker].run(name, SECONDS)
    except ChildProcessError as error:
        (home / f"{name}.json").write_text(json.dumps({"reason": str(error)}))
    except TimeoutError as error:
        # Says something of the machine, not of the model: it comes again.
        print(error, flush=True)


def _finish(home, name, workers, rows):
    row = _stored(home, name)
    if row and not _has_run(home, name):
        reader = "reload_own" if row["classes"] else "reload_stock"
        _run(home, name, reader, workers)
    for suffix in (".keras", ".npz"):
        (home / f"{name}{suffix}").unlink(missing_ok=True)
    if _has_run(home, name):
        rows[name] = _row(name, _stored(home, name))
        _write(rows)
    print(name, _stored(home, name), flush=True)


def _stored(home, name):
    path = home / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _has_run(home, name):
    return not {"reason", "round_trip"}.isdisjoint(_stored(home, name))


def _row(name, found):
    reason = found.get("reason", "")
    trip = found.get("round_trip", "")
    works = not reason and trip == "bit-equal"
    return {
        "name": name,
        "state": found.get("state") or ("works" if works else "fails"),
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


if __name__ == "__main__":
    main(sys.argv[1])
