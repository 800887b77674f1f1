"""Writes the entry points of this plugin into `pyproject.toml`.

`python -m keras_transfer_kecam.development.entry_points`, after the catalogue
has changed; then install again.
"""

import ast
import importlib.util
import pathlib
import re

from keras_transfer_kecam import catalogue
from keras_transfer_kecam import layer_classes
from keras_transfer_kecam.sources import PACKAGE

PYPROJECT = pathlib.Path(__file__).parents[3] / "pyproject.toml"


def main() -> None:
    """Replaces the lines of both groups."""
    text = re.sub(r'^"kecam\..*\n', "", PYPROJECT.read_text(), flags=re.M)
    for group, lines in (
        ("keras_transfer.backbones", backbones()),
        ("keras_transfer.serializable", classes()),
    ):
        header = f'[project.entry-points."{group}"]\n'
        start = text.index(header)
        end = text.index("\n[", start)
        section = text[start:end].rstrip("\n") + "\n"
        entries = "".join(f'"{k}" = "{v}"\n' for k, v in lines.items())
        text = text[:start] + section + entries + text[end:]
    PYPROJECT.write_text(text)


def backbones() -> dict[str, str]:
    """Returns the entry points of the backbones."""
    return {
        f"kecam.{name}": f"keras_transfer_kecam.specs:{name} [kecam]"
        for name in catalogue.models()
    }


def classes() -> dict[str, str]:
    """Returns the entry points of kecam's own classes, off its sources."""
    spec = importlib.util.find_spec(PACKAGE)
    root = pathlib.Path(spec.submodule_search_locations[0])
    found = {}
    for short, module in layer_classes.MODULES.items():
        path = root.joinpath(*module.split(".")).with_suffix(".py")
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and any(
                "register_keras_serializable" in ast.unparse(decorator)
                for decorator in node.decorator_list
            ):
                path_in_module = f"{short}.{node.name}"
                found[f"kecam.{path_in_module}"] = (
                    f"keras_transfer_kecam.layer_classes:{path_in_module} "
                    "[kecam]"
                )
    return found


if __name__ == "__main__":
    main()
