"""The progress bar of explanations that take many passes."""

import sys
from collections.abc import Iterable
from collections.abc import Sequence

_MANY = 20


def steps_shown(steps: Sequence[int], description: str) -> Iterable[int]:
    """Yields steps, with a bar on stderr where that is a terminal.

    Args:
        steps: The steps; the bar is left out where there are few.
        description: What stands before the bar.
    """
    from rich.console import Console
    from rich.progress import track

    return track(
        steps,
        description=description,
        console=Console(stderr=True),
        disable=len(steps) < _MANY or not sys.stderr.isatty(),
        transient=True,
    )
