"""The cause that Keras buries in its errors when it cannot read a model.

Keras repeats the configuration, which may have megabytes, in the message of
each object around the one that failed, and the cause comes last.
"""

import re

from keras_transfer.saving.archive.entries import printable

_LENGTH = 300
_START = 4000  # letters of a message in which its object is named
# What stands before a cause, in the order in which Keras nests them.
_BEFORE = re.compile(
    r"Exception encountered: |Error encountered:\s+"
    r"|Example error message for object <[^>]*>:\s+"
)
_SETTINGS_OF = re.compile(r"Error when deserializing class '(\w+)' using")
_UNEXPECTED = re.compile(
    r"got an unexpected keyword argument '([^']*)'"
    r"|Unrecognized keyword arguments passed to \w+: {'([^']*)'"
)
_MISSING = re.compile(r"missing \d+ required [a-z-]+ arguments?: (.+)")
_NAME = re.compile(r"'name': '([^']{1,80})'")
_CALL = re.compile(r"Exception encountered when calling (\S+)\.")


def cause_of(error: BaseException) -> str:
    """Returns what went wrong in one sentence, without the configuration.

    Args:
        error: What Keras raised.

    Example:
    >>> cause_of(TypeError("Dense.__init__() got an unexpected keyword "
    ...                    "argument 'depth'"))
    "Dense: unexpected argument 'depth'"
    """
    chain = list(_chain(error))
    innermost = chain[-1]
    if isinstance(innermost, RecursionError):
        return "its objects are nested too deeply"
    if isinstance(innermost, MemoryError):
        return "it takes more memory than there is"
    text = _BEFORE.split(_ends(str(innermost)))[-1].strip()
    line = _first_line(text) or type(innermost).__name__
    if isinstance(innermost, KeyError):
        line = f"{line} is missing"
    subject = _subject(chain)
    if found := _UNEXPECTED.search(line):
        subject = subject or line.partition(".")[0]
        line = f"unexpected argument {found[1] or found[2]!r}"
    elif found := _MISSING.search(line):
        subject = subject or line.partition(".")[0]
        line = f"no {found[1]}"
    return printable(f"{subject}: {line}" if subject else line)


def _chain(error):
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _subject(chain):
    """The innermost object that a message names."""
    for error in reversed(chain):
        start = str(error)[:_START]
        if found := _SETTINGS_OF.search(start):
            name = _NAME.search(start)
            called = f" {name[1]!r}" if name else ""
            return f"the object{called} of class {found[1]}"
    return None


def _ends(text):
    return text if len(text) < 2 * _START else text[:_START] + text[-_START:]


def _first_line(text):
    for line in text.splitlines():
        line = _CALL.sub(r"\1.", line).strip()
        if line:
            return line[:_LENGTH]
    return ""
