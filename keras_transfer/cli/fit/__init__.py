"""`keras-transfer fit`: from a folder of photographs to a model file."""

import argparse

from keras_transfer.cli.fit import arguments as fit_arguments
from keras_transfer.cli.fit import checks as fit_checks
from keras_transfer.cli.fit import columns as fit_columns
from keras_transfer.cli.fit import photographs
from keras_transfer.cli.fit import report as fit_report
from keras_transfer.cli.keras_start import start_keras

# Beside the model file, whose name goes before each: another model's stay.
HISTORY_FILES = ("history.png", "history.csv")


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "fit",
        help="train a classifier on a folder of photographs",
        description=fit_arguments.DESCRIPTION,
    )
    fit_arguments.add_to(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    names = HISTORY_FILES
    if arguments.learning_rate == "auto":
        names = (*names, "learning_rate.png")
    if arguments.report:
        names = (*names, "report.html")
    fit_report.check(arguments)
    names = tuple(f"{arguments.out.stem}_{name}" for name in names)
    if photographs.is_table(arguments):
        fit_columns.check_columns(arguments)
    outputs = fit_checks.check_outputs(arguments, names)
    folders = photographs.folders_of(arguments)
    fit_checks.check_cache(arguments.cache, folders)
    network = fit_checks.check_network(arguments)
    start_keras()
    # Imports Keras, so it comes after all checks that do not need it.
    from keras_transfer.cli.fit import training

    return training.train(arguments, network, outputs)
