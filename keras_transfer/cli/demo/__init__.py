"""`keras-transfer demo`: transfer learning to watch, in a minute."""

import argparse
import pathlib

from keras_transfer.cli import fit
from keras_transfer.cli import words
from keras_transfer.cli.fit import arguments as fit_arguments
from keras_transfer.cli.fit import checks as fit_checks
from keras_transfer.cli.keras_start import start_keras

DESCRIPTION = """\
Without a network: pretrains a small convolutional network on the handwritten
digits 0 to 4, transfers it to 5 to 9 with a few examples of each, and trains
the same network from scratch beside it. With --dataset: downloads photographs
and does what `keras-transfer fit` does.
"""


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "demo",
        help="see transfer learning at work, without a network",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("keras-transfer-demo"),
        metavar="FOLDER",
        help="where pictures and model go (default: keras-transfer-demo)",
    )
    real = parser.add_argument_group("real photographs")
    real.add_argument(
        "--dataset",
        metavar="NAME",
        help="flowers, horses_or_humans, rock_paper_scissors or cats_vs_dogs: "
        "download it, 65 to 220 MiB, and train on it",
    )
    real.add_argument(
        "--backbone",
        metavar="NAME",
        help=f"(default: {fit_arguments.DEFAULT_BACKBONE})",
    )
    real.add_argument(
        "--epochs",
        type=words.whole_number(1),
        metavar="N",
        help="passes over the photographs (default: 10)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    for name in ("backbone", "epochs"):
        if arguments.dataset is None and getattr(arguments, name) is not None:
            raise ValueError(
                f"--{name} belongs to --dataset; the demo on digits has its "
                "own."
            )
    _make_folder(arguments.out)
    if arguments.dataset is not None:
        return _fit_photographs(arguments)
    start_keras()
    from keras_transfer.cli.demo.story import tell

    tell(arguments.out)
    return 0


def _fit_photographs(arguments):
    # Here, since it costs every command's start what downloading needs.
    from keras_transfer.data.datasets import fetch

    given = ["--out", str(arguments.out / f"{arguments.dataset}.keras")]
    for name in ("backbone", "epochs"):
        if getattr(arguments, name) is not None:
            given += [f"--{name}", str(getattr(arguments, name))]
    parser = argparse.ArgumentParser()
    fit_arguments.add_to(parser)
    fit_words = parser.parse_args([".", *given])
    # A misspelled backbone is not worth waiting for a download.
    fit_checks.check_network(fit_words)
    fit_words.folder = fetch(arguments.dataset)
    print(f"keras-transfer fit {fit_words.folder} {' '.join(given)}")
    return fit.run(fit_words)


def _make_folder(folder):
    if folder.exists() and not folder.is_dir():
        raise ValueError(
            f"Cannot write into {str(folder)!r}: it is a file, not a folder. "
            "Name another one: --out FOLDER"
        )
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"Cannot make the folder {str(folder)!r}: {error.strerror}. Name "
            "another one: --out FOLDER"
        ) from error
