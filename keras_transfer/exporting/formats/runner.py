"""An exported file in its runtime."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Axes(NamedTuple):
    """Shape and type of a file's input or output.

    Args:
        shape: Shape with the batch axis; `None` for a dynamic length.
        dtype: NumPy's name of the type.
    """

    shape: tuple[int | None, ...]
    dtype: str


@dataclasses.dataclass(frozen=True)
class Runner:
    """A file in its runtime; call it with a batch of images.

    A call returns an array, or a list of them where there are several outputs.

    Args:
        run: Returns the outputs for a batch, in order.
        input: Input of the file, as the runtime reads it.
        outputs: Outputs of the file, as the runtime reads them.
        names: Their names in the file.
    """

    run: Callable[[np.ndarray], Sequence[np.ndarray]]
    input: Axes
    outputs: tuple[Axes, ...]
    names: tuple[str, ...]

    @property
    def output(self) -> Axes:
        """The first output."""
        return self.outputs[0]

    def __call__(self, images: np.ndarray) -> np.ndarray | list[np.ndarray]:
        outputs = self.run(images)
        return outputs[0] if len(self.outputs) == 1 else list(outputs)

    def select(self, names: Sequence[str | None]) -> Runner:
        """Returns a runner of some of the outputs.

        Args:
            names: Their names in the wanted order; one `None` is the first.

        Raises:
            ValueError: If the file has no output of that name.
        """
        missing = [n for n in names if n not in (None, *self.names)]
        if missing:
            raise ValueError(
                f"it has the outputs {list(self.names)!s:.200}, expected "
                f"{missing[0]!r:.80}"
            )
        places = [0 if n is None else self.names.index(n) for n in names]

        def run(images):
            outputs = self.run(images)
            return [outputs[place] for place in places]

        return Runner(
            run,
            self.input,
            tuple(self.outputs[place] for place in places),
            tuple(self.names[place] for place in places),
        )
