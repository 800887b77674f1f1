"""The command line: this table is the list of its commands."""

from collections.abc import Sequence

# Each is a module of this package with `add_parser` for its arguments, which
# sets the function that runs it.
COMMANDS = (
    "fit",
    "predict",
    "evaluate",
    "audit",
    "serve",
    "export",
    "embed",
    "nearest",
    "explain",
    "activations",
    "inspect",
    "check",
    "convert",
    "backbones",
    "plugins",
    "demo",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `keras-transfer`.

    Args:
        argv: The words after the program's name. Defaults to `None`: those
            that the process was started with.

    Returns:
        The exit code: 0 when all went well; 1 when the answer is bad news (a
        broken plugin, an image that could not be read); 2 for an error, which
        is one sentence on stderr; 130 after Ctrl-C.

    Example:
    >>> main(["backbones", "list", "applications/vgg1?"])
    applications/vgg16
    applications/vgg19
    0
    """
    from keras_transfer.cli import program

    return program.run(COMMANDS, argv)
