"""The one report of all that is wrong with a folder of photographs."""

import os
import warnings
from pathlib import Path

_NAMED = {"error": 20, "skip": 5}


def report(
    root: Path, faults: list[str], problems: dict[Path, str], bad_files: str
) -> None:
    """Raises for what cannot be used, or warns of what is left out.

    Args:
        root: The folder, to which the names of files are shortened.
        faults: Sentences about what no choice can mend.
        problems: Bad files, each with the reason.
        bad_files: `"error"` or `"skip"`.

    Raises:
        ValueError: There are faults, or there are problems that are not to be
            skipped.
    """
    lines = _by_reason(root, problems, _NAMED[bad_files])
    if faults or (problems and bad_files == "error"):
        count = len(faults) + len(problems)
        things = "1 thing is" if count == 1 else f"{count} things are"
        advice = (
            'Mend or remove these files, or pass bad_files="skip" to leave '
            "them out."
        )
        raise ValueError(
            "\n- ".join(
                [f"{things} wrong with the images in {root}:", *faults, *lines]
            )
            + (f"\n{advice}" if problems and bad_files == "error" else "")
        )
    if problems:
        files = "1 file" if len(problems) == 1 else f"{len(problems)} files"
        warnings.warn(
            f"Left out {files} of {root}: {'; '.join(lines)}.", stacklevel=3
        )


def _by_reason(root, problems, named):
    groups = {}
    for file, reason in problems.items():
        groups.setdefault(reason, []).append(os.path.relpath(file, root))
    lines = []
    for reason, names in groups.items():
        shown = ", ".join(names[:named])
        more = f" and {len(names) - named} more" if len(names) > named else ""
        lines.append(f"{len(names)} x {reason}: {shown}{more}")
    return lines
