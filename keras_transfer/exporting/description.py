"""The description that is exported with a model."""

from typing import Any

import keras

from keras_transfer.checks.outputs import output_activation
from keras_transfer.checks.outputs import outputs_of
from keras_transfer.structure import model_info
from keras_transfer.structure.output_records import output_names
from keras_transfer.structure.output_records import output_records
from keras_transfer.structure.task import Task

SCHEMA = 1


def describe(model: keras.Model, graph: keras.Model) -> dict[str, Any]:
    """Returns what clients need to know about a model, as JSON values.

    Args:
        model: The model that is exported.
        graph: Its inference graph, which is written.
    """
    import keras_transfer

    outputs = _outputs(model, graph)
    if len(outputs) == 1:
        (only,) = outputs
        told = {"class_names": only.pop("class_names")}
        task = only.pop("task")
        after = {"output": {**only, "name": "predictions"}}
        # As it was before there were other tasks.
        if task != Task().to_json():
            after["task"] = task
    else:
        told, after = {"class_names": None}, {"outputs": outputs}
    metadata = model_info.find(model) or {}
    recorded = metadata.get("input") or {}
    backbone = metadata.get("backbone") or {}
    return {
        "schema": SCHEMA,
        **told,
        "input": {
            "name": graph.inputs[0].name,
            "shape": list(graph.inputs[0].shape),
            "dtype": graph.inputs[0].dtype,
            "range": recorded.get("range"),
            "channel_order": recorded.get("channel_order"),
        },
        **after,
        "backbone": {
            key: backbone.get(key)
            for key in ("name", "weights", "sha256", "license")
        },
        "versions": {
            "keras": keras.__version__,
            "keras_transfer": keras_transfer.__version__,
        },
    }


def _outputs(model, graph):
    """What is known of each output, in the order of the graph."""
    records = output_records(model)
    if len(records) == 1:
        return [_output(graph.outputs[0], output_activation(model), records[0])]
    kinds = {output.name: output.kind for output in outputs_of(model)}
    known = {record.name: record for record in records}
    return [
        _output(tensor, kinds[name], known[name])
        for name, tensor in zip(output_names(graph), graph.outputs, strict=True)
    ]


def _output(tensor, kind, record):
    return {
        "name": record.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "activation": kind,
        "class_names": record.class_names,
        "task": (record.task or Task()).to_json(),
    }
