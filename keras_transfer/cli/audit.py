"""`keras-transfer audit`: what spoils the figures on photographs."""

import argparse
import os
import pathlib

from keras_transfer.cli import words
from keras_transfer.cli.keras_start import start_keras
from keras_transfer.files.output_path import check_output
from keras_transfer.names import printable

FOUND = 1
_SHOWN = 10

DESCRIPTION = """\
Looks for copies and near copies of photographs, across splits first, and for
blank ones; with --model or --backbone also for cropped copies, labels that are
probably wrong, and photographs unlike all others. No file is touched. The exit
code is 1 if something was found.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "audit",
        help="find duplicates and wrong labels among photographs",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "folder", metavar="DIR", type=pathlib.Path, help="the photographs"
    )
    network = parser.add_mutually_exclusive_group()
    network.add_argument(
        "--model",
        type=pathlib.Path,
        metavar="FILE",
        help="a .keras file whose backbone computes features",
    )
    network.add_argument(
        "--backbone",
        metavar="NAME",
        help="a backbone to compute features with, instead of --model",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        type=words.key_and_value,
        metavar="NAME=VALUE",
        help="an option of the backbone, such as alpha=0.75; may be repeated",
    )
    parser.add_argument(
        "--weights",
        default="imagenet",
        metavar="imagenet|FILE",
        help="weights of the backbone (default: imagenet)",
    )
    parser.add_argument(
        "--group",
        metavar="PATTERN",
        help="regular expression that finds in a path what must stay in one "
        r"split, such as 'patient(\d+)'",
    )
    for name, told in (
        ("--csv", "write what was found: file, problem, partner, score"),
        ("--report", "write a page with thumbnails"),
        ("--fix", "write file, label and split of what can stay, as CSV"),
    ):
        suffix = ".html" if name == "--report" else ".csv"
        parser.add_argument(
            name, type=pathlib.Path, metavar=f"FILE{suffix}", help=told
        )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    if not arguments.folder.is_dir():
        raise ValueError(f"There is no folder {os.fspath(arguments.folder)!r}.")
    if arguments.model is not None and not arguments.model.exists():
        raise ValueError(
            f"There is no model file {os.fspath(arguments.model)!r}."
        )
    outputs = arguments.csv, arguments.report, arguments.fix
    written = [path for path in outputs if path is not None]
    for path in written:
        check_output(path)
    from keras_transfer.evaluation.auditing import audit

    found = audit(arguments.folder, _model(arguments), group=arguments.group)
    print(
        f"{len(found.material):,} photographs in {printable(arguments.folder)}"
    )
    for note in found.notes:
        print(printable(note))
    print()
    words.print_table(
        ("problem", "photographs"), found.rows() or [("none found", 0)]
    )
    if found.findings:
        print()
        words.print_table(
            ("file", "problem", "partner"),
            [(f.file, f.problem, f.partner) for f in found.findings[:_SHOWN]],
        )
        more = len(found.findings) - _SHOWN
        if more > 0:
            print(f"and {more:,} more (--csv FILE lists all)")
    if arguments.csv is not None:
        found.write_csv(arguments.csv)
    if arguments.report is not None:
        found.html(arguments.report)
    if arguments.fix is not None:
        found.write_fixed(arguments.fix)
    if written:
        print(f"\nWritten: {', '.join(map(printable, written))}")
    return 0 if found.is_clean else FOUND


def _model(arguments):
    if arguments.model is not None:
        start_keras()
        return arguments.model
    if arguments.backbone is None:
        return None
    from keras_transfer.models.spec import get_backbone

    spec = get_backbone(arguments.backbone)
    options = words.backbone_options(spec, arguments.option)
    start_keras()
    import keras_transfer as kt

    return kt.create_backbone(
        spec.name,
        weights=None if arguments.weights == "none" else arguments.weights,
        input_shape=(spec.default_size, spec.default_size, 3),
        **options,
    )
