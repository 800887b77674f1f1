"""`keras-transfer predict`: what a model says of photographs."""

import argparse
import contextlib
import pathlib
import sys

from keras_transfer.cli import words
from keras_transfer.cli.keras_start import start_keras_for

# Predicted at a time, while as many are decoded.
BATCH_SIZE = 32

DESCRIPTION = """\
Tells the most probable class of each photograph; the labels, the grade or the
numbers where the model gives those, and all that several outputs say. A
photograph that cannot be read is named on stderr, the others are predicted all
the same; the exit code is then 1, unless --bad-files says skip.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "predict",
        help="tell the classes, labels or numbers of photographs",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=pathlib.Path,
        help="a .keras file, or one that was exported",
    )
    parser.add_argument(
        "images",
        metavar="IMAGE|FOLDER",
        nargs="+",
        type=pathlib.Path,
        help="photographs, or folders that are searched at any depth",
    )
    parser.add_argument(
        "--top",
        type=words.whole_number(1),
        default=1,
        metavar="K",
        help="number of classes for each photograph (default: 1)",
    )
    parser.add_argument(
        "--threshold",
        type=words.number_between(0, 1, includes_low=True),
        metavar="P",
        help="probability from which on a label is told, for models that give "
        "several (default: the model's own for each)",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="tell the probabilities of all classes or labels",
    )
    format = parser.add_mutually_exclusive_group()
    for name in ("json", "csv"):
        format.add_argument(
            f"--{name}",
            dest="format",
            action="store_const",
            const=name,
            default="text",
            help=f"write {name.upper()}, with probabilities in full precision",
        )
    words.add_bad_files(parser)
    words.add_trust(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from keras_transfer.cli.prediction_writers import WRITERS
    from keras_transfer.data.listing import find_images
    from keras_transfer.serving.files import predict_files
    from keras_transfer.serving.opening import open_classifier
    from keras_transfer.serving.reading import check_wanted
    from keras_transfer.serving.said import Wanted

    paths, unread = find_images(arguments.images)
    start_keras_for(arguments.model, arguments.trust)
    classifier = open_classifier(arguments.model, arguments.trust)
    check_wanted(classifier.readings, arguments.threshold, "--threshold")
    wanted = Wanted(arguments.top, arguments.threshold, arguments.all)
    code = 0
    answers = predict_files(classifier, paths, wanted, BATCH_SIZE)
    write_to = WRITERS[arguments.format]
    with (
        contextlib.closing(answers),
        write_to(sys.stdout, paths, classifier.readings) as writer,
    ):
        for path, said, fault in answers:
            writer.write(path, said, fault)
            if fault is not None:
                bad = {path: fault}
                code |= words.tell_bad_files(bad, arguments.bad_files)
        for path, fault in unread.items():
            writer.write(path, None, fault)
    return code | words.tell_bad_files(unread, arguments.bad_files)
