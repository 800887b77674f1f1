"""The shape of the code: import arrows, entry points, private Keras."""

import ast
import importlib.metadata
import pathlib
import re
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
CORE = ROOT / "keras_transfer"
PLUGINS = ROOT / "plugins"

# From the outside in; a module imports only from its own room or rooms below.
ROOMS = [
    ("cli", "demo", "testing", "__main__"),
    ("explaining", "similarity"),
    ("embedding", "serving"),
    (
        "prediction",
        "transfer",
        "create",
        "exporting",
        "fine_tuning",
        "inference",
        "recommendation",
    ),
    ("preset",),
    ("extraction", "features"),
    ("model_images",),
    (
        "callbacks",
        "careful_fit",
        "compiling",
        "data",
        "heads",
        "legacy_h5",
        "loading",
        "saving",
        "schedules",
        "summary",
    ),
    ("best_epoch", "class_report", "history_files", "output_path"),
    ("portable_config",),
    ("whole_files", "stored_flags"),
    ("freezing", "first_batch", "training_history", "transition"),
    ("class_labels", "classifier_loss", "pixels"),
    ("optimizer",),
    ("selectors",),
    ("grammar",),
    ("anatomy",),
    ("truncation", "channels"),
    ("weights", "model_info", "stages", "token_grid"),
    ("attention_blocks",),
    ("freeze_state",),
    ("weight_sources",),
    ("hub", "preset_files"),
    (
        "provenance",
        "download",
        "preprocessing",
        "random_state",
        "paths",
        "stored_weights",
        "strides",
    ),
    ("plugin_report",),
    ("backbone",),
    ("needed_classes", "plugin_classes"),
    ("registry", "serialization", "compat"),
    ("entries", "model_archive", "part_file"),
    ("names", "checksums", "keras_home", "ranking", "weights_file"),
    ("archive", "missing_classes"),
]


def modules(folder):
    return sorted(folder.rglob("*.py"))


def imported(path):
    """Dotted names that a file imports, wherever in it."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def room_of(name):
    for depth, room in enumerate(ROOMS):
        if name in room:
            return depth
    raise AssertionError(
        f"{name!r} stands in no room: add it to ROOMS in {__file__}"
    )


@pytest.mark.parametrize(
    "path", modules(CORE), ids=lambda path: str(path.relative_to(ROOT))
)
def test_imports_point_one_way(path):
    parts = path.relative_to(CORE).with_suffix("").parts
    if parts[0] == "__init__":
        return
    own = room_of(parts[0])
    for name in imported(path):
        if name.startswith("keras_transfer."):
            other = name.split(".")[1]
            if other not in ("__version__", parts[0]):
                assert room_of(other) >= own, f"{parts[0]} imports {other}"
        assert not name.startswith("keras_transfer_"), f"core imports {name}"


@pytest.mark.parametrize(
    "path",
    [*modules(CORE), *modules(PLUGINS)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_private_keras_is_in_one_module(path):
    if path == CORE / "compat.py":
        return
    private = [n for n in imported(path) if n.startswith("keras.src")]
    assert not private


@pytest.mark.parametrize(
    "path", modules(PLUGINS), ids=lambda path: str(path.relative_to(ROOT))
)
def test_plugins_use_public_names_only(path):
    import keras_transfer as kt

    public = {"keras_transfer", *(f"keras_transfer.{n}" for n in kt.__all__)}
    for name in imported(path):
        if name == "keras_transfer" or name.startswith("keras_transfer."):
            assert name in public


@pytest.mark.parametrize(
    "path",
    [*modules(CORE), *modules(PLUGINS)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_file_says_what_belongs_in_it(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "no module docstring"
    lines = len(path.read_text().splitlines())
    if path == CORE / "compat.py":
        return  # One file for all private Keras is the rule, however many.
    assert lines <= 250, f"{lines} lines: more than one idea?"


def test_what_is_installed_is_what_pyproject_declares():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for group, table in declared["entry-points"].items():
        installed = {
            point.name: point.value
            for point in importlib.metadata.entry_points(group=group)
            if point.dist.name == "keras-transfer"
        }
        assert installed == table, (
            "the entry points have changed since the installation: run "
            "`pip install -e .` again"
        )


def test_the_version_is_the_one_of_pyproject():
    import keras_transfer as kt

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert kt.__version__ == declared["project"]["version"]


def test_no_assert_and_no_bare_except_in_the_package():
    for path in [*modules(CORE), *modules(PLUGINS)]:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Assert), path
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, path


def test_nothing_names_a_folder_of_one_machine():
    pattern = re.compile(r"(?<![\w.])/(home|root|work|Users)/\w")
    for path in [*modules(CORE), *modules(PLUGINS), ROOT / "README.md"]:
        if path.exists():
            assert not pattern.search(path.read_text()), path
