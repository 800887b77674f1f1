"""The description that is exported with a model."""

from typing import Any

import keras

from keras_transfer.checks.outputs import output_activation
from keras_transfer.structure import model_info

SCHEMA = 1


def describe(model: keras.Model, graph: keras.Model) -> dict[str, Any]:
    """Returns what clients need to know about a model, as JSON values.

    Args:
        model: The model that is exported.
        graph: Its inference graph, which is written.
    """
    import keras_transfer

    metadata = model_info.find(model) or {}
    recorded = metadata.get("input") or {}
    backbone = metadata.get("backbone") or {}
    return {
        "schema": SCHEMA,
        "class_names": metadata.get("class_names"),
        "input": {
            "name": graph.inputs[0].name,
            "shape": list(graph.inputs[0].shape),
            "dtype": graph.inputs[0].dtype,
            "range": recorded.get("range"),
            "channel_order": recorded.get("channel_order"),
        },
        "output": {
            "name": "predictions",
            "shape": list(graph.outputs[0].shape),
            "dtype": graph.outputs[0].dtype,
            "activation": output_activation(model),
        },
        "backbone": {
            key: backbone.get(key)
            for key in ("name", "weights", "sha256", "license")
        },
        "versions": {
            "keras": keras.__version__,
            "keras_transfer": keras_transfer.__version__,
        },
    }
