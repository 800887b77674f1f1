"""`keras-transfer backbones`: what the registry knows."""

import argparse
import collections
import sys

from keras_transfer.cli import words
from keras_transfer.files import download
from keras_transfer.structure.text_table import text_table

# A provider with more names than this is summed up on a terminal.
MANY = 100


def add_parser(subparsers) -> None:
    """Adds the command with its two subcommands."""
    parser = subparsers.add_parser(
        "backbones",
        help="list the backbones, or show one",
        description="Looks into the registry; builds nothing.",
    )
    parser.set_defaults(run=run_list, pattern=["*"], provider=None, exclude=[])
    actions = parser.add_subparsers(metavar="ACTION", title="actions")
    listing = actions.add_parser(
        "list",
        help="list names (one per line where piped)",
        description="Lists the names of backbones, all or those that match.",
    )
    listing.add_argument(
        "pattern",
        nargs="*",
        default=["*"],
        metavar="PATTERN",
        help="wildcard pattern, such as '*mobilenet*'",
    )
    listing.add_argument("--provider", help="only names of this provider")
    listing.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out names that match; may be repeated",
    )
    listing.set_defaults(run=run_list)
    show = actions.add_parser(
        "show",
        help="show what one backbone declares",
        description="Shows size, options, stages, weights, license.",
    )
    show.add_argument("name", metavar="NAME", help="full or short name")
    show.add_argument(
        "--option",
        action="append",
        default=[],
        type=words.key_and_value,
        metavar="NAME=VALUE",
        help="an option on which the weights file depends; may be repeated",
    )
    show.set_defaults(run=run_show)


def run_list(arguments: argparse.Namespace) -> int:
    """Lists names; returns the exit code."""
    import keras_transfer as kt
    from keras_transfer.cli.words import print_table
    from keras_transfer.models import spec as backbone

    names = kt.list_backbones(
        arguments.pattern, arguments.exclude, arguments.provider
    )
    if not names:
        raise ValueError(_explain_nothing(kt.list_backbones(), arguments))
    if sys.stdout.isatty():
        is_all = arguments.pattern == ["*"] and arguments.provider is None
        many = _large_providers(names) if is_all else {}
        owners = backbone.owners()
        rows = [
            (name, *owners[name])
            for name in names
            if name.partition("/")[0] not in many
        ]
        print_table(("backbone", "distribution", "version"), rows)
        for provider, count in many.items():
            print(
                f"{provider}: {count} more. `keras-transfer backbones list "
                f"--provider {provider}` lists them, a pattern such as "
                f"'{provider}/*vit*' some of them."
            )
    else:
        print("\n".join(names))
    return 0


def _large_providers(names):
    counts = collections.Counter(name.partition("/")[0] for name in names)
    return {p: count for p, count in counts.items() if count > MANY}


def run_show(arguments: argparse.Namespace) -> int:
    """Shows one backbone; returns the exit code."""
    import keras_transfer as kt
    from keras_transfer.models import spec as backbone

    spec = kt.get_backbone(arguments.name)
    options = words.backbone_options(spec, arguments.option)
    distribution, version = backbone.owner_of(spec.name)
    rows = [
        ("name", spec.name),
        ("description", spec.description),
        ("provided by", f"{distribution} {version}".strip()),
        ("image size", f"{spec.default_size}x{spec.default_size} pixels"),
        ("smallest", f"{spec.minimum_size}x{spec.minimum_size} pixels"),
        ("preprocessing", spec.preprocessing),
        ("options", _options(spec)),
        ("stages", _stages(spec)),
        *_weights(spec, options),
        ("license", spec.license),
        ("reference", spec.reference),
    ]
    print(text_table(row for row in rows if row[1] not in ("", None)))
    return 0


def _options(spec):
    return ", ".join(f"{k}={v!r}" for k, v in spec.options.items()) or "none"


def _stages(spec):
    if spec.stages == "auto":
        return "detected when it is built"
    return ", ".join(f"{name} (to {layer})" for name, layer in spec.stages)


def _weights(spec, options):
    if not spec.weights:
        yield "weights", "none published; --weights takes a file"
    shape = (spec.default_size, spec.default_size, 3)
    for tag, source in spec.weights.items():
        if callable(source):
            source = source(shape, **options)
        yield f"weights {tag}", source.url
        if not source.url.startswith("file:"):  # Such came with the plugin.
            path = download.home_folder("models") / source.file_name
            state = "in the cache:" if path.is_file() else "not downloaded to"
            yield "", f"{state} {path}"
        if source.license and source.license != spec.license:
            yield "", f"license {source.license}"
    if spec.classifier:
        layers = ", ".join(spec.classifier)
        yield "not loaded", f"{layers}, the classifier in weights files"


def _explain_nothing(known, arguments):
    if not known:
        return (
            "No backbone is registered: the package keras-transfer is not "
            "installed. Run `pip install keras-transfer`, or `pip install "
            "-e .` in its source folder."
        )
    asked = " ".join(map(repr, arguments.pattern))
    providers = sorted({name.partition("/")[0] for name in known})
    if arguments.provider not in (None, *providers):
        return (
            f"There is no provider {arguments.provider!r}. Expected one of "
            f"{providers}."
        )
    return (
        f"None of the {len(known)} backbones matches {asked}. Patterns stand "
        "for whole names: try '*vgg*' rather than 'vgg'."
    )
