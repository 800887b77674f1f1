"""Time that runtimes take for a batch, measured in turns."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import numpy as np

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
