"""The script that writes the reference, as a module."""

import importlib.util
import pathlib

GUIDES = pathlib.Path(__file__).parent.parent / "examples" / "guides"


def script():
    path = GUIDES / "write_reference.py"
    spec = importlib.util.spec_from_file_location("write_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
