"""Sentences of the library in the words of the command line."""

import argparse
import re

# A value in Python: text, a tuple, a list, or a word that ends no sentence.
_VALUE = (
    r"\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)|\[[^\[\]\n]*\]"
    r"|-?\w+(?:[.+-]\w+)*"
)


def spoken(text: str, parser: argparse.ArgumentParser) -> str:
    """Returns a sentence of the library in the words of the command line.

    The library calls its arguments as Python does. Those that the running
    command has as options are called by these; the others are left alone.

    Args:
        text: What an error or a warning says.
        parser: The parser of the command that runs.

    Example:
    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("--bad-files")
    >>> spoken('Mend them, or pass bad_files="skip".', parser)
    'Mend them, or pass --bad-files skip.'
    """
    options = _options_by_name(parser)
    if not options:
        return text
    names = "|".join(sorted(map(re.escape, options), key=len, reverse=True))
    # `name` alone, or name=value, in backquotes or not.
    quoted = re.compile(rf"`({names})`")
    given = re.compile(rf"(?<![\w.-])(`?)({names})=({_VALUE})?(`?)")

    def give(found):
        before, name, value, after = found.groups()
        words = _given(options[name], value)
        return f"{before}{words}{after}"

    text = given.sub(give, text)
    return quoted.sub(lambda found: options[found[1]].option_strings[-1], text)


def _options_by_name(parser):
    found = {}
    for action in parser._actions:
        longs = [o for o in action.option_strings if len(o) > 1]
        if not longs or action.help == argparse.SUPPRESS:
            continue
        name = longs[-1].lstrip("-").replace("-", "_")
        found[name] = action
        if action.const is None or isinstance(action.const, bool):
            found.setdefault(action.dest, action)
    # What people ask for, not what the library is told.
    return {k: v for k, v in found.items() if k not in ("help", "debug")}


def _given(action, value):
    option = action.option_strings[-1]
    if value is None:
        return option
    if action.nargs == 0:
        return f"no {option}" if value in ("False", "None") else option
    if value in ("False", "None"):
        return f"{option} none"
    if value[0] in "\"'" and value[1:-1].isprintable():
        bare = value[1:-1]
        return f"{option} {bare if bare and ' ' not in bare else value}"
    if value[0] in "([":
        inside = value[1:-1]
        parts = [part.strip().strip("'\"") for part in inside.split(",")]
        if all(part.isidentifier() or part.isdigit() for part in parts if part):
            comma = "," if "," in str(action.metavar) else " "
            return f"{option} {comma.join(part for part in parts if part)}"
    return f"{option} {value}"
