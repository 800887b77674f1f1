"""Forbidden objects at places of a model file: each pair is a file."""

import copy

STOCK = {"module": "keras.layers", "registered_name": None}


def function(module, name):
    return {
        "class_name": "function",
        "module": module,
        "config": name,
        "registered_name": name,
    }


def lambda_layer(module, name, **arguments):
    return {
        **STOCK,
        "class_name": "Lambda",
        "config": {
            "name": "l",
            "function": function(module, name),
            "arguments": arguments,
        },
    }


def model_that_calls(layer, argument):
    """A model that calls a layer with an argument while Keras builds it."""
    image = {
        **STOCK,
        "class_name": "InputLayer",
        "name": "i",
        "config": {"name": "i", "batch_shape": [None, 2]},
        "inbound_nodes": [],
    }
    node = {"args": [], "kwargs": {"inputs": argument}}
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "registered_name": "Functional",
        "config": {
            "name": "f",
            "layers": [image, {**layer, "name": "l", "inbound_nodes": [node]}],
            "input_layers": [["i", 0, 0]],
            "output_layers": [["i", 0, 0]],
        },
    }


SAVED_MODEL = {
    **STOCK,
    "class_name": "TFSMLayer",
    "config": {"name": "t", "filepath": "/tmp/saved"},
}
OBJECTS = {
    "setting": model_that_calls(
        lambda_layer("keras.config", "set_floatx"), "float64"
    ),
    "saved_model": model_that_calls(SAVED_MODEL, 1),
    "lambda": lambda_layer("keras.utils", "get_file", origin="x"),
    "bytecode": {"class_name": "__lambda__", "config": {"value": "4wE="}},
    "function": function("keras.config", "enable_unsafe_deserialization"),
    "module_and_another_name": {
        "class_name": "Lambda",
        "registered_name": "keras_transfer>LinearHead",
        "config": {"name": "l", "function": function("keras.ops", "abs")},
    },
    "false_model_info": {
        "class_name": "X",
        "registered_name": "keras_transfer>ModelInfo",
        "y": lambda_layer("keras.config", "set_epsilon", value=1),
    },
    "true_model_info": {
        "class_name": "ModelInfo",
        "module": "keras_transfer.structure.model_info",
        "registered_name": "keras_transfer>ModelInfo",
        "config": {
            "name": "m",
            "metadata": {},
            "more": lambda_layer("keras.config", "set_image_data_format"),
        },
    },
}


def within(name, *keys):
    """A place in the entry of a layer, made where it is not there."""

    def put(parts, thing):
        item = parts.layer(name)
        for key in keys[:-1]:
            item = (
                item.setdefault(key, {}) if isinstance(key, str) else item[key]
            )
        item[keys[-1]] = thing

    return put


def compiled(*keys):
    def put(parts, thing):
        item = parts.config["compile_config"]
        for key in keys[:-1]:
            item = item[key]
        item[keys[-1]] = thing

    return put


def value_of(name, key):
    """A value that Keras makes something of, in the arguments of a call."""

    def put(parts, thing):
        config = {"dtype": "float32"} if name == "__numpy__" else {}
        if name == "__slice__":
            config = {"start": None, "stop": None, "step": None}
        config[key] = thing
        value = {"class_name": name, "config": config}
        parts.layer("bn")["inbound_nodes"][0]["kwargs"]["mask"] = value

    return put


def wrapped(class_name, key, in_list=False):
    def put(parts, thing):
        parts.add_layer(
            **STOCK,
            class_name=class_name,
            config={"name": "w", key: [thing] if in_list else thing},
        )

    return put


def wrapper_in_wrapper(parts, thing):
    inner = {
        **STOCK,
        "class_name": "TimeDistributed",
        "config": {"name": "b", "layer": thing},
    }
    wrapped("TimeDistributed", "layer")(parts, inner)


PLACES = {
    "call_of_model_info": within(
        "model_info", "inbound_nodes", 0, "kwargs", "training"
    ),
    "beside_model_info": within("model_info", "build_config"),
    "settings_of_model_info": within("model_info", "config", "dtype"),
    "metadata": within("model_info", "config", "metadata", "history", "loss"),
    "call_of_the_head": within("head", "inbound_nodes", 0, "kwargs", "mask"),
    "settings_of_the_head": within("head", "config", "activation"),
    "call_of_a_layer": within("conv", "inbound_nodes", 0, "kwargs", "x"),
    "build": within("conv", "build_config", "input_shape"),
    "compilation_of_a_layer": within("conv", "compile_config", "loss"),
    "initializer": within("conv", "config", "kernel_initializer"),
    "regularizer": within("bn", "config", "gamma_regularizer"),
    "policy": within("conv", "config", "dtype"),
    "unknown_setting": within("depthwise", "config", "unknown"),
    "optimizer": compiled("optimizer"),
    "learning_rate": compiled("optimizer", "config", "learning_rate"),
    "loss": compiled("loss"),
    "metrics": compiled("metrics"),
    "slice": value_of("__slice__", "start"),
    "array": value_of("__numpy__", "value"),
    "time_distributed": wrapped("TimeDistributed", "layer"),
    "pipeline": wrapped("Pipeline", "layers", in_list=True),
    "rnn_cell": wrapped("RNN", "cell"),
    "wrapper_in_wrapper": wrapper_in_wrapper,
}


def change(put, thing):
    def apply(parts):
        # Each file has an object of its own.
        put(parts, copy.deepcopy(thing))

    return apply


CASES = {
    f"{name}_at_{place}": (change(PLACES[place], OBJECTS[name]), ", at .")
    for place in PLACES
    for name in OBJECTS
}
