"""Training on frozen features: plain Keras beside `kt.fit`.

All sides train the same head on MobileNet 0.75 with its ImageNet weights, on
the same photographs, each run in a process of its own; only `fit` is timed,
which for `kt.fit` includes computing the features. Rounds alternate. Writes a
JSON file and a chart, and the figures into a README between its two marks:

    python examples/benchmarks/cached_fit.py photos/ --rounds 5 \\
        --out cached_fit.json --readme README.md
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

SIDES = pathlib.Path(__file__).with_name("sides.py")
BEGIN = "<!-- Written by examples/benchmarks/cached_fit.py. -->"
END = "<!-- Until here. -->"
LABELS = {
    "plain_keras": "plain Keras script",
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
        ("plain_keras", "uncached", "cached_on_disk", "cached"),
    ),
    "long": Task("the head, 40 epochs", 40, "probe", ("plain_keras", "cached")),
    "phases": Task(
        "head, last stage, last two stages, 5 epochs each",
        15,
        "gradual",
        ("uncached", "cached"),
    ),
}


def run(task, side, seed, arguments):
    """Trains in a process of its own; returns its figures."""
    asked = {
        "folder": str(arguments.folder),
        "size": arguments.size,
        "epochs": arguments.epochs or task.epochs,
        "schedule": task.schedule,
        "seed": seed,
    }
    printed = subprocess.run(
        [sys.executable, SIDES, side, json.dumps(asked)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return json.loads(printed.splitlines()[-1])


def measure(task, arguments):
    """Returns the figures of all rounds by side."""
    rounds = {side: [] for side in task.sides}
    for number in range(arguments.rounds):
        order = task.sides if number % 2 else task.sides[::-1]
        for side in order:
            rounds[side].append(run(task, side, number, arguments))
            print(task.title, side, rounds[side][-1], file=sys.stderr)
    return rounds


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


def machine():
    """Describes the machine in a line."""
    import keras
    import psutil
    import tensorflow as tf

    return (
        f"{os.cpu_count()} cores ({_processor()}), "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, load average "
        f"{os.getloadavg()[0]:.1f} at the end; Python "
        f"{platform.python_version()}, Keras {keras.__version__}, TensorFlow "
        f"{tf.__version__}"
    )


def _processor():
    information = pathlib.Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


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


def write_readme(path, text, mark=BEGIN):
    """Puts the figures between the two marks of a README."""
    before, begin, rest = path.read_text().partition(mark)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"'{path}' has no lines {mark!r} and {END!r}.")
    path.write_text(f"{before}{mark}\n\n{text}\n\n{END}{after}")


def main(arguments):
    results = {name: measure(TASKS[name], arguments) for name in arguments.task}
    lines = [
        f"Medians of {arguments.rounds} rounds with {arguments.size} pixels on "
        f"{machine()}."
    ]
    for name, rounds in results.items():
        lines += ["", *table(TASKS[name], rounds)]
    text = "\n".join(lines)
    print(text)
    if arguments.out:
        record = {"machine": machine(), "results": results}
        arguments.out.write_text(json.dumps(record, indent=1) + "\n")
        draw(results, arguments.out.with_suffix(".png"))
    if arguments.readme:
        write_readme(arguments.readme, text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--task", choices=TASKS, nargs="+", default=list(TASKS))
    parser.add_argument("--epochs", type=int, help="in place of the task's own")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE.json")
    parser.add_argument("--readme", type=pathlib.Path, metavar="FILE")
    main(parser.parse_args())
