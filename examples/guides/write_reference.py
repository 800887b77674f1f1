"""Writes `reference.md`: every public name with its docstring.

`python examples/guides/write_reference.py`, after a public docstring changed.
"""

import inspect
import pathlib
import re
import types

import keras_transfer as kt

FILE = pathlib.Path(__file__).with_name("reference.md")
TITLE = """\
# Reference

Written by `write_reference.py` from the docstrings. Names are those of
`import keras_transfer as kt`.
"""
# After such a line, what is indented belongs to it.
_SECTION = re.compile(
    "^(Args|Returns|Raises|Yields|Examples?|References?|Call arguments"
    "|Input shape|Output shape):(.*)$"
)


def public_names():
    """Yields each public name with its value: those of modules follow them."""
    for name in kt.__all__:
        value = getattr(kt, name)
        yield f"kt.{name}", value
        if isinstance(value, types.ModuleType):
            for inner in value.__all__:
                yield f"kt.{name}.{inner}", getattr(value, inner)


def reference():
    """Returns the whole text."""
    return "\n".join([TITLE, *(_entry(*item) for item in public_names())])


def _entry(name, value):
    lines = [f"## `{name}`", ""]
    if not isinstance(value, types.ModuleType):
        lines += ["```text", _signature(name, value), "```", ""]
    lines += _markdown(inspect.getdoc(value) or "")
    return "\n".join([*lines, ""])


def _signature(name, value):
    try:
        parameters = inspect.signature(value)
    except ValueError:
        return name
    shown = [
        parameter.replace(annotation=parameter.empty)
        for parameter in parameters.parameters.values()
    ]
    text = str(parameters.replace(parameters=shown))
    if inspect.isclass(value):
        text = text.partition(" -> ")[0]
    return f"{name}{text}"


def _markdown(docstring):
    """Sections as headings in bold, arguments as lists, examples as code."""
    lines, section, code = [], None, False
    for line in docstring.splitlines():
        is_code = line.lstrip().startswith((">>>", "...")) or (
            code and line.strip() != ""
        )
        if is_code != code:
            lines.append("```python" if is_code else "```")
            code = is_code
        found = None if code else _SECTION.match(line)
        if found:
            section = found[1]
            lines += ["", f"**{section}:**{found[2]}", ""]
        elif code:
            lines.append(line)
        elif section and re.match(r"^ {4}\*{0,2}\w+:", line):
            argument, _, text = line.strip().partition(":")
            lines.append(f"- `{argument}`:{text}")
        elif section and line.startswith("    "):
            lines.append(f"  {line.strip()}")
        else:
            section = None if line else section
            lines.append(line)
    lines += ["```"] * code
    # One empty line at a time.
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).splitlines()


if __name__ == "__main__":
    FILE.write_text(reference())
