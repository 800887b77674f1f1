"""`keras-transfer inspect`: what is in a model file."""

import argparse
import pathlib
import sys

from keras_transfer.names import printable

DESCRIPTION = """\
Shows what a model file is: its classes, input, backbone, layers, what is
frozen, the versions and plugins it needs. The file is checked first, and the
model is not built.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "inspect",
        help="show what is in a model file, without loading it",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "model", metavar="FILE", type=pathlib.Path, help="a .keras file"
    )
    parser.add_argument(
        "--json", action="store_true", help="write JSON, with all there is"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from keras_transfer.cli.words import json_text
    from keras_transfer.cli.words import print_table
    from keras_transfer.registry import plugin_classes
    from keras_transfer.saving import archive
    from keras_transfer.saving.archive.description import describe

    archive.check_kind(arguments.model)
    declared = plugin_classes.default_registry().owners()
    found = describe(arguments.model, declared)
    if arguments.json:
        text = json_text(found, sys.stdout, indent=1)
        print(printable(text, keep="\n"))
        return 0
    print_table(("", "what the file says"), _rows(found))
    return 0


def _rows(found):
    saved = found["saved"]
    backbone = found["backbone"]
    backbone = backbone if isinstance(backbone, dict) else {}
    classes = found["class_names"]
    plugins = {p for p in found["classes"].values() if p != "keras-transfer"}
    yield "file", f"{found['file']}, {found['bytes'] / 1e6:.1f} MB"
    yield (
        "saved by",
        _joined(
            ("Keras", saved["keras"]),
            ("keras_transfer", saved["keras_transfer"]),
            ("on", saved["date"]),
        ),
    )
    yield (
        "input",
        _joined(
            ("", found["input"]["shape"]),
            ("range", found["input"].get("range")),
        ),
    )
    yield (
        "backbone",
        _joined(
            ("", backbone.get("name")),
            ("weights", backbone.get("weights")),
            ("cut at", backbone.get("cut_at")),
        ),
    )
    if found["outputs"]:
        for output in found["outputs"]:
            told = _task(output["task"]), _classes(output["class_names"])
            yield f"output {output['name']}", "; ".join(filter(None, told))
    else:
        yield "task", _joined(("", _task(found["task"])))
        if isinstance(classes, list):
            yield "classes", _joined(("", _classes(classes)))
    yield (
        "layers",
        f"{found['layers']}, of which frozen {found['frozen_layers']}",
    )
    yield "parameters", f"{found['parameters']:,}"
    yield "plugins", ", ".join(sorted(plugins)) or "none needed"


def _joined(*parts):
    said = [f"{label} {value}".strip() for label, value in parts if value]
    return ", ".join(said) or "not recorded"


def _classes(names):
    if not isinstance(names, list):
        return ""
    return f"{len(names)}: {', '.join(map(str, names[:20]))}"


def _task(task):
    """Kind of a task with the thresholds or the numbers that belong to it."""
    if not task:
        return ""
    words = [task["kind"].replace("_", " ")]
    if task.get("thresholds"):
        shown = ", ".join(f"{t:g}" for t in task["thresholds"][:20])
        words.append(f"thresholds {shown}")
    if task.get("targets"):
        targets = task["targets"]
        pairs = zip(targets["names"][:20], targets["units"], strict=False)
        words.append(
            ", ".join(f"{n} in {u}" if u else str(n) for n, u in pairs)
        )
    return "; ".join(words)
