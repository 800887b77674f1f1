"""Seconds that runtimes take for a batch, in turns on a busy machine."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import numpy as np

_ROUNDS = 5
# One that is this many times slower than the fastest is not asked again.
_HOPELESS = 5


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What one runtime was found to be.

    Args:
        runtime: Its name; `"model.predict"` is the model as it was given.
        seconds: Median time for a batch, by batch size; empty if not run.
        speedup: How many times faster than `model.predict`, by batch size.
        difference: Largest difference from the model's outputs.
        refused: Why it was not chosen from; `None` if it could be.
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
    """Returns the median time of each call, all of them taking turns.

    Args:
        runs: What is called with the images, by name.
        images: One batch.
        rounds: Number of turns.
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
