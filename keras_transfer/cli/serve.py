"""`keras-transfer serve`: a model behind an HTTP address."""

import argparse
import pathlib

from keras_transfer.cli import words
from keras_transfer.cli.keras_start import start_keras_for
from keras_transfer.names import printable

DESCRIPTION = """\
Answers POST /predict with the classes of the images it is sent, and shows a
page at / where images can be dropped. Only programs on this machine reach it,
unless --host says otherwise; there is no encryption and no password, so put a
proxy in front of it before others do. SIGTERM ends it within five seconds, of
which what is in flight has two to be answered.
"""
_MEGA = 2**20


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "serve",
        help="answer predictions over HTTP, with a page to try",
        description=DESCRIPTION,
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        type=pathlib.Path,
        help="a .keras file, or one that was exported",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="interface to listen on; 0.0.0.0 for all (default: 127.0.0.1)",
    )
    for name, default, minimum, what in (
        ("port", 8000, 0, "port to listen on; 0 for any that is free"),
        ("max-batch", 16, 1, "images computed together"),
        ("max-requests", 32, 1, "requests at a time, before status 503"),
        ("max-images", 64, 1, "images in one request"),
        ("max-megabytes", 20, 1, "size of one request"),
        ("max-megapixels", 50, 1, "size of one image"),
    ):
        parser.add_argument(
            f"--{name}",
            type=words.whole_number(minimum),
            default=default,
            metavar="N",
            help=f"{what} (default: {default})",
        )
    parser.add_argument(
        "--max-wait-ms",
        type=words.number_between(0, 10_000, includes_low=True),
        default=5,
        metavar="MS",
        help="how long a batch waits for more images (default: 5)",
    )
    words.add_trust(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    from keras_transfer.serving.limits import ServiceLimits
    from keras_transfer.serving.service import build_service
    from keras_transfer.serving.service import check_packages

    check_packages()
    from keras_transfer.serving.running import bind
    from keras_transfer.serving.running import run_until_stopped

    limits = ServiceLimits(
        max_body_bytes=arguments.max_megabytes * _MEGA,
        max_pixels=arguments.max_megapixels * 1_000_000,
        max_images=arguments.max_images,
        max_requests=arguments.max_requests,
        max_batch=arguments.max_batch,
        max_wait_ms=arguments.max_wait_ms,
    )
    with bind(arguments.host, arguments.port) as taken:
        start_keras_for(arguments.model, arguments.trust)
        application = build_service(arguments.model, limits, arguments.trust)
        # From here on whoever comes waits for the answer, however early.
        taken.listen()
        port = taken.getsockname()[1]
        host = arguments.host
        address = f"[{host}]" if ":" in host else host
        print(
            f"Serving {printable(arguments.model)} on "
            f"http://{address}:{port} (Ctrl-C stops it)",
            flush=True,
        )
        run_until_stopped(application, taken, limits)
    return 0
