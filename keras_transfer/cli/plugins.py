"""`keras-transfer plugins`: what is installed, with its state."""

import argparse

BROKEN = 1


def add_parser(subparsers) -> None:
    """Adds the command."""
    parser = subparsers.add_parser(
        "plugins",
        help="list what provides backbones, and what is broken",
        description="Loads every plugin and shows its state: its backbones,\n"
        "and the classes that saved models may need. The exit code is 1 when\n"
        "any of them is broken.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit code."""
    import keras_transfer as kt
    from keras_transfer.cli.words import print_table

    plugins = kt.plugins()
    if not plugins:
        raise ValueError(
            "No plugin is installed. Run `pip install keras-transfer`, or "
            "`pip install -e .` in its source folder."
        )
    print_table(
        ("distribution", "version", "backbones", "classes", "state"),
        [
            (
                plugin.distribution,
                plugin.version,
                sum("/" in name for name in plugin.names),
                sum(">" in name for name in plugin.names),
                plugin.state,
            )
            for plugin in plugins
        ],
    )
    for plugin in plugins:
        if plugin.state == "not installed":
            print(f"Run `pip install '{plugin.distribution}'` for its names.")
        for error in plugin.errors:
            print(f"{plugin.distribution}: {error}")
    # An extra that nobody asked for is no fault.
    sound = ("ok", "not installed")
    return 0 if all(plugin.state in sound for plugin in plugins) else BROKEN
