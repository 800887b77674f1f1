"""What a format must offer to those who write or run it.

Nothing here or beside it imports Keras before a method needs it, so that an
exported file is run without.
"""

from __future__ import annotations

import abc
import dataclasses
import importlib.util
import math
import pathlib
import typing
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

import numpy as np

if typing.TYPE_CHECKING:
    import keras


# In any tensor inside of a network, for one image; 2 GiB of float32.
_MOST_ELEMENTS = 1 << 29


class Axes(NamedTuple):
    """What a file says of its one input or output.

    Args:
        shape: With the batch axis; `None` for a length that is open.
        dtype: NumPy's name of the type.
    """

    shape: tuple[int | None, ...]
    dtype: str


@dataclasses.dataclass(frozen=True)
class Runner:
    """A file in its runtime; call it with a batch of images.

    Args:
        run: Returns the outputs for a batch.
        input: What the file takes, as the runtime reads it.
        output: What it returns.
    """

    run: Callable[[np.ndarray], np.ndarray]
    input: Axes
    output: Axes

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return self.run(images)


def check_sizes(shapes: Iterable[Iterable[int | None]]) -> None:
    """Raises if a network would need more memory than networks need.

    Args:
        shapes: Shape of each tensor in it; open lengths, `None` or negative,
            count as 1.

    Raises:
        ValueError: With the first shape that is too large.
    """
    for shape in map(tuple, shapes):
        if math.prod(max(1, n or 1) for n in shape) > _MOST_ELEMENTS:
            raise ValueError(
                f"it computes a tensor of the shape {shape}, larger than "
                f"{_MOST_ELEMENTS:,} elements"
            )


class Format(abc.ABC):
    """A way to write a model that another runtime can read.

    Attributes:
        name: What users call it.
        suffix: How its files end; `""` for a folder.
        packages: The modules that writing and the trial need.
        reader: The module that running needs.
        extra: The extra of keras-transfer that brings them.
        backends: The Keras backends that can write it.
        tolerance: Largest difference from Keras that counts as rounding.
        precisions: What its numbers can be.
        needs_calibration: Whether int8 needs photographs.
        keeps_layers: Whether the file holds Keras layers, so that everything
            which trains stays in it.
    """

    name: str
    suffix: str
    packages: tuple[str, ...] = ()
    reader: str
    extra: str = ""
    backends: tuple[str, ...] = ("tensorflow",)
    tolerance: float = 1e-3
    precisions: tuple[str, ...] = ("float32",)
    needs_calibration: bool = False
    keeps_layers: bool = False

    def check(self) -> None:
        """Raises unless this process can write the format.

        Raises:
            ImportError: With the line that installs what is missing.
            ValueError: If the Keras backend is another.
        """
        self._check_installed(self.packages)
        import keras

        backend = keras.backend.backend()
        if backend not in self.backends:
            raise ValueError(
                f"The format {self.name!r} is written by the Keras backends "
                f"{list(self.backends)}. Received: {backend!r}. Load the model "
                f"in a process with KERAS_BACKEND={self.backends[0]}."
            )

    def check_reader(self) -> None:
        """Raises unless this process can run the format.

        Raises:
            ImportError: With the line that installs what is missing.
        """
        self._check_installed((self.reader,))

    def _check_installed(self, modules):
        missing = [
            name for name in modules if importlib.util.find_spec(name) is None
        ]
        if missing:
            raise ImportError(
                f"The format {self.name!r} needs {' and '.join(missing)}. Run "
                f"`pip install 'keras-transfer[{self.extra}]'`."
            )

    @abc.abstractmethod
    def write(
        self,
        model: keras.Model,
        path: pathlib.Path,
        description: dict[str, Any],
        precision: str = "float32",
        calibration: np.ndarray | None = None,
    ) -> None:
        """Writes a model, with its description where the format has room.

        Args:
            model: The graph to write.
            path: The file or folder, which does not exist yet.
            description: Plain JSON values.
            precision: One of `precisions`.
            calibration: Images that show the ranges of activations.
        """

    def files(self, path: pathlib.Path) -> list[pathlib.Path]:
        """Returns the files and folders that make up what was written.

        Args:
            path: The file or folder.

        Raises:
            ValueError: If the file names others outside of its folder.
        """
        return [path]

    def side_effects(self, path: pathlib.Path) -> list[str]:
        """Returns the operations of a file that may do more than compute.

        Args:
            path: The file or folder.

        Raises:
            ValueError: If it is damaged.
        """
        return []

    @abc.abstractmethod
    def open(self, path: pathlib.Path) -> Runner:
        """Loads what was written into its own runtime.

        Args:
            path: The file or folder.

        Raises:
            ValueError: If it has not one input and an output.
            Exception: Whatever the runtime raises for a file that is damaged.
        """

    @abc.abstractmethod
    def runtime(self) -> str:
        """Returns name and version of the runtime that `open` uses."""
