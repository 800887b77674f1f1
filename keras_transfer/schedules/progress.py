"""How far a schedule has come."""

import copy
import dataclasses
from typing import Any


@dataclasses.dataclass
class Progress:
    """All that a schedule must know to go on as if never interrupted.

    JSON data, which travels with the optimizer in every kind of file.

    Args:
        schedule: The schedule as data; `None` if it holds functions.
        phase: Position of the current phase.
        epochs: Number of epochs of training that are over.
        phase_epochs: Number of those that belong to the phase.
        phase_steps: Number of steps since the phase began, where the phase
            counts steps.
        best: Best value that each condition of the phase has seen, by its
            position.
        waits: Epochs since then.
        best_of_phase: Best value of the metric that `restore_best` names.
        restore: Whether the best epoch of the phase before is to come back
            when this one begins.
        fixed: Positions in `model.weights` of what must never train.
        random: State of the random generators at the end of the last epoch.
    """

    schedule: dict[str, Any] | None = None
    phase: int = 0
    epochs: int = 0
    phase_epochs: int = 0
    phase_steps: int = 0
    best: dict[str, float] = dataclasses.field(default_factory=dict)
    waits: dict[str, int] = dataclasses.field(default_factory=dict)
    best_of_phase: float | None = None
    restore: bool = False
    fixed: list[int] = dataclasses.field(default_factory=list)
    random: dict[str, Any] = dataclasses.field(default_factory=dict)

    def advance(self) -> None:
        """Goes on to the next phase, where every count begins anew."""
        self.phase += 1
        self.phase_epochs = self.phase_steps = 0
        self.best, self.waits = {}, {}
        self.best_of_phase = None

    def to_json(self) -> dict[str, Any]:
        """Returns a copy of everything as JSON data."""
        # `asdict` would copy the random state number by number, which takes
        # longer than to train a head on a batch; nobody changes it in place.
        return {name: copy.copy(value) for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Progress":
        """Returns the progress that `to_json` described."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{k: v for k, v in data.items() if k in names})
