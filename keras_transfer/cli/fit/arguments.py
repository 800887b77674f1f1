"""The arguments of `keras-transfer fit`."""

import argparse
import math
import pathlib

from keras_transfer.cli import words
from keras_transfer.cli.fit import photographs
from keras_transfer.cli.fit import report as fit_report

# Small (24 MB), accurate for its size (78.7 % on ImageNet), and it takes
# unscaled pixels.
DEFAULT_BACKBONE = "applications/efficientnet_v2_b0"

# On 244 photographs of ants and bees, 10 epochs of a linear head on a frozen
# MobileNet: mean validation accuracy 0.920 and loss 0.225 over six seeds, where
# Keras's 0.001 with dropout 0.2 has not converged yet (0.906 and 0.250).
DEFAULT_LEARNING_RATE = 0.003
DEFAULT_DROPOUT = 0.5

DESCRIPTION = """\
Trains a classifier on a folder of photographs, one subfolder per class, or
train/ beside val/ or test/ with such subfolders in each. A new head learns on
the frozen backbone, or as --schedule says. Writes the model of the best epoch,
and beside it MODEL_history.png and MODEL_history.csv. Ctrl-C keeps the best
epoch so far.
"""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments to the parser of the command."""
    photographs.add_to(parser)
    add_training(parser)
    parser.add_argument(
        "--validation-split",
        type=words.number_between(0, 1, includes_low=True),
        default=0.2,
        metavar="FRACTION",
        help="fraction of every class held out for validation if DIR has no "
        "val/; 0 trains on all, without validation (default: 0.2)",
    )
    words.add_bad_files(parser)
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("model.keras"),
        metavar="FILE",
        help="the model file; an existing one is replaced at the end "
        "(default: model.keras)",
    )
    fit_report.add_to(parser)


def add_training(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the network and of training."""
    whole_number = words.whole_number
    network = parser.add_argument_group("network")
    network.add_argument(
        "--backbone",
        default=DEFAULT_BACKBONE,
        metavar="NAME",
        help=f"see `keras-transfer backbones list` (default: "
        f"{DEFAULT_BACKBONE})",
    )
    network.add_argument(
        "--option",
        action="append",
        default=[],
        type=words.key_and_value,
        metavar="NAME=VALUE",
        help="an option of the backbone, such as alpha=0.75; may be repeated",
    )
    network.add_argument(
        "--weights",
        default="imagenet",
        metavar="imagenet|none|FILE",
        help="initial weights of the backbone (default: imagenet)",
    )
    network.add_argument(
        "--image-size",
        type=whole_number(1),
        metavar="N",
        help="height and width in pixels (default: the backbone's own)",
    )
    network.add_argument(
        "--cut-at",
        metavar="LAYER",
        help="stage or layer after which the backbone is cut off",
    )
    network.add_argument(
        "--head",
        choices=("linear", "mlp"),
        default="linear",
        help="one dense layer, or hidden layers as well (default: linear)",
    )
    network.add_argument(
        "--hidden-units",
        type=words.units,
        metavar="N[,N...]",
        help="widths of the hidden layers of --head mlp (default: 256)",
    )
    network.add_argument(
        "--dropout",
        type=words.number_between(0, 1, includes_low=True),
        default=DEFAULT_DROPOUT,
        metavar="FRACTION",
        help="fraction of the features dropped in training (default: "
        f"{DEFAULT_DROPOUT})",
    )
    training = parser.add_argument_group("training")
    training.add_argument(
        "--epochs",
        type=whole_number(1),
        default=10,
        metavar="N",
        help="passes over the training images (default: 10)",
    )
    training.add_argument(
        "--batch-size",
        type=whole_number(1),
        default=32,
        metavar="N",
        help="images per step (default: 32)",
    )
    training.add_argument(
        "--learning-rate",
        type=_learning_rate,
        default=DEFAULT_LEARNING_RATE,
        metavar="RATE|auto",
        help="of Adam; auto finds one by a short range test on the training "
        "images and draws it in learning_rate.png "
        f"(default: {DEFAULT_LEARNING_RATE})",
    )
    training.add_argument(
        "--schedule",
        default="linear_probe",
        metavar="FILE|NAME",
        help="what trains when: a .json or .yaml file, or a name such as "
        "gradual_unfreeze or linear_probe_then_fine_tune, which stands for "
        "that schedule with its defaults (default: linear_probe, the head "
        "alone)",
    )
    training.add_argument(
        "--cache",
        default="auto",
        metavar="auto|memory|PATH|none",
        help="where to keep the features of frozen layers, which are computed "
        "once. auto: in memory or a temporary folder, if that does not change "
        "the result; PATH: in a folder, also for later runs; memory and PATH "
        "are errors with --augment (default: auto)",
    )
    training.add_argument(
        "--augment",
        action="store_true",
        help="turn, shift, shear, zoom and flip the training images",
    )
    training.add_argument(
        "--seed",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="the same seed gives the same model (default: 0)",
    )


def _learning_rate(text):
    return text if text == "auto" else words.number_between(0, math.inf)(text)
