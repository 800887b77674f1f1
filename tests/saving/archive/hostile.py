"""Hostile and damaged model files: each a change of a sound one.

Every entry of a table is what it is called, how it is made and what the
refusal says. The changes of tables are functions of `Parts`; those of `FILES`
write the file themselves.
"""

import base64
import json
import marshal
import stat
import warnings
import zipfile

import h5py
import numpy as np

from .hostile_graphs import call

LAYER = {"module": "keras.layers", "registered_name": None}
CODE = base64.b64encode(marshal.dumps((lambda x: x).__code__)).decode()
LAMBDA = {"class_name": "__lambda__", "config": {"value": CODE}}


def function(module, name, registered=None):
    return {
        "class_name": "function",
        "module": module,
        "config": name,
        "registered_name": registered or name,
    }


def activation(value):
    """Makes the first convolution use something as its activation."""

    def change(parts):
        parts.layer("conv")["config"]["activation"] = value

    return change


def lambda_layer(**config):
    def change(parts):
        config.setdefault("name", "run")
        parts.add_layer(**LAYER, class_name="Lambda", config=config)

    return change


def layer(module, name, registered=None, /, **config):
    def change(parts):
        parts.add_layer(
            module=module,
            class_name=name,
            registered_name=registered,
            config={"name": "added", **config},
        )

    return change


def setting(name, /, **config):
    def change(parts):
        parts.layer(name)["config"].update(config)

    return change


def entry(name, **values):
    def change(parts):
        parts.layer(name).update(values)

    return change


NOT_STOCK = "which is none of those of Keras that only compute"
NO_FUNCTION = "which is no activation, loss or metric of Keras"
NOT_HERE = "which nothing installed declares"

CONFIGURATIONS = {
    # Code in the file, and code that it names.
    "lambda_bytecode": (lambda_layer(function=LAMBDA), "holds a Lambda layer"),
    "lambda_output_shape": (
        lambda_layer(function="relu", output_shape=LAMBDA),
        "holds a Lambda layer",
    ),
    "lambda_as_activation": (activation(LAMBDA), "bytecode of a Python lambda"),
    "lambda_in_a_loss": (
        lambda p: p.config["compile_config"].update(loss=LAMBDA),
        "bytecode of a Python lambda",
    ),
    "os_system_function": (activation(function("os", "system")), NO_FUNCTION),
    "os_system_class": (layer("os", "system", command="true"), NOT_HERE),
    "subprocess_class": (layer("subprocess", "Popen", args=["true"]), NOT_HERE),
    "builtins_eval": (activation(function("builtins", "eval")), NO_FUNCTION),
    "builtins_open_class": (layer("builtins", "open", file="x"), NOT_HERE),
    "unsafe_deserialization": (
        activation(function("keras.config", "enable_unsafe_deserialization")),
        NO_FUNCTION,
    ),
    "get_file": (activation(function("keras.utils", "get_file")), NO_FUNCTION),
    "get_file_class": (layer("keras.utils", "get_file", origin="x"), NOT_STOCK),
    "nested_load_model": (
        layer("keras.saving", "load_model", filepath="x", safe_mode=False),
        NOT_STOCK,
    ),
    "func_load": (
        activation(function("keras.src.utils.python_utils", "func_load")),
        NO_FUNCTION,
    ),
    "set_global_attribute": (
        layer("keras.src.backend.common.global_state", "set_global_attribute"),
        NOT_STOCK,
    ),
    "deserialize_by_name": (
        activation(function("keras.activations", "deserialize")),
        NO_FUNCTION,
    ),
    "builtins_get": (activation(function("builtins", "get")), NO_FUNCTION),
    "saved_model_layer": (
        layer("keras.layers", "TFSMLayer", filepath="x"),
        "a TFSMLayer layer",
    ),
    "torch_layer": (
        layer("keras.layers", "TorchModuleWrapper", module="x"),
        "a TorchModuleWrapper layer",
    ),
    "jax_layer": (layer("keras.layers", "JaxLayer"), "a JaxLayer layer"),
    "flax_layer": (layer("keras.layers", "FlaxLayer"), "a FlaxLayer layer"),
    "lambda_runs_a_saved_model": (
        lambda_layer(
            function=function("keras.layers", "TFSMLayer"),
            arguments={"call_endpoint": "serve"},
        ),
        "holds a Lambda layer",
    ),
    "lambda_changes_a_setting": (
        lambda_layer(function=function("keras.config", "set_floatx")),
        "holds a Lambda layer",
    ),
    "lambda_opens_a_file": (
        lambda_layer(function=function("keras.utils", "load_img")),
        "holds a Lambda layer",
    ),
    "lambda_in_time_distributed": (
        layer(
            "keras.layers",
            "TimeDistributed",
            layer={**LAYER, "class_name": "Lambda", "config": {"name": "l"}},
        ),
        "holds a Lambda layer",
    ),
    "lambda_by_private_module": (
        layer("keras.src.layers.core.lambda_layer", "Lambda"),
        "holds a Lambda layer",
    ),
    "while_loop": (
        layer("keras.src.ops.core", "WhileLoop"),
        "which calls a function",
    ),
    "map_operation": (
        layer("keras.src.ops.core", "Map"),
        "which calls a function",
    ),
    "callback_as_class": (
        layer("keras.callbacks", "BackupAndRestore", backup_dir="x"),
        NOT_STOCK,
    ),
    "type_specification": (
        activation({"class_name": "__typespec__", "config": []}),
        "names the 'config' ..",
    ),
    "object_array": (
        activation(
            {"class_name": "__numpy__", "config": {"value": 1, "dtype": "O"}}
        ),
        "values of type 'O'",
    ),
    "class_without_a_name": (
        activation({"class_name": ["Dense"], "config": {}}),
        "names the class",
    ),
    # Files, names and shadows.
    "vocabulary_path": (
        layer("keras.layers", "StringLookup", vocabulary="/etc/hostname"),
        "reads the file '/etc/hostname'",
    ),
    "shadow_of_a_known_name": (
        entry("conv", registered_name="keras_transfer>LinearHead"),
        "passes 'keras_transfer>LinearHead' off as a class of Keras",
    ),
    "shadow_of_an_unknown_name": (
        entry("conv", registered_name="evil>Dense"),
        "passes 'evil>Dense' off as a class of Keras",
    ),
    "shadow_without_a_package": (
        entry("conv", registered_name="Dense"),
        NOT_STOCK,
    ),
    "unknown_package": (
        layer("evil", "Layer", "evil>Layer"),
        "needs the class 'evil>Layer'.*" + NOT_HERE,
    ),
    "keras_hub": (
        layer("keras_hub.src.models", "Backbone", "keras_hub>Backbone"),
        "needs the class 'keras_hub>Backbone' .of 'keras_hub.src.models'",
    ),
    "class_of_a_later_keras": (
        layer("keras.layers", "MindReader"),
        "keras.layers.MindReader.*pip install -U",
    ),
    "layer_name_that_climbs": (
        setting("conv", name="../../x"),
        "names a layer '../../x'",
    ),
    "layer_name_of_another_type": (
        setting("conv", name=["x"]),
        "without a proper name",
    ),
    # More than is stored.
    "dense_of_3e9_units": (
        layer("keras.layers", "Dense", units=3_000_000_000),
        "does not say what shape it is built for",
    ),
    "dense_that_is_built": (
        lambda p: p.add_layer(
            **LAYER,
            class_name="Dense",
            config={"name": "big", "units": 3_000_000_000},
            build_config={"input_shape": [None, 4]},
        ),
        "at least, where [0-9]+ are stored",
    ),
    "convolution_of_1e9_filters": (
        setting("conv", filters=1_000_000_000),
        "at least, where [0-9]+ are stored",
    ),
    "kernel_of_1e6_pixels": (
        setting("conv", kernel_size=[1000, 1000]),
        "at least, where [0-9]+ are stored",
    ),
    "depthwise_multiplier": (
        setting("depthwise", depth_multiplier=10_000_000),
        "at least, where [0-9]+ are stored",
    ),
    "embedding_of_1e12": (
        layer("keras.layers", "Embedding", input_dim=10**6, output_dim=10**6),
        "at least, where [0-9]+ are stored",
    ),
    "input_of_1e18_pixels": (
        layer("keras.layers", "InputLayer", batch_shape=[None, 10**9, 10**9]),
        "takes inputs of",
    ),
    "units_1e30": (setting("conv", filters=1e30), "which is no size"),
    "units_below_zero": (setting("conv", filters=-5), "which is no size"),
    "units_as_text": (setting("conv", filters="8"), "which is no size"),
    "3000_unused_layers": (
        lambda p: [
            p.add_layer(
                **LAYER, class_name="ReLU", config={"name": f"relu_{i}"}
            )
            for i in range(3000)
        ],
        "lists 30[0-9]+ layers and stores the weights of",
    ),
    "2000_operations": (
        lambda p: [
            p.add_layer(
                module="keras.src.ops.numpy",
                class_name="Absolute",
                registered_name=None,
                config={"name": f"abs_{i}"},
            )
            for i in range(2000)
        ],
        "lists 2000 operations",
    ),
    "graph_cycle": (
        lambda p: p.layer("bn").update(
            inbound_nodes=[call(("depthwise", 0)), call(("bn", 0))]
        ),
        "calls the layer 'bn' with what is never computed",
    ),
    "no_class_at_all": (
        lambda p: p.config.pop("class_name"),
        "holds no model in config.json",
    ),
    "later_schema": (
        lambda p: p.layer("model_info")["config"]["metadata"].update(schema=99),
        "a later keras_transfer .schema 99.*pip install -U",
    ),
}


def text(name, content):
    def change(parts):
        parts.members[name] = content

    return change


def nested(levels):
    return (
        b'{"class_name": "Model", "module": "keras", "config": {"a": '
        + b"[" * levels
        + b"]" * levels
        + b"}"
    )


# Written as they are, after `config.json` has been written.
MEMBERS = {
    "no_config": (lambda p: p.members.pop("config.json"), "has no config.json"),
    "no_metadata": (
        lambda p: p.members.pop("metadata.json"),
        "has no metadata.json",
    ),
    "no_weights": (
        lambda p: p.members.pop("model.weights.h5"),
        "has no model.weights.h5",
    ),
    "config_is_no_json": (text("config.json", b"{"), "no JSON in config.json"),
    "config_is_no_text": (
        text("config.json", b"\xff\xfe{}"),
        "no JSON in config.json",
    ),
    "config_is_a_list": (text("config.json", b"[]"), "expected an object"),
    "metadata_is_null": (text("metadata.json", b"null"), "expected an object"),
    "nested_200000_times": (
        text("config.json", nested(200_000) + b"}"),
        "too deeply to be read",
    ),
    "nested_500_times": (
        text("config.json", nested(500) + b"}"),
        "nests config.json deeper than",
    ),
    "key_twice": (
        lambda p: text(
            "config.json",
            b'{"class_name": "Lambda", ' + p.members["config.json"][1:],
        )(p),
        "says 'class_name' twice",
    ),
    "weights_are_no_hdf5": (
        text("model.weights.h5", b"nothing of the kind"),
        "holds damaged weights",
    ),
    "weights_cut_short": (
        lambda p: text(
            "model.weights.h5", p.members["model.weights.h5"][:-3000]
        )(p),
        "holds damaged weights",
    ),
    "pickle_beside": (
        text("assets/../x.pkl", b"x"),
        r"holds the member 'assets/\.\./x\.pkl'",
    ),
    "npz_weights": (
        lambda p: p.members.update(
            {"model.weights.npz": p.members.pop("model.weights.h5")}
        ),
        "holds the member 'model.weights.npz'",
    ),
    "traversal": (text("../evil.txt", b"x"), r"holds the member '\.\./evil"),
    "absolute": (text("/tmp/evil.txt", b"x"), "holds the member '/tmp/evil"),
    "drive": (text("assets/C:/x", b"x"), "holds the member 'assets/C:/x'"),
    "backslash": (text("assets\\x", b"x"), "holds the member"),
    "program": (text("setup.py", b"x"), "holds the member 'setup.py'"),
    "case_twice": (
        lambda p: p.members.update({"assets/a": b"1", "assets/A": b"2"}),
        "holds 'assets/A' twice",
    ),
    "too_many_members": (
        lambda p: p.members.update({f"assets/{i}": b"" for i in range(5000)}),
        "expected 4096 at most",
    ),
}


def replaced(name, **options):
    """Stores a tensor under the name of another, with options of h5py."""

    def change(file):
        place = file["layers/functional/layers/conv2d/vars"]
        del place["0"]
        place.create_dataset(name, **options)

    return change


def linked(link):
    def change(file):
        del file["layers/functional/layers/conv2d/vars"]["0"]
        file["layers/functional/layers/conv2d/vars"]["0"] = link

    return change


def virtual(file):
    layout = h5py.VirtualLayout(shape=(3, 3, 3, 4), dtype="f4")
    source = h5py.VirtualSource("other.h5", "x", shape=(3, 3, 3, 4))
    layout[:] = source
    place = file["layers/functional/layers/conv2d/vars"]
    del place["0"]
    place.create_virtual_dataset("0", layout)


def cycle(file):
    file["layers/functional/layers/again"] = file["layers"]


def chain(file):
    group = file
    for _ in range(100):
        group = group.create_group("deeper")


def shape_bomb(shape):
    # Late allocation: the file stays small whatever it declares.
    def change(file):
        place = file["layers/functional/layers/conv2d/vars"]
        del place["0"]
        space = h5py.h5s.create_simple(shape)
        h5py.h5d.create(place.id, b"0", h5py.h5t.NATIVE_FLOAT, space)

    return change


TENSORS = {
    "soft_link": (linked(h5py.SoftLink("/vars")), "is a SoftLink"),
    "external_link": (linked(h5py.ExternalLink("o.h5", "/x")), "ExternalLink"),
    "group_link": (
        lambda f: f.__setitem__("g", h5py.SoftLink("/layers")),
        "'/g' is a SoftLink",
    ),
    "external_storage": (
        replaced(
            "0", shape=(4,), dtype="f4", external=[("/etc/passwd", 0, 16)]
        ),
        "in another file",
    ),
    "virtual_tensor": (virtual, "in another file"),
    "bomb_of_8_gib": (shape_bomb((1 << 31,)), "declares 8589934592 bytes"),
    "bomb_of_2_gib": (shape_bomb((1 << 29,)), "declares 2147483648 bytes"),
    "bomb_that_wraps_around": (
        shape_bomb((1 << 32, 1 << 32)),
        "declares 73786976294838206464 bytes",
    ),
    "text_tensor": (replaced("0", data=np.array([b"ab"])), "has the type"),
    "variable_text": (replaced("0", data=["ab", "c"]), "has the type"),
    "compound_tensor": (
        replaced("0", data=np.zeros(3, [("a", "i1"), ("b", "i1")])),
        "has the type",
    ),
    "empty_tensor": (replaced("0", data=h5py.Empty("f4")), "holds nothing"),
    "compressed_tensor": (
        replaced("0", data=np.zeros((99, 99)), compression="gzip"),
        "compressed or separate pieces",
    ),
    "committed_type": (
        lambda f: f.__setitem__("t", np.dtype("f4")),
        "'/t' is no tensor",
    ),
    "cycle_of_groups": (cycle, "stored once and named twice"),
    "chain_of_groups": (chain, "lies too deep"),
    "tensor_of_another_shape": (
        replaced("0", data=np.zeros((3, 3, 3, 5), "f4")),
        "cannot be read by Keras",
    ),
    "tensor_missing": (
        lambda f: f["layers/functional/layers/conv2d/vars"].__delitem__("0"),
        "cannot be read by Keras",
    ),
    "nan_weights": (
        replaced("0", data=np.full((3, 3, 3, 4), np.nan, "f4")),
        "NaN or infinite weights in 'layers/functional/layers/conv2d/vars/0'",
    ),
    "infinite_weights": (
        replaced("0", data=np.full((3, 3, 3, 4), np.inf, "f4")),
        "NaN or infinite",
    ),
}


def config_bomb(parts, path):
    parts.config["padding"] = " " * 10_000_000
    parts.write(path, zipfile.ZIP_DEFLATED)


def asset_bombs(parts, path):
    parts.members.update({f"assets/{i}": bytes(5_000_000) for i in range(6)})
    parts.write(path, zipfile.ZIP_DEFLATED)


def weights_bomb(parts, path):
    parts.members["model.weights.h5"] += bytes(30_000_000)
    parts.write(path, zipfile.ZIP_DEFLATED)


def large_config(parts, path):
    parts.members["config.json"] = b'{"a": "%s"}' % (b"x" * (33 << 20))
    parts.write_members(path)


def symbolic_link(parts, path):
    parts.write(path)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("assets/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")


def second_config(parts, path):
    parts.write(path)
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("config.json", json.dumps({"class_name": "Lambda"}))


def other_compression(parts, path):
    parts.write(path, zipfile.ZIP_LZMA)


def truncated(parts, path):
    content = parts.write(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def end_missing(parts, path):
    path.write_bytes(parts.write(path).read_bytes()[:-30])


def bit_flipped(parts, path):
    content = bytearray(parts.write(path).read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def encrypted(parts, path):
    content = parts.write(path).read_bytes()
    # The flag of the first member, here and in the directory at the end.
    content = bytearray(content)
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


FILES = {
    "config_bomb": (config_bomb, "bytes in 'config.json' that would unpack"),
    "asset_bombs": (asset_bombs, "bytes in 'assets/0' that would unpack to"),
    "weights_bomb": (weights_bomb, "'model.weights.h5' that would unpack to"),
    "config_of_33_mb": (large_config, "holds a config.json of"),
    "symbolic_link": (symbolic_link, "'assets/link' as a link"),
    "second_config": (second_config, "holds 'config.json' twice"),
    "other_compression": (other_compression, "in compression 14"),
    "truncated": (truncated, "is damaged, truncated"),
    "end_missing": (end_missing, "is damaged, truncated"),
    "bit_flipped": (bit_flipped, "is damaged, truncated|holds no JSON"),
    "encrypted": (encrypted, "encrypted|is damaged"),
    "empty": (lambda _, path: path.write_bytes(b""), "is damaged, truncated"),
    "picture": (
        lambda _, path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)),
        "is damaged, truncated",
    ),
    "hdf5_in_disguise": (
        lambda _, path: h5py.File(path, "w").close(),
        "is an HDF5 file.*keras-transfer convert",
    ),
    "two_signatures_only": (
        lambda _, path: path.write_bytes(b"PK\x03\x04" * 2),
        "is damaged, truncated",
    ),
}
