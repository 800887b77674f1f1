"""Model files whose layers are called in ways that Keras never writes."""

import json

STOCK = {"module": "keras.layers", "registered_name": None}


def call(*tensors, **arguments):
    """The entry of a call of a layer, with outputs of others."""
    return {
        "args": [
            {
                "class_name": "__keras_tensor__",
                "config": {
                    "shape": [None, 6, 6, 4],
                    "dtype": "float32",
                    "keras_history": [name, at, 0],
                },
            }
            for name, at in tensors
        ],
        "kwargs": arguments,
    }


def layer(name, *nodes, class_name="ReLU", **config):
    return {
        **STOCK,
        "class_name": class_name,
        "name": name,
        "config": {"name": name, **config},
        "inbound_nodes": list(nodes),
    }


def model(name, layers, last):
    image = layer("i", class_name="InputLayer", batch_shape=[None, 4])
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "registered_name": "Functional",
        "name": name,
        "config": {
            "name": name,
            "layers": [image, *layers],
            "input_layers": [["i", 0, 0]],
            "output_layers": [last],
        },
        "inbound_nodes": [],
    }


def stored(config):
    def change(parts):
        parts.config = json.loads(json.dumps(config))

    return change


def backwards(count):
    layers = [
        layer(f"r{i}", call((f"r{i - 1}" if i else "i", 0)))
        for i in range(count)
    ]
    return model("m", layers[::-1], [f"r{count - 1}", 0, 0])


def doubling(depth):
    """Models that call each other twice."""
    inner = model("m0", [layer("r", call(("i", 0)))], ["r", 0, 0])
    for number in range(1, depth):
        name = inner["name"]
        inner["inbound_nodes"] = [call(("i", 0)), call((name, 1))]
        inner = model(f"m{number}", [inner], [name, 2, 0])
    return inner


def sequence(count):
    """A `Sequential`, which Keras builds anew for each layer."""
    image = layer("i", class_name="InputLayer", batch_shape=[None, 4])
    layers = [image, *(layer(f"r{i}") for i in range(count))]
    for entry in layers:
        del entry["inbound_nodes"]
    return {
        "module": "keras",
        "class_name": "Sequential",
        "registered_name": None,
        "config": {"name": "s", "layers": layers},
    }


def node(name, change):
    def apply(parts):
        parts.layer(name)["inbound_nodes"] = [change]

    return apply


CASES = {
    "layers_listed_backwards": (
        stored(backwards(500)),
        "in an order in which they cannot be called",
    ),
    "models_that_call_each_other_twice": (
        stored(doubling(18)),
        "calls its layers more than [0-9]+ times",
    ),
    "sequence_of_1000_layers": (
        stored(sequence(1000)),
        "calls its layers more than [0-9]+ times",
    ),
    "call_of_nothing": (
        node("bn", {"args": [], "kwargs": {}}),
        "calls the layer 'bn' without a tensor",
    ),
    "call_of_numbers": (
        node("bn", {"args": [[1.0, 2.0]], "kwargs": {}}),
        "calls the layer 'bn' without a tensor",
    ),
    "call_without_history": (
        node(
            "bn",
            {
                "args": [
                    {
                        "class_name": "__keras_tensor__",
                        "config": {
                            "shape": [None, 1],
                            "dtype": "float32",
                            "keras_history": None,
                        },
                    }
                ],
                "kwargs": {},
            },
        ),
        "calls the layer 'bn' without a tensor",
    ),
    "call_with_an_object": (
        node(
            "bn",
            call(
                ("conv", 0),
                mask={
                    "module": "keras.initializers",
                    "class_name": "Zeros",
                    "config": {},
                },
            ),
        ),
        "calls a layer with an object of the class 'Zeros'",
    ),
    "call_below_zero": (node("bn", call(("conv", -1))), "of no layer"),
    "call_of_a_fraction": (node("bn", call(("conv", 0.5))), "of no layer"),
    "call_of_an_unknown_layer": (
        node("bn", call(("nowhere", 0))),
        "output of the layer 'nowhere', which it does not list",
    ),
    "call_of_itself": (
        node("bn", call(("bn", 0))),
        "calls the layer 'bn' with what is never computed",
    ),
    "call_that_never_comes": (
        node("bn", call(("conv", 7))),
        "calls the layer 'bn' with what is never computed",
    ),
    "call_as_a_list": (node("bn", [["conv"]]), "without a tensor"),
    "call_as_text": (node("bn", "conv"), "without a tensor"),
    "two_layers_of_one_name": (
        lambda p: p.layer("backbone")["config"]["layers"].append(
            layer("bn", call(("conv", 0)))
        ),
        "lists two layers 'bn'",
    ),
    "layer_without_a_name": (
        lambda p: p.layer("bn").pop("name"),
        "lists a layer without a name",
    ),
    "layer_that_is_a_number": (
        lambda p: p.layer("backbone")["config"]["layers"].append(3),
        "lists a layer without a name",
    ),
    "split_in_1e9": (
        lambda p: p.add_layer(
            module="keras.src.ops.numpy",
            class_name="Split",
            registered_name=None,
            config={"name": "s", "indices_or_sections": 10**9, "axis": 1},
        ),
        "asks for 1000000000 indices_or_sections of a Split",
    ),
    "objects_30_deep": (
        lambda p: nested_wrappers(p, 30),
        "nests config.json deeper than",
    ),
}


def nested_wrappers(parts, count):
    inner = layer("r")
    for number in range(count):
        inner = layer(f"w{number}", class_name="TimeDistributed", layer=inner)
    parts.layer("backbone")["config"]["layers"].append(inner)
