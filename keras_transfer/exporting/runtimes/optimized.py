"""A model in its fastest runtime, measured in turns with others."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_transfer.checks import pixels
from keras_transfer.exporting.runtimes.table import Run

_ROUNDS = 5
# A runtime that is this many times slower than the fastest is dropped.
_HOPELESS = 5


@dataclasses.dataclass(frozen=True)
class Measurement:
    """The timings of one runtime.

    Args:
        runtime: Its name; `"model.predict"` is the original model.
        seconds: Median time for a batch, by batch size; empty if not run.
        speedup: Speed-up over `model.predict`, by batch size.
        difference: Largest difference from the model's outputs.
        refused: Why the runtime cannot be used; `None` if it can.
    """

    runtime: str
    seconds: dict[int, float] = dataclasses.field(default_factory=dict)
    speedup: dict[int, float] = dataclasses.field(default_factory=dict)
    difference: float | None = None
    refused: str | None = None


class OptimizedModel:
    """Makes the same predictions as a model, faster.

    Returned by `optimize_for_inference`. It holds copies of the weights, so
    further training of the model does not affect it. It is not a Keras model
    and cannot be saved; use `kt.export` to write files. It is not thread-safe.

    Attributes:
        runtime: Name of the chosen runtime.
        folded: Number of BatchNormalization layers that were folded.
        measurements: The timings, fastest first; `str` formats them as a
            table.
    """

    def __init__(
        self,
        model: keras.Model,
        run: Run,
        pack: Callable[[list[np.ndarray]], Any],
        runtime: str,
        folded: int,
        measurements: tuple[Measurement, ...],
    ):
        self.runtime = runtime
        self.folded = folded
        self.measurements = measurements
        self._model = model
        self._run = run
        self._pack = pack

    def __call__(self, images: Any) -> Any:
        """Returns the outputs for one batch.

        Args:
            images: Array of shape `(batch, height, width, channels)`.

        Returns:
            NumPy arrays in the structure of the model's outputs.

        Raises:
            ValueError: If the images do not fit the model's input.
        """
        return self._pack(self._run(self._checked(images)))

    def predict(self, x: Any, batch_size: int = 32) -> Any:
        """Returns the outputs for any number of images.

        Args:
            x: Array of shape `(images, height, width, channels)`.
            batch_size: Number of images run at a time. Defaults to 32.

        Returns:
            What `model.predict(x)` returns.

        Raises:
            ValueError: If the images do not fit the model's input, there are
                none, or `batch_size` is below 1.
        """
        if batch_size < 1:
            raise ValueError(
                "`batch_size` must be at least 1. Received: "
                f"batch_size={batch_size!r}"
            )
        x = self._checked(x)
        if not len(x):
            raise ValueError("There is no image: `x` is empty.")
        parts = [
            self._run(x[start : start + batch_size])
            for start in range(0, len(x), batch_size)
        ]
        return self._pack([np.concatenate(p) for p in zip(*parts, strict=True)])

    def __str__(self):
        sizes = sorted({n for m in self.measurements for n in m.seconds})
        lines = [f"{'':<14}" + "".join(f"{f'batch {n}':>24}" for n in sizes)]
        for each in self.measurements:
            cells = [
                f"{1000 * each.seconds[n]:.1f} ms, {each.speedup[n]:.2f} x"
                for n in sizes
                if n in each.seconds
            ]
            row = f"{each.runtime:<14}" + "".join(f"{c:>24}" for c in cells)
            lines.append(row + (f"  {each.refused}" if each.refused else ""))
        lines.append(f"chosen: {self.runtime}")
        return "\n".join(lines)

    def _checked(self, images):
        images = np.asarray(images)
        pixels.check_shape(self._model, images)
        return images.astype(self._model.inputs[0].dtype, copy=False)


def median_seconds(
    runs: Mapping[str, Callable[[np.ndarray], Any]],
    images: np.ndarray,
    rounds: int = _ROUNDS,
) -> dict[str, float]:
    """Returns the median time of each function, called in turns.

    Args:
        runs: Functions that take the images, by name.
        images: One batch.
        rounds: Number of calls of each.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run(images)  # Warm up, so that compilation is not measured.
    for number in range(rounds):
        order = list(runs) if number % 2 else list(reversed(runs))
        fastest = min((min(t) for t in times.values() if t), default=np.inf)
        for name in order:
            if times[name] and min(times[name]) > _HOPELESS * fastest:
                continue
            start = time.perf_counter()
            runs[name](images)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}
