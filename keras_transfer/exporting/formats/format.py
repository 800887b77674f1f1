"""The interface of export formats.

No module of this package imports Keras before a method needs it, so that
exported files run without it.
"""

from __future__ import annotations

import abc
import importlib.util
import math
import pathlib
import re
import typing
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_transfer.exporting.formats.runner import Runner

if typing.TYPE_CHECKING:
    import keras


# Of any tensor in a network, for one image; 2 GiB of float32.
_MOST_ELEMENTS = 1 << 29
# How TensorFlow's converter and that of OpenVINO name what they do not know.
_OPERATION = re.compile(r"'tf\.(\w+)' op|for operations: (\w+)|\(Flex(\w+)\)")
# How TensorFlow says that the system refused to write.
_SYSTEM = re.compile(r"(?i)errno|too large|no space|permission denied")


def check_sizes(shapes: Iterable[Iterable[int | None]]) -> None:
    """Raises if a tensor in a network is unreasonably large.

    Args:
        shapes: Shapes of the tensors; dynamic lengths, `None` or negative,
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
    """A format in which another runtime can read a model.

    Attributes:
        name: Name for users.
        suffix: Suffix of its files; `""` for a folder.
        packages: Modules needed to write and verify files.
        reader: Module needed to run files.
        extra: Extra of keras-transfer that installs them.
        backends: Keras backends that can write it.
        tolerance: Largest difference from Keras that counts as rounding.
        precisions: Supported precisions.
        needs_calibration: Whether int8 needs photographs to calibrate on.
        keeps_layers: Whether the file contains Keras layers, so that it can be
            trained further.
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
            ImportError: With the command that installs missing packages.
            ValueError: If the Keras backend cannot write it.
        """
        self._check_installed(self.packages)
        import keras

        backend = keras.backend.backend()
        if backend not in self.backends:
            raise ValueError(
                f"The format {self.name!r} can be written with the Keras "
                f"backends {list(self.backends)}. Received: {backend!r}. Load "
                "the model in a process with "
                f"KERAS_BACKEND={self.backends[0]}."
            )

    def check_reader(self) -> None:
        """Raises unless this process can run the format.

        Raises:
            ImportError: With the command that installs it.
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

    def convert(self, model: keras.Model, path: pathlib.Path, *arguments: Any):
        """Writes a model as `write` does, with a sentence where it cannot.

        Args:
            model: The graph to write.
            path: The file or folder.
            *arguments: The others of `write`.

        Raises:
            ValueError: The converter cannot express a layer of the model.
        """
        try:
            self.write(model, path, *arguments)
        except (ImportError, MemoryError, OSError, ValueError):
            raise
        except Exception as error:
            if _SYSTEM.search(str(error)):
                raise  # The converter is not at fault.
            # Each converter has errors of its own, which print its state.
            found = _OPERATION.search(str(error))
            operation = found and next(filter(None, found.groups()))
            raise ValueError(
                f"The converter to {self.name!r} does not know how to express "
                f"a layer of the model {model.name!r} "
                f"({operation or type(error).__name__}). Replace the layer, or "
                "export to 'tf_saved_model' or 'stock', which keep any."
            ) from error

    @abc.abstractmethod
    def write(
        self,
        model: keras.Model,
        path: pathlib.Path,
        description: dict[str, Any],
        precision: str = "float32",
        calibration: np.ndarray | None = None,
    ) -> None:
        """Writes a model, with its description if the format can hold it.

        Args:
            model: The graph to write.
            path: The file or folder, which does not exist yet.
            description: JSON values.
            precision: One of `precisions`.
            calibration: Images that determine the ranges of activations.
        """

    def files(self, path: pathlib.Path) -> list[pathlib.Path]:
        """Returns all files and folders that belong to an exported file.

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
        """Opens an exported file in its runtime.

        Args:
            path: The file or folder.

        Raises:
            ValueError: If it does not have one input and an output.
            Exception: Any error of the runtime, for a damaged file.
        """

    @abc.abstractmethod
    def runtime(self) -> str:
        """Returns name and version of the runtime that `open` uses."""
