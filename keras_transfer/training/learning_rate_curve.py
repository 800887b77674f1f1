"""The curve of a range test, and the learning rates that it suggests."""

import dataclasses
import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

RULES = ("minimum", "valley", "steepest")
# What the rule "minimum" divides by, other than 10. On 244 photographs of ants
# and bees, on a frozen MobileNet, a tenth is too slow for SGD (2 to 4 points of
# accuracy after 10 epochs), and half diverges with some seeds.
DIVISORS = {"SGD": 4.0}
_SMOOTHING = 0.9


@dataclasses.dataclass(frozen=True, eq=False)
class LearningRateCurve:
    """The loss at each learning rate of a range test.

    Args:
        rates: Learning rates, rising.
        losses: Loss of one batch at each rate.
        rule: The rule that `suggestion` follows.
        divisor: What the rule `"minimum"` divides by.
    """

    rates: np.ndarray
    losses: np.ndarray
    rule: str = "minimum"
    divisor: float = 10.0

    @property
    def smoothed(self) -> np.ndarray:
        """The losses as a moving average, weighted exponentially."""
        return smoothed(self.losses)

    @property
    def suggestions(self) -> dict[str, float]:
        """The learning rate that each rule suggests."""
        places = {
            "valley": _valley(self.smoothed),
            "steepest": _steepest(self.losses),
            "minimum": int(np.argmin(self.smoothed)),
        }
        found = {rule: float(self.rates[i]) for rule, i in places.items()}
        return {**found, "minimum": found["minimum"] / self.divisor}

    @property
    def suggestion(self) -> float:
        """The learning rate that the chosen rule suggests."""
        return self.suggestions[self.rule]

    def __float__(self):
        return self.suggestion

    def __str__(self):
        rest = ", ".join(f"{k} {v:.2g}" for k, v in self.suggestions.items())
        return f"learning rate {self.suggestion:.2g} ({rest})"

    def plot(self, path: str | os.PathLike | None = None) -> Any:
        """Draws the curve with the suggestions.

        Args:
            path: Where to save the picture. Defaults to `None`: nowhere.

        Returns:
            The matplotlib figure.
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 3.8), layout="constrained")
        axes = figure.subplots()
        axes.plot(self.rates, self.losses, ".", ms=3, color="0.7")
        axes.plot(self.rates, self.smoothed, color="#2f6db5")
        styles = zip(RULES, ("-", "--", ":"), strict=True)
        for rule, style in styles:
            rate = self.suggestions[rule]
            label = f"{rule}: {rate:.2g}"
            axes.axvline(rate, color="black", lw=1, ls=style, label=label)
        low, high = self.smoothed.min(), self.smoothed[0]
        room = 0.5 * max(high - low, 1e-6)
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        axes.set_ylim(low - room, high + 2 * room)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize="small")
        if path is not None:
            figure.savefig(os.fspath(path), dpi=130)
        return figure

    def _repr_png_(self):
        picture = io.BytesIO()
        self.plot().savefig(picture, format="png", dpi=100)
        return picture.getvalue()


def smoothed(losses: Sequence[float]) -> np.ndarray:
    """Returns the moving average of losses, unbiased from the start."""
    mean, found = 0.0, []
    for number, loss in enumerate(losses, start=1):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        found.append(mean / (1 - _SMOOTHING**number))
    return np.array(found)


def _steepest(losses):
    """Where a mean over a third of the curve falls fastest, on its way down.

    Rates are evenly spaced on the logarithmic axis of the picture.
    """
    window = np.hanning(len(losses) // 3 + 4)[1:-1]
    # What diverges at the end must not hide what fell before.
    clipped = np.minimum(losses, 1.5 * np.mean(losses[:10]))
    ends = len(window) // 2, len(window) - 1 - len(window) // 2
    padded = np.pad(clipped, ends, mode="edge")
    mean = np.convolve(padded, window / window.sum(), "valid")
    lowest = max(int(np.argmin(mean)), 2)
    return int(np.argmin(np.gradient(mean)[:lowest]))


def _valley(losses):
    """Two thirds of the way down the longest falling subsequence."""
    lengths = np.ones(len(losses), int)
    for place in range(1, len(losses)):
        higher = lengths[:place][losses[:place] > losses[place]]
        lengths[place] = 1 + higher.max(initial=0)
    end = int(np.argmax(lengths))
    # As fastai finds it: so many places before the end it is taken to begin.
    third = (int(lengths[end])) // 3
    return end - int(lengths[end]) + third + third // 2
