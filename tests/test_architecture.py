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

# From the ground up: a room imports from its own files and from the rooms of
# the floors below, neither from a neighbour nor upward.
FLOORS = {
    "ground": "Files, names, and what is private to Keras.",
    "sources": "Where networks, photographs and steps come from.",
    "structure": "What a model is made of.",
    "handling": "Models saved, frozen, and checked against their data.",
    "models": "Networks with heads, made, watched and exported.",
    "use": "What trains when, what is returned, what is answered.",
    "features": "Features: trained on, looked at, searched.",
    "training": "Training in one call.",
    "evaluation": "What came of it.",
    "interface": "The command line.",
    "outside": "What others call from their own tests.",
}
ROOMS = {
    "serialization": "ground",
    "compat": "ground",
    "names": "ground",
    "files": "ground",
    "registry": "sources",
    "feature_store": "sources",
    "data": "sources",
    "optimizer": "sources",
    "structure": "structure",
    "saving": "handling",
    "checks": "handling",
    "freezing": "handling",
    "models": "models",
    "callbacks": "models",
    "heads": "models",
    "exporting": "models",
    "schedules": "use",
    "extraction": "use",
    "serving": "use",
    "features": "features",
    "explaining": "features",
    "embedding": "features",
    "training": "training",
    "evaluation": "evaluation",
    "cli": "interface",
    "__main__": "outside",
    "testing": "outside",
}


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


def floor_of(room):
    assert room in ROOMS, (
        f"{room!r} is no room: add it to ROOMS in {__file__}, or move it into "
        "the room that it belongs to"
    )
    return list(FLOORS).index(ROOMS[room])


def test_every_room_stands_on_a_floor_and_every_floor_has_rooms():
    rooms = {
        path.stem
        for path in CORE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - {"__init__"} == set(ROOMS)
    assert set(ROOMS.values()) == set(FLOORS)
    assert len(FLOORS) <= 12


def test_the_root_holds_five_files():
    assert {path.name for path in CORE.glob("*.py")} == {
        "__init__.py",
        "__main__.py",
        "compat.py",
        "names.py",
        "serialization.py",
    }


def test_there_are_few_files():
    assert len(modules(CORE)) <= 365


@pytest.mark.parametrize(
    "path", modules(CORE), ids=lambda path: str(path.relative_to(ROOT))
)
def test_imports_point_one_way(path):
    parts = path.relative_to(CORE).with_suffix("").parts
    if parts[0] == "__init__":
        return
    own = floor_of(parts[0])
    for name in imported(path):
        if name.startswith("keras_transfer."):
            other = name.split(".")[1]
            if other not in ("__version__", parts[0]):
                assert floor_of(other) < own, f"{parts[0]} imports {name}"
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


def test_one_file_sets_trainable_flags():
    writers = set()
    for path in [*modules(CORE), *modules(PLUGINS)]:
        for node in ast.walk(ast.parse(path.read_text())):
            is_written = (
                isinstance(node, ast.Attribute)
                and node.attr == "trainable"
                and isinstance(node.ctx, (ast.Store, ast.Del))
            )
            is_set_by_name = (
                isinstance(node, ast.Call)
                and ast.unparse(node.func).endswith("setattr")
                and "'trainable'" in map(ast.unparse, node.args)
            )
            if is_written or is_set_by_name:
                writers.add(path.relative_to(ROOT).as_posix())
    assert writers == {"keras_transfer/structure/freeze_state.py"}


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
