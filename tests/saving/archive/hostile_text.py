"""Model files whose JSON, names or settings are not what Keras writes."""

import json

STOCK = {"module": "keras.layers", "registered_name": None}


def config(content):
    """Replaces the configuration, once it has been written."""

    def change(parts):
        parts.members["config.json"] = content(parts.members["config.json"])

    return change


def member(name, content):
    def change(parts):
        parts.members[name] = content

    return change


def keys(count, last):
    pairs = b",".join(b'"k%d":1' % i for i in range(count))
    return config(lambda _: b"{" + pairs + b',"' + last + b'":1}')


def setting(name, **values):
    def change(parts):
        parts.layer(name)["config"].update(values)

    return change


def entry(name, **values):
    def change(parts):
        parts.layer(name).update(values)

    return change


def layer(class_name, **settings):
    def change(parts):
        parts.add_layer(
            **STOCK, class_name=class_name, config={"name": "x", **settings}
        )

    return change


def in_text(old, new):
    return config(lambda text: text.replace(old, new, 1))


LONG = b"[" + b",".join([b"[]"] * 20_000) + b"]"

# Changes of `config.json` as it is written.
MEMBERS = {
    "400000_keys_and_one_twice": (
        keys(400_000, b"k399999"),
        "says 'k399999' twice",
    ),
    "key_of_a_megabyte": (
        config(
            lambda text: (
                text[:-1] + b',"' + b"k" * (1 << 20) + b'":' + LONG + b"}"
            )
        ),
        "says 'k+ of an object",
    ),
    "key_of_a_megabyte_in_settings": (
        config(
            lambda text: text.replace(
                b'"trainable"',
                b'"' + b"k" * (1 << 20) + b'":' + LONG + b',"trainable"',
                1,
            )
        ),
        "has a key of 1048576 letters",
    ),
    "nine_megabytes": (
        config(lambda _: b'{"class_name": "' + b"x" * (9 << 20) + b'"}'),
        "bytes in 'config.json' that would unpack|holds a config.json of",
    ),
    "a_million_values": (
        config(lambda _: b'{"a": [' + b"1," * 1_100_000 + b"1]}"),
        "values in config.json; expected",
    ),
    "300000_objects": (
        config(lambda _: b'{"a": [' + b"{}," * 300_000 + b"1]}"),
        "objects in config.json; expected",
    ),
    "300000_lists_in_the_metadata": (
        member("metadata.json", b'{"a": [' + b"[]," * 300_000 + b"1]}"),
        "objects in metadata.json; expected",
    ),
    "5000_digits": (
        in_text(b'"filters": 4', b'"filters": ' + b"9" * 5000),
        "a number of thousands of digits",
    ),
    "100_digits": (
        in_text(b'"filters": 4', b'"filters": ' + b"9" * 100),
        "holds the number",
    ),
    "nan": (in_text(b'"filters": 4', b'"filters": NaN'), "the number nan"),
    "infinite_scale": (
        in_text(b'"offset": -1', b'"offset": -Infinity'),
        "holds the number -inf",
    ),
    "overflowing_scale": (
        in_text(b'"offset": -1', b'"offset": 1e999'),
        "holds the number inf",
    ),
    "half_of_a_character": (
        in_text(b'"name": "conv"', b'"name": "\\ud800"'),
        "holds half of a character",
    ),
    "half_of_a_character_as_key": (
        in_text(b'"filters": 4', b'"\\uDC00": 4'),
        "holds half of a character",
    ),
    "key_twice_in_disguise": (
        in_text(b'"filters": 4', b'"filters": 4, "\\u0066ilters": 5'),
        "says 'filters' twice",
    ),
    "byte_order_mark": (
        config(lambda text: b"\xef\xbb\xbf" + text),
        "no JSON in config.json",
    ),
    "utf_16": (
        config(lambda text: text.decode().encode("utf-16")),
        "no JSON in config.json",
    ),
    "two_documents": (
        config(lambda text: text + text),
        "no JSON in config.json",
    ),
    "nothing_at_all": (config(lambda _: b""), "no JSON in config.json"),
    "text": (config(lambda _: b'"Functional"'), "holds str in config.json"),
    "number": (config(lambda _: b"1"), "holds int in config.json"),
    "comment": (config(lambda text: text + b"// end"), "no JSON in config"),
    "zeros": (config(lambda _: bytes(1000)), "no JSON in config.json"),
    "metadata_in_utf_16": (
        member("metadata.json", "{}".encode("utf-16")),
        "no JSON in metadata.json",
    ),
    "class_name_of_a_megabyte": (
        in_text(
            b'"class_name": "Conv2D"',
            b'"class_name": "' + b"C" * (1 << 20) + b'"',
        ),
        "whose class 'keras.layers.C+' this version cannot read",
    ),
    "terminal_commands_in_a_name": (
        in_text(b'"class_name": "Conv2D"', b'"class_name": "\\u001b[2J"'),
        r"whose class 'keras.layers.\\x1b.2J'",
    ),
}

VERSION = b'{"keras_version": "3.8.0", "date_saved": "2025-01-01@00:00:00"}'


def of_keras(version, change):
    """A file of another version of Keras, with something of its own."""

    def apply(parts):
        parts.members["metadata.json"] = json.dumps(
            {"keras_version": version}
        ).encode()
        change(parts)

    return apply


# Changes of the configuration.
SETTINGS = {
    # Classes and modules that do not belong together.
    **{
        f"module_{number}": (
            entry("conv", module=module, registered_name=None),
            sentence,
        )
        for number, (module, sentence) in enumerate(
            [
                ("keras.src.layers.layer_test", "none of those of Keras"),
                ("keras.src.layers.core.dense_test", "none of those of Keras"),
                ("keras.src.saving.saving_lib", "none of those of Keras"),
                ("keras.src.backend", "none of those of Keras"),
                ("keras.utils", "none of those of Keras"),
                ("keras.config", "none of those of Keras"),
                ("keras.saving", "none of those of Keras"),
                ("keras.ops", "none of those of Keras"),
                ("keras..layers", "none of those of Keras"),
                ("keras.layers\n", "none of those of Keras"),
                ("os", "needs the class 'Conv2D'"),
                ("keras_hub.layers", "needs the class 'Conv2D'"),
                ("tensorflow.keras.layers", "needs the class 'Conv2D'"),
                ("", "needs the class 'Conv2D'"),
                (None, "needs the class 'Conv2D'"),
            ]
        )
    },
    "no_module": (
        lambda p: p.layer("conv").pop("module"),
        "names the class 'Conv2D' of no module",
    ),
    "our_class_of_no_module": (
        lambda p: p.layer("head").pop("module"),
        "names the class 'LinearHead' of no module",
    ),
    "our_class_of_another_module": (
        entry("head", module="evil"),
        "passes 'evil.LinearHead' off as 'keras_transfer>LinearHead'",
    ),
    "our_class_by_another_name": (
        entry("head", class_name="Lambda"),
        "off as 'keras_transfer>LinearHead'",
    ),
    "name_of_a_module_that_is_a_list": (
        entry("conv", module=["keras"]),
        "names the 'module'",
    ),
    "registered_name_that_is_an_object": (
        entry("conv", registered_name={}),
        "names the 'registered_name'",
    ),
    "shared_object_of_a_list": (
        entry("conv", shared_object_id=[]),
        "names the 'shared_object_id'",
    ),
    "unknown_key_of_an_object": (
        entry("conv", quantize_config=1),
        "says 'quantize_config' of an object",
    ),
    "settings_that_are_a_list": (
        entry("conv", config=[]),
        "names the 'config'",
    ),
    "settings_that_are_text": (entry("bn", config="x"), "holds no settings"),
    "build_that_is_text": (entry("bn", build_config="x"), "'build_config'"),
    # Names of objects where Keras writes objects.
    "registered_name_as_activation": (
        setting("conv", activation="keras_transfer>ModelInfo"),
        "names 'keras_transfer>ModelInfo' and no object of it",
    ),
    "registered_name_as_initializer": (
        setting("conv", kernel_initializer="keras_transfer>MLPHead"),
        "and no object of it",
    ),
    "registered_name_in_a_list": (
        lambda p: p.config["compile_config"].update(
            metrics=["keras_transfer>TransferOptimizer"]
        ),
        "and no object of it",
    ),
    # Files that layers read.
    **{
        f"{name}_reads_{key}": (
            layer(name, **{key: "/etc/hostname"}),
            "reads the file '/etc/hostname'",
        )
        for name in ("StringLookup", "IntegerLookup", "TextVectorization")
        for key in ("vocabulary", "idf_weights")
    },
    "lookup_in_a_wrapper": (
        layer(
            "TimeDistributed",
            layer={
                **STOCK,
                "class_name": "IntegerLookup",
                "config": {"name": "l", "vocabulary": "/dev/zero"},
            },
        ),
        "reads the file '/dev/zero'",
    ),
    # Lists that Keras makes of a number.
    "a_billion_ngrams": (
        layer("TextVectorization", ngrams=10**9),
        "asks for 1000000000 ngrams of a TextVectorization",
    ),
    "a_billion_thresholds": (
        lambda p: p.config["compile_config"].update(
            metrics=[
                {
                    "module": "keras.metrics",
                    "class_name": "AUC",
                    "registered_name": None,
                    "config": {"num_thresholds": 10**9},
                }
            ]
        ),
        "asks for 1000000000 num_thresholds of a AUC",
    ),
    # What ModelInfo says.
    "setting_of_model_info": (
        setting("model_info", batch_size=3),
        "lets ModelInfo say 'batch_size', which this version does not know",
    ),
    "metadata_of_a_later_version": (
        lambda p: p.layer("model_info")["config"]["metadata"].update(mood=1),
        "lets ModelInfo say 'mood'",
    ),
    "metadata_that_is_a_list": (
        setting("model_info", metadata=[]),
        "holds no proper metadata of ModelInfo",
    ),
    "class_names_that_are_a_number": (
        lambda p: p.layer("model_info")["config"]["metadata"].update(
            class_names=3
        ),
        "lets ModelInfo hold no proper 'class_names'",
    ),
    "metadata_40_deep": (
        lambda p: p.layer("model_info")["config"]["metadata"].update(
            history=json.loads('{"a":' * 40 + "1" + "}" * 40)
        ),
        "lets ModelInfo say too much",
    ),
    # What the unknown is.
    "class_of_keras_3.8": (
        of_keras(
            "3.8.0",
            entry("conv", class_name="OldConv", registered_name=None),
        ),
        "written by Keras 3.8.0, whose class 'keras.layers.OldConv' this",
    ),
    "class_of_keras_4": (
        of_keras(
            "4.1.0",
            entry("conv", class_name="NewConv", registered_name=None),
        ),
        "written by Keras 4.1.0, whose class .* cannot read.*pip install -U",
    ),
    "setting_of_keras_4": (
        of_keras("4.1.0", setting("conv", lanes=3)),
        "was written by Keras 4.1.0 and cannot be read by 3.*"
        "'conv' of class Conv2D: unexpected argument 'lanes'",
    ),
    "setting_of_keras_2": (
        of_keras("2.15.0", setting("conv", lanes=3)),
        "written by Keras 2.15.0 .*unexpected argument 'lanes'.*convert",
    ),
    "operation_of_keras_2": (
        lambda p: p.add_layer(
            module="tf_keras.layers",
            class_name="TFOpLambda",
            registered_name="TFOpLambda",
            config={"name": "t", "function": "math.add"},
        ),
        "holds a TFOpLambda layer, which is an operation of Keras 2",
    ),
    # Settings that Keras does not take, with the cause that it buries.
    "unexpected_argument": (
        setting("conv", depth=3),
        "'conv' of class Conv2D: unexpected argument 'depth'",
    ),
    "missing_argument": (
        lambda p: p.layer("conv")["config"].pop("kernel_size"),
        "class Conv2D.*'kernel_size'",
    ),
    "unknown_activation": (
        setting("conv", activation="mood"),
        "Could not interpret activation function identifier: mood",
    ),
    "unknown_padding": (setting("conv", padding="mood"), "mood"),
    "unknown_policy": (setting("conv", dtype="mood"), "mood"),
    "negative_stride": (setting("conv", strides=[0, 0]), "strides"),
    "optimizer_that_is_a_number": (
        lambda p: p.config["compile_config"].update(optimizer=3),
        "optimizer",
    ),
    "shape_that_does_not_fit": (
        lambda p: p.layer("bn")["build_config"].update(input_shape=[None, 6]),
        "of layer .bn. is incompatible with the layer",
    ),
}
