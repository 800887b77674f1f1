"""What messages name can be reached; what is imported is declared."""

import ast
import pathlib
import re
import sys
import tomllib
from importlib import metadata

import pytest

import keras_transfer as kt

ROOT = pathlib.Path(__file__).parent.parent
SOURCES = sorted((ROOT / "keras_transfer").rglob("*.py"))
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Groups of entry points, and the name of a file.
NO_NAMES = {
    *(group for group in PROJECT["project"]["entry-points"]),
    "keras_transfer.json",
}
# Distributions that provide a module of another name.
PROVIDERS = metadata.packages_distributions()


def is_import(node):
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
        "import_module"
    )


def texts(path):
    """String literals of a file, without the code of examples in them."""
    tree = ast.parse(path.read_text())
    imported = {
        id(constant)
        for node in ast.walk(tree)
        if is_import(node)
        for constant in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in imported:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            lines = node.value.splitlines()
            yield "\n".join(
                line
                for line in lines
                # Nor imports of a program for another process.
                if not line.strip().startswith((">>>", "...", "from "))
            )


def named(text):
    # A name in a docstring may be broken after a dot.
    text = re.sub(r"(keras_transfer|kt)\.\s*\n\s*", r"\1.", text)
    return re.findall(r"\b(?:keras_transfer|kt)(?:\.[A-Za-z_]\w*)+", text)


def resolves(name):
    value = kt
    for part in name.split(".")[1:]:
        public = getattr(value, "__all__", None)
        if public is not None and part not in (*public, "__version__"):
            return False
        value = getattr(value, part, None)
        if value is None:
            return False
    return True


@pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: str(path.relative_to(ROOT))
)
def test_what_a_text_names_is_public(path):
    if path.name == "serialization.py":
        return  # A table of modules.
    found = {name for text in texts(path) for name in named(text)}
    private = {n for n in found - NO_NAMES if not resolves(n)}
    assert not private, f"{path} names what users cannot reach: {private}"


def test_a_private_module_in_a_text_would_be_noticed():
    assert resolves("kt.schedules.Phase")
    assert not resolves("keras_transfer.optimizer.transition.transition")
    assert not resolves("kt.heads.arguments")
    assert named("call `kt.\n  transition(model)`") == ["kt.transition"]


def imports(paths):
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield node.module.split(".")[0]
            elif is_import(node) and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value.split(".")[0]


def test_every_import_is_a_declared_dependency():
    project = PROJECT["project"]
    optional = project["optional-dependencies"]
    shipped = [n for n in optional if n not in ("test", "bench")]
    declared = {
        re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")
        for requirement in [
            *project["dependencies"],
            *(one for name in shipped for one in optional[name]),
        ]
    }
    own = {path.name for path in (ROOT / "plugins").iterdir()}
    foreign = set(imports([*SOURCES, *PLUGINS])) - sys.stdlib_module_names
    undeclared = {
        module
        for module in foreign - own - {"keras_transfer"}
        if not declared
        & {
            name.lower().replace("_", "-")
            for name in PROVIDERS.get(module, [module])
        }
    }
    assert not undeclared


def test_types_are_shipped():
    data = PROJECT["tool"]["setuptools"]["package-data"]
    assert "py.typed" in data["keras_transfer"]
    assert (ROOT / "keras_transfer" / "py.typed").is_file()
