"""Record of how a backbone was made, carried by the model."""

import dataclasses
from typing import Any

import keras

# A plain attribute: it does not survive saving. `build_model` copies the
# record into the `ModelInfo` layer, which does.
_ATTRIBUTE = "keras_transfer_provenance"


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where a backbone comes from.

    Args:
        name: Full name in the registry.
        options: The builder's options.
        weights: `"imagenet"` or another tag, a file name, or `None`.
        sha256: Digest of the weights file, or `None`.
        cut_at: Last layer when the backbone was truncated.
        stages: `(name, last layer)` pairs.
        preprocessing: What the registry declares for it.
        distribution: The distribution that provides the plugin.
        version: Its version.
        license: License note of the plugin.
    """

    name: str
    options: dict[str, Any]
    weights: str | None
    sha256: str | None
    cut_at: str | None
    stages: tuple[tuple[str, str], ...]
    preprocessing: Any
    distribution: str = ""
    version: str = ""
    license: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns what a saved file keeps, as plain JSON values."""
        record = dataclasses.asdict(
            dataclasses.replace(self, preprocessing=None)
        )
        del record["preprocessing"]  # It is in the graph as layers.
        record["stages"] = [list(stage) for stage in self.stages]
        return record


def renewed(record: dict[str, Any]) -> dict[str, Any]:
    """Returns a record from a file under the names that it has today.

    Args:
        record: What `Provenance.to_json` returned, of version 0.1 too.

    Example:
    >>> renewed({"name": "my/net", "licence": "MIT"})
    {'name': 'my/net', 'license': 'MIT'}
    """
    former = {"licence": "license"}
    return {former.get(name, name): value for name, value in record.items()}


def attach(model: keras.Model, provenance: Provenance) -> None:
    """Attaches the record to a model."""
    setattr(model, _ATTRIBUTE, provenance)


def provenance_of(model: keras.Model) -> Provenance | None:
    """Returns the record of a model, or `None` when it has none."""
    return getattr(model, _ATTRIBUTE, None)
