"""Training on frozen features: plain Keras beside `kt.fit`.

All sides train the same head on MobileNet 0.75 with its ImageNet weights, on
the same photographs, each run in a process of its own; only `fit` is timed,
which for `kt.fit` includes computing the features. Rounds alternate. Writes a
JSON file and a chart, and the figures into a README between its two marks:

    python examples/benchmarks/cached_fit.py photos/ --rounds 5 \\
        --out cached_fit.json --readme README.md

The JSON file is written after each round. Started again, it goes on from there
and shows all that is in it, so that the tasks can be run one by one. Beside
other libraries is `--task peers`, after `pip install "keras-transfer[bench]"`.
"""

import argparse
import dataclasses
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import textwrap

import reporting

PEERS = ("keras_hub", "timm", "torchvision")
SIDES = pathlib.Path(__file__).with_name("sides.py")
BEGIN = "<!-- Written by examples/benchmarks/cached_fit.py. -->"
LABELS = {
    "plain_keras": "plain Keras script",
    "keras_hub": "KerasHub `ImageClassifier`",
    "timm": "timm and PyTorch",
    "uncached": "ours, `cache=False`",
    "cached": 'ours, `cache="memory"`',
    "cached_on_disk": "ours, `cache=PATH`",
}


@dataclasses.dataclass(frozen=True)
class Task:
    """One training that all its sides do; the last of them is the fast one."""

    title: str
    epochs: int
    schedule: str
    sides: tuple[str, ...]


TASKS = {
    "head": Task(
        "the head, 10 epochs",
        10,
        "probe",
        ("plain_keras", "cached_on_disk", "cached"),
    ),
    "long": Task("the head, 40 epochs", 40, "probe", ("plain_keras", "cached")),
    "peers": Task(
        "the head, 10 epochs, beside other libraries",
        10,
        "probe",
        ("keras_hub", "timm", "cached"),
    ),
    "phases": Task(
        "head, last stage, last two stages, 5 epochs each",
        15,
        "gradual",
        ("uncached", "cached"),
    ),
}


# Without libraries that only the comparison needs.
OURS = [name for name in TASKS if name != "peers"]


def run(task, side, seed, arguments):
    """Trains in a process of its own; returns its figures."""
    asked = {
        "folder": str(arguments.folder),
        "size": arguments.size,
        "epochs": arguments.epochs or task.epochs,
        "schedule": task.schedule,
        "seed": seed,
    }
    # PyTorch as built for CUDA crashes in one process with TensorFlow at work.
    backend = {"KERAS_BACKEND": "torch"} if side == "timm" else {}
    printed = subprocess.run(
        [sys.executable, SIDES, side, json.dumps(asked)],
        check=True,
        env={**os.environ, **backend},
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return json.loads(printed.splitlines()[-1])


def measure(name, record, arguments):
    """Adds the rounds that a task still lacks to the record of all tasks."""
    task = TASKS[name]
    rounds = record["results"].setdefault(
        name, {side: [] for side in task.sides}
    )
    done = min(map(len, rounds.values()))
    for number in range(done, arguments.rounds):
        order = task.sides if number % 2 else task.sides[::-1]
        figures = {}
        for side in order:
            figures[side] = run(task, side, number, arguments)
            print(task.title, side, figures[side], file=sys.stderr)
        for side in task.sides:
            rounds[side].append(figures[side])
        others = [*PEERS, "torch"] if name == "peers" else []
        record["machine"][name] = reporting.machine(others)
        if arguments.out:
            arguments.out.write_text(json.dumps(record, indent=1) + "\n")


def table(task, rounds):
    """Returns lines of Markdown with medians, and ratios with their spread."""
    lines = [
        f"| {task.title} | seconds | times as long | processor seconds | "
        "peak memory | validation accuracy |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    fast = rounds[task.sides[-1]]
    for side, figures in rounds.items():
        ratios = [
            a["seconds"] / b["seconds"]
            for a, b in zip(figures, fast, strict=True)
        ]
        spread = f" ({min(ratios):.1f} to {max(ratios):.1f})"
        lines.append(
            f"| {LABELS[side]} | {_median(figures, 'seconds'):.1f} | "
            f"{statistics.median(ratios):.1f}"
            f"{spread if side != task.sides[-1] else ''} | "
            f"{_median(figures, 'processor_seconds'):.1f} | "
            f"{_median(figures, 'peak_bytes') / 2**20:.0f} MiB | "
            f"{_median(figures, 'val_accuracy'):.3f} |"
        )
    return lines


def _median(figures, name):
    return statistics.median(figure[name] for figure in figures)


def draw(results, path):
    """Draws the medians of each task as bars."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        len(results), figsize=(7, 2 * len(results)), squeeze=False
    )
    for axis, (name, rounds) in zip(axes[:, 0], results.items(), strict=True):
        axis.barh(
            [LABELS[side].replace("`", "") for side in rounds],
            [_median(figures, "seconds") for figures in rounds.values()],
        )
        axis.set_title(TASKS[name].title)
        axis.set_xlabel("seconds of fit")
        axis.invert_yaxis()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def begin(arguments):
    """Returns the record of what was measured before, empty at first."""
    train, validation = (
        sum(1 for _ in arguments.folder.glob(f"{part}/*/*"))
        for part in ("train", "val")
    )
    settings = {
        "train": train,
        "validation": validation,
        "size": arguments.size,
        "epochs": arguments.epochs,
    }
    if arguments.out and arguments.out.exists():
        record = json.loads(arguments.out.read_text())
        if record["settings"] != settings:
            raise ValueError(
                f"'{arguments.out}' holds figures for {record['settings']}. "
                f"Received: {settings}. Name another file."
            )
        return record
    return {"settings": settings, "machine": {}, "results": {}}


def check_peers():
    """Raises where another library is missing, before anything is measured."""
    missing = [name for name in PEERS if not importlib.util.find_spec(name)]
    if missing:
        raise ImportError(
            f"The task 'peers' needs {', '.join(missing)}: "
            'pip install "keras-transfer[bench]"'
        )


def main(arguments):
    if "peers" in arguments.task:
        check_peers()
    record = begin(arguments)
    for name in arguments.task:
        measure(name, record, arguments)
    results = record["results"]
    settings = record["settings"]
    lines = [
        f"MobileNet 0.75 of ImageNet at {settings['size']} pixels, "
        f"{settings['train']:,} photographs to train on and\n"
        f"{settings['validation']:,} to validate; medians of rounds in turns, "
        "of `fit` with all that it computes."
    ]
    for name in TASKS:
        if name in results:
            count = len(next(iter(results[name].values())))
            lines += [
                "",
                *table(TASKS[name], results[name]),
                "",
                *textwrap.wrap(
                    f"{count} rounds on {record['machine'][name]}.", 79
                ),
            ]
    text = "\n".join(lines)
    print(text)
    if arguments.out:
        draw(results, arguments.out.with_suffix(".png"))
    if arguments.readme:
        reporting.write_readme(arguments.readme, BEGIN, text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--task", choices=TASKS, nargs="+", default=OURS)
    parser.add_argument("--epochs", type=int, help="in place of the task's own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE.json")
    parser.add_argument("--readme", type=pathlib.Path, metavar="FILE")
    main(parser.parse_args())
