"""What is known of kecam's models without kecam: two tables beside this file.

`catalogue.json` is read off kecam's sources by `development.enumerate_models`,
`results.csv` was measured by `development.survey`.
"""

import csv
import dataclasses
import functools
import json
import pathlib
from collections.abc import Mapping
from typing import Any

_FOLDER = pathlib.Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Model:
    """One constructor of kecam with what it needs.

    Args:
        name: Short name, kecam's own in snake case.
        constructor: Dotted name below `keras_cv_attention_models`.
        size: Height and width in pixels that it was made for.
        preprocessing: What kecam calls the rescale mode.
        weights: Maps a tag to `[url, md5]`, or to that for each image size.
        paper: Address of the paper.
        drop_connect_rate: kecam's default of that option, or `None` where the
            constructor has none.
        arguments: Further arguments of the constructor.
    """

    name: str
    constructor: str
    size: int
    preprocessing: str
    weights: Mapping[str, Any]
    paper: str
    drop_connect_rate: float | None = None
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def family(self) -> str:
        """Name of the module that the constructor is in."""
        return self.constructor.split(".")[-2]


@dataclasses.dataclass(frozen=True)
class Result:
    """What the survey measured of a model.

    Args:
        state: `"works"`, `"fails"`, or `"too large"` to have been tried.
        minimum_size: Smallest size that was found to work.
        output: Shape of the features at that size, without the batch.
        parameters: Number of parameters.
        classes: kecam's own classes that a saved file needs.
        stages: `(name, last layer)` pairs where detection finds none.
        reason: Why it does not work, or was not tried.
    """

    state: str
    minimum_size: int
    output: str
    parameters: int
    classes: tuple[str, ...]
    stages: tuple[tuple[str, str], ...]
    reason: str


@functools.cache
def models() -> dict[str, Model]:
    """Returns all models by name."""
    rows = json.loads((_FOLDER / "catalogue.json").read_text("utf-8"))
    return {row["name"]: Model(**row) for row in rows}


@functools.cache
def results() -> dict[str, Result]:
    """Returns what was measured, by name; not every model has run."""
    path = _FOLDER / "results.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["name"]: _result(row) for row in csv.DictReader(file)}


def _result(row):
    pairs = (pair.split("=") for pair in row["stages"].split())
    return Result(
        state=row["state"],
        minimum_size=int(row["minimum_size"] or 0),
        output=row["output"],
        parameters=int(row["parameters"] or 0),
        classes=tuple(row["classes"].split()),
        stages=tuple((name, layer) for name, layer in pairs),
        reason=row["reason"],
    )
