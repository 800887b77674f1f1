"""One small instance of each class that a model file may hold."""

import importlib
import inspect
import json
import pkgutil

import keras

import keras_transfer as kt
from keras_transfer.saving.archive import stock_names

# What arguments without a default are given, by their names.
_ARGUMENTS = {
    "activation": "relu",
    "alpha": 0.5,
    "axis": -1,
    "axes": (0, 1),
    "boundaries": [1, 2],
    "bin_boundaries": [0.0, 1.0],
    "cell": lambda: keras.layers.LSTMCell(2),
    "cells": lambda: [keras.layers.GRUCell(2), keras.layers.LSTMCell(2)],
    "class_id": 0,
    "cropping": 1,
    "decay_rate": 0.5,
    "decay_steps": 2,
    "default_policy": "float32",
    "dtype": "float32",
    "end": 1,
    "equation": "ab,bc->ac",
    "filters": 2,
    "fn": lambda: keras.losses.mean_squared_error,
    "function": "relu",
    "head_dim": 2,
    "height": 4,
    "initial_learning_rate": 0.1,
    "inner_optimizer": lambda: keras.optimizers.SGD(momentum=0.5),
    "input_dim": 3,
    "kernel_size": 3,
    "key_dim": 2,
    "layer": lambda: keras.layers.LSTM(2),
    "layers": lambda: [keras.layers.ReLU(), keras.layers.Dropout(0.5)],
    "mode": "weight_only",
    "n": 2,
    "num_bins": 3,
    "num_classes": 2,
    "num_heads": 2,
    "num_query_heads": 2,
    "num_key_value_heads": 2,
    "num_tokens": 4,
    "output_dim": 2,
    "output_shape": 2,
    "output_size": 2,
    "padding": 1,
    "policy_map": lambda: {"a": keras.DTypePolicy("mixed_float16")},
    "pool_size": 2,
    "precision": 0.5,
    "rate": 0.5,
    "recall": 0.5,
    "scale": 0.5,
    "sensitivity": 0.5,
    "size": 2,
    "source_dtype": "float32",
    "specificity": 0.5,
    "target_class_ids": [0],
    "target_shape": [2, 2],
    "units": 2,
    "value": 1.0,
    "values": [0.1, 0.2, 0.3],
    "width": 4,
}
_SPECIAL = {
    "ActivityRegularization": {"l1": 0.1},
    "AWQDTypePolicy": {"mode": "awq/4/128", "source_name": "float32"},
    "GPTQDTypePolicy": {"mode": "gptq/4/128", "source_name": "float32"},
    "QuantizedDTypePolicy": {"mode": "int8", "source_name": "float32"},
    "Int4DTypePolicy": {"mode": "int4/-1", "source_name": "float32"},
    "QuantizedFloat8DTypePolicy": {"mode": "float8", "source_name": "float32"},
    "DTypePolicy": {"name": "float32"},
    "FloatDTypePolicy": {"name": "float32"},
    "Conv2D": {
        "filters": 2,
        "kernel_size": 3,
        "kernel_regularizer": "l2",
        "kernel_constraint": "max_norm",
        "activity_regularizer": "l1",
    },
    "Dense": {"units": 2, "dtype": "mixed_float16"},
    "SGD": {"learning_rate": "schedule"},
    "SpectralNormalization": {"layer": "dense"},
    "TimeDistributed": {"layer": "dense"},
    "IntegerLookup": {"vocabulary": [1, 2]},
    "StringLookup": {"vocabulary": ["ant", "bee"]},
    "TextVectorization": {"vocabulary": ["ant", "bee"]},
    "STFTSpectrogram": {"frame_length": 4, "frame_step": 2},
    "CategoryEncoding": {"num_tokens": 4},
    "Discretization": {"bin_boundaries": [0.0, 1.0]},
    "Permute": {"dims": (2, 1)},
    "Resize": {"size": (2, 2)},
    "MultiHot": {"num_classes": 2},
    "InputLayer": {"shape": (2,)},
    "RandomCrop": {"height": 2, "width": 2, "seed": 1},
    "AbsMaxQuantizer": {"axis": -1},
    "Pad": {"pad_width": ((1, 1),)},
    "Muon": {"learning_rate": 0.1},
    "GPTQConfig": {"dataset": ["a"], "tokenizer": len},
    "AWQConfig": {"dataset": ["a"], "tokenizer": len},
    "Array": {},
}


def serialized(instance):
    """Returns what a file would hold of an object."""
    return json.loads(json.dumps(keras.saving.serialize_keras_object(instance)))


def stock_classes():
    """Lists the classes of the installed Keras that a file may hold."""
    allowed = stock_names.LAYERS | stock_names.OPERATIONS | stock_names.PARTS
    found = {}
    rooms = (
        "constraints dtype_policies initializers layers losses metrics ops "
        "optimizers quantizers random regularizers"
    ).split()
    for room in rooms:
        package = importlib.import_module(f"keras.src.{room}")
        for module in pkgutil.walk_packages(
            package.__path__, f"keras.src.{room}."
        ):
            if module.name.endswith(("_test", "feature_space")):
                continue
            for value in vars(importlib.import_module(module.name)).values():
                if (
                    inspect.isclass(value)
                    and hasattr(value, "from_config")
                    and value.__module__ == module.name
                    and value.__name__ in allowed
                ):
                    found[f"{module.name}.{value.__name__}"] = value
    return found


def instance_of(cls):
    """Returns an instance, made with whatever arguments its class needs."""
    given = _SPECIAL.get(cls.__name__, {})
    arguments = {}
    for name, parameter in inspect.signature(cls.__init__).parameters.items():
        is_variadic = parameter.kind in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        )
        if name in given:
            arguments[name] = _made(given[name])
        elif (
            name != "self"
            and not is_variadic
            and parameter.default is parameter.empty
        ):
            arguments[name] = _made(_ARGUMENTS.get(name, 1))
    for name in given.keys() - arguments.keys():
        arguments[name] = _made(given[name])
    return cls(**arguments)


def _made(value):
    if value == "schedule":
        return keras.optimizers.schedules.CosineDecay(0.1, 2)
    if value == "dense":
        return keras.layers.Dense(2)
    return value() if inspect.isfunction(value) else value


def own_objects():
    """Lists instances of the classes that keras_transfer registers."""
    heads = kt.heads
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3, name="conv", activation="relu")(image)
    backbone = keras.Model(image, x, name="backbone")
    model = kt.build_model(
        backbone, heads.LinearHead(2), class_names=["ant", "bee"]
    )
    kt.compile_for_transfer(model)
    return [
        model,
        heads.MLPHead(2, hidden_units=(3,)),
        heads.AttentionPoolHead(2),
        kt.build_extractor(backbone, ["conv"]),
        model.optimizer,
    ]
