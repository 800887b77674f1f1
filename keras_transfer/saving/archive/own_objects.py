"""Classes of keras_transfer that files may hold, and what `ModelInfo` says."""

from typing import Any

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive import versions
from keras_transfer.saving.archive.entries import Place
from keras_transfer.saving.archive.entries import refusal
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.structure.output_records import outputs_from_json
from keras_transfer.structure.task import Task

MODEL_INFO = "keras_transfer>ModelInfo"

REGISTERED = frozenset(
    f"keras_transfer>{name}"
    for name in (
        "ActivationPooling",
        "AttentionPoolHead",
        "AttentionPooling",
        "AuxiliaryBranch",
        "AuxiliaryHead",
        "AuxiliaryModel",
        "ClassToken",
        "CumulativeLink",
        "Extractor",
        "GeneralizedMeanPooling",
        "LabelAccuracy",
        "LabelF1",
        "LinearHead",
        "MLPHead",
        "ModelInfo",
        "RecordingExtractor",
        "TokensToGrid",
        "TransferLossScaleOptimizer",
        "TransferOptimizer",
    )
)

_SETTINGS = ("name", "trainable", "dtype", "metadata")
# What each key of the metadata holds, and who writes it.
_METADATA = {
    "schema": int,
    "versions": dict,
    "dtype_policy": str,
    "class_names": (list, type(None)),
    "input": dict,
    "backbone": dict,
    "head": dict,
    "task": dict,
    "outputs": list,  # Of several, `structure.output_records`.
    "classes": object,  # Owners of the rest; whoever reads it looks twice.
    "freeze": dict,  # Of each save.
    "lora": list,  # Of each save: `structure.adapters.record`.
    "schedule": (dict, type(None)),  # `schedules.Schedule`.
    "history": dict,  # `callbacks.training_history`.
    "history_begins_at": int,
}


def check_origin(registered: str, item: dict[str, Any], place: Place) -> None:
    """Raises when something else goes by the name of a class of ours.

    Args:
        registered: Name under which the class is registered.
        item: The whole entry.
        place: Where it stands.

    Raises:
        ModelFileError: For a class or a module that is not ours.
    """
    if registered not in REGISTERED:
        return
    name, module = item["class_name"], item.get("module")
    is_ours = module is None or module.split(".")[0] == "keras_transfer"
    if name not in (registered, registered.partition(">")[2]) or not is_ours:
        raise refusal(
            place,
            f"passes {f'{module}.{name}'[:80]!r} off as {registered!r}",
            UNUSUAL,
        )


def metadata_of(item: dict[str, Any], place: Place) -> dict[str, Any]:
    """Returns the metadata of a `ModelInfo`, which nothing makes objects of.

    Args:
        item: The entry of the layer.
        place: Where it stands.

    Raises:
        ModelFileError: If it says what it has no words for.
    """
    config = item.get("config")
    if not isinstance(config, dict):
        raise refusal(place, "holds no settings of a ModelInfo", UNUSUAL)
    metadata = config.get("metadata", {})
    if not isinstance(metadata, dict):
        raise refusal(place, "holds no proper metadata of ModelInfo", UNUSUAL)
    versions.check_schema(metadata)
    for found, known in ((config, _SETTINGS), (metadata, _METADATA)):
        unknown = [key for key in found if key not in known]
        if unknown:
            raise refusal(
                place,
                f"lets ModelInfo say {unknown[0]!r:.80}, which this version "
                "does not know",
                "If a later version wrote it, run `pip install -U "
                "keras-transfer`; otherwise do not load it.",
            )
    for key, value in metadata.items():
        if not isinstance(value, _METADATA[key]):
            raise refusal(
                place, f"lets ModelInfo hold no proper {key!r}", UNUSUAL
            )
    _check_plain(metadata, place)
    _check_tasks(metadata, place)
    return metadata


def _check_tasks(metadata, place):
    key = "task"
    try:
        Task.from_json(metadata.get("task", {}))
        key = "outputs"
        if key in metadata:
            outputs_from_json(metadata[key])
    except (TypeError, ValueError) as error:
        raise refusal(
            place, f"lets ModelInfo hold no proper {key!r}", UNUSUAL
        ) from error


def _check_plain(metadata, place):
    values, pending = 0, [(metadata, 0)]
    while pending:
        item, depth = pending.pop()
        values += len(item)
        if depth > limits.METADATA_DEPTH or values > limits.METADATA_VALUES:
            raise refusal(place, "lets ModelInfo say too much", UNUSUAL)
        if isinstance(item, dict) and {"class_name", "config"} <= item.keys():
            raise refusal(
                place, "holds an object in the metadata of ModelInfo", UNUSUAL
            )
        children = item.values() if isinstance(item, dict) else item
        pending += [
            (value, depth + 1)
            for value in children
            if isinstance(value, (dict, list))
        ]
