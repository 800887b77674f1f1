"""Exported files and descriptions made to do harm, and what becomes of them.

`python -m tests.serving.hostile_exports FOLDER` writes them all, or those whose
names follow, and runs each through `open_classifier`, `predict` and `serve` in
a process of its own; it prints a JSON object for each.
"""

import contextlib
import hashlib
import io
import json
import os
import pathlib
import re
import resource
import shutil
import sys
import time

import numpy as np

# Name of a case: the function that writes it, and what the refusal must say;
# `None` where the file is opened and does no harm.
CASES = {}
SIZE = 8
CLASSES = ["ant", "bee", "cat"]
ESCAPES = "\x1b[2J\x9b31m\u202e\x07\n\r"
PASSWD = "../" * 12 + "etc/passwd"


def case(refusal):
    def register(function):
        CASES[function.__name__] = function, refusal
        return function

    return register


class Export:
    """A sound export in a folder, which a case then spoils."""

    def __init__(self, folder, source):
        self.path = folder / source.name
        for item in (source, *others_of(source)):
            copy = shutil.copytree if item.is_dir() else shutil.copy
            copy(item, folder / item.name)
        self.record = description([self.path, *others_of(self.path)])

    @property
    def sidecar(self):
        return self.path.with_name(self.path.name + ".json")

    def write(self, text=None):
        """Writes the description, by default of the files as they are."""
        if text is None:
            files = description([self.path, *others_of(self.path)])["files"]
            for name in files:
                self.record["files"].setdefault(name, files[name])
            text = json.dumps(self.record)
        text = text if isinstance(text, bytes) else text.encode()
        self.sidecar.write_bytes(text)
        return self.path

    def spoil(self, contents, file=None):
        """Writes other contents, with the digest that belongs to them."""
        file = file or self.path
        file.write_bytes(contents)
        self.record["files"] = {}
        return self.write()

    def spoil_keeping(self, contents):
        """As `spoil`, with the digests that the case has recorded."""
        self.path.write_bytes(contents)
        self.record["files"][self.path.name] = {"sha256": digest(self.path)}
        return self.write(json.dumps(self.record))


def others_of(path):
    return [path.with_suffix(".bin")] if path.suffix == ".xml" else []


def description(items):
    files = [
        file
        for item in items
        for file in ([item] if item.is_file() else sorted(item.rglob("*")))
        if file.is_file()
    ]
    top = items[0].parent
    return {
        "class_names": list(CLASSES),
        "input": {
            "shape": [None, SIZE, SIZE, 3],
            "dtype": "float32",
            "range": [0, 255],
        },
        "output": {"shape": [None, 3], "activation": "softmax"},
        "versions": {"keras": "3.15.1"},
        "trial": {},
        "files": {
            file.relative_to(top).as_posix(): {
                "bytes": file.stat().st_size,
                "sha256": digest(file),
            }
            for file in files
        },
    }


# --- Sound files, made without Keras -------------------------------------


def onnx_model(nodes, initializers=(), size=SIZE, domains=()):
    """Bytes of a network from `image` to `scores`, which may not be one."""
    import onnx
    from onnx import helper

    graph = helper.make_graph(
        nodes,
        "graph",
        [_value("image", ["batch", size, size, 3])],
        [_value("scores", ["batch", 3])],
        list(initializers),
    )
    model = helper.make_model(
        graph,
        opset_imports=[
            helper.make_opsetid("", 17),
            *[helper.make_opsetid(domain, 1) for domain in domains],
        ],
        ir_version=9,
    )
    assert onnx.TensorProto.FLOAT == 1
    return model.SerializeToString()


def _value(name, shape):
    from onnx import helper

    return helper.make_tensor_value_info(name, 1, shape)


def node(kind, inputs, output, **attributes):
    from onnx import helper

    return helper.make_node(kind, inputs, [output], **attributes)


def numbers(name, values, dtype="int64"):
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array(values, dtype), name)


def mean(output="scores"):
    return node("ReduceMean", ["image"], output, axes=[1, 2], keepdims=0)


def external(location, **entries):
    """A weight of three numbers that lie in another file."""
    import onnx

    tensor = onnx.TensorProto(name="w", data_type=1, dims=[3], data_location=1)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return onnx_model([mean("m"), node("Add", ["m", "w"], "scores")], [tensor])


def write_sound(folder):
    """Writes a small classifier in each format that needs no TensorFlow."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "m.onnx").write_bytes(onnx_model([mean()]))
    write_openvino(folder / "m.xml")


def write_openvino(path, side=1):
    from keras_transfer.exporting.formats.openvino import _import_openvino

    openvino = _import_openvino()
    ops = openvino.opset13
    image = ops.parameter([-1, SIZE, SIZE, 3], np.float32, name="image")
    weights = ops.constant(np.ones((1, 1, 1, 3), "float32"))
    many = ops.broadcast(ops.constant(np.float32(1)), np.array([side, side]))
    rows = ops.add(
        ops.reduce_mean(
            ops.multiply(image, weights), np.array([1, 2]), keep_dims=False
        ),
        ops.reduce_max(many, np.array([0, 1]), keep_dims=False),
    )
    openvino.save_model(
        openvino.Model([rows], [image]), path, compress_to_fp16=False
    )


# --- ONNX ----------------------------------------------------------------


def onnx(make):
    """Turns a function of an ONNX export into a case's function."""

    def write(folder, sound):
        return make(Export(folder, sound / "m.onnx"))

    write.__name__ = make.__name__
    return write


@case("is damaged or no ONNX file")
@onnx
def onnx_garbage(export):
    return export.spoil(b"\xff\x01 garbage" * 99)


@case("cannot be opened by onnxruntime|is damaged")
@onnx
def onnx_truncated(export):
    contents = export.path.read_bytes()
    return export.spoil(contents[: len(contents) // 2])


@case("is damaged or no ONNX file")
@onnx
def onnx_empty(export):
    return export.spoil(b"")


@case("is damaged or no ONNX file: it has more than 500,000 fields")
@onnx
def onnx_of_millions_of_fields(export):
    return export.spoil(b"\0\0" * 5_000_000)


@case("it has more than 500,000 fields")
@onnx
def onnx_of_a_terabyte_of_nothing(export):
    with open(export.path, "r+b") as file:
        file.truncate(1 << 40)
    return export.write(json.dumps(export.record))


@case("wants weights from '../../.*Expected a file in its own folder")
@onnx
def onnx_with_weights_outside(export):
    return export.spoil(external(PASSWD, length=12))


@case("wants weights from '/etc/passwd'")
@onnx
def onnx_with_absolute_weights(export):
    return export.spoil(external("/etc/passwd", length=12))


@case("wants weights from 'weights/../")
@onnx
def onnx_with_weights_by_a_detour(export):
    return export.spoil(external("weights/../" + PASSWD, length=12))


@case("wants weights from '\\*/_ORT_MEM_ADDR_/\\*'")
@onnx
def onnx_with_weights_at_an_address(export):
    return export.spoil(external("*/_ORT_MEM_ADDR_/*", offset=4096, length=12))


@case("the file 'w.bin' lies outside of its folder")
@onnx
def onnx_with_weights_behind_a_link(export):
    link = export.path.with_name("w.bin")
    link.symlink_to("/etc/passwd")
    export.record["files"]["w.bin"] = {"sha256": digest("/etc/passwd")}
    return export.spoil_keeping(external("w.bin", length=12))


@case("'w.bin' is not a regular file")
@onnx
def onnx_with_weights_in_a_pipe(export):
    os.mkfifo(export.path.with_name("w.bin"))
    export.record["files"]["w.bin"] = {"sha256": "0" * 64}
    return export.spoil_keeping(external("w.bin", length=12))


@case("the file 'w.bin' is too much")
@onnx
def onnx_with_weights_that_nobody_recorded(export):
    export.path.with_name("w.bin").write_bytes(bytes(12))
    return export.spoil(external("w.bin", length=12))


@case("the file 'w.bin' has the sha256")
@onnx
def onnx_with_other_weights(export):
    export.path.with_name("w.bin").write_bytes(bytes(12))
    export.record["files"]["w.bin"] = {"sha256": "0" * 64}
    return export.spoil_keeping(external("w.bin", length=12))


@case("the file 'w.bin' is missing")
@onnx
def onnx_without_its_weights(export):
    export.record["files"]["w.bin"] = {"sha256": "0" * 64}
    return export.spoil_keeping(external("w.bin", length=12))


@case(None)
@onnx
def onnx_with_weights_beside_it(export):
    weights = export.path.with_name("w.bin")
    weights.write_bytes(bytes(12))
    export.record["files"]["w.bin"] = {"sha256": digest(weights)}
    return export.spoil_keeping(external("w.bin", length=12))


@case("cannot be opened by onnxruntime.*evil")
@onnx
def onnx_with_an_operation_of_a_library(export):
    run = node("Run", ["image"], "scores", domain="evil")
    return export.spoil(onnx_model([run], domains=["evil"]))


@case("cannot be opened by onnxruntime.*40000000000 bytes")
@onnx
def onnx_that_declares_a_weight_of_terabytes(export):
    import onnx

    huge = onnx.TensorProto(name="w", data_type=1, dims=[100_000, 100_000])
    nodes = [
        node("ReduceMax", ["w"], "top", keepdims=0),
        mean("m"),
        node("Add", ["m", "top"], "scores"),
    ]
    return export.spoil(onnx_model(nodes, [huge]))


@case("cannot be (run|opened) by onnxruntime")
@onnx
def onnx_that_makes_a_weight_of_gigabytes(export):
    nodes = [
        node("ConstantOfShape", ["s"], "c"),
        node("ReduceMax", ["c"], "top", keepdims=0),
        mean("m"),
        node("Add", ["m", "top"], "scores"),
    ]
    # Little enough that it would be had, were there no limit.
    shape = numbers("s", [40_000, 32_000])
    return export.spoil(onnx_model(nodes, [shape]))


@case("cannot be (run|opened) by onnxruntime")
@onnx
def onnx_that_repeats_the_image_forever(export):
    nodes = [
        node("Tile", ["image", "r"], "many"),
        node("ReduceMean", ["many"], "scores", axes=[1, 2], keepdims=0),
    ]
    repeats = numbers("r", [1, 40_000, 40_000, 1])
    return export.spoil(onnx_model(nodes, [repeats]))


@case("returned the shape \\(2, 3\\) for 1 images")
@onnx
def onnx_that_returns_other_rows(export):
    nodes = [mean("m"), node("Concat", ["m", "m"], "scores", axis=0)]
    return export.spoil(onnx_model(nodes))


@case("it returns the shape \\(\\), its description says \\(None, 3\\)")
@onnx
def onnx_that_returns_one_number(export):
    nodes = [node("ReduceMean", ["image"], "scores", keepdims=0)]
    return export.spoil(onnx_model(nodes))


@case("it takes the shape \\(None, 16, 16, 3\\) of float32")
@onnx
def onnx_of_other_images(export):
    return export.spoil(onnx_model([mean()], size=16))


@case("NaN or infinit")
@onnx
def onnx_that_returns_nothing_finite(export):
    nodes = [mean("m"), node("Add", ["m", "nan"], "scores")]
    nan = numbers("nan", [np.nan] * 3, "float32")
    return export.spoil(onnx_model(nodes, [nan]))


# --- OpenVINO --------------------------------------------------------------


def openvino(make):
    def write(folder, sound):
        return make(Export(folder, sound / "m.xml"))

    write.__name__ = make.__name__
    return write


@case("cannot be opened by openvino")
@openvino
def openvino_garbage(export):
    return export.spoil(b"<net" * 999)


@case("cannot be opened by openvino")
@openvino
def openvino_truncated(export):
    contents = export.path.read_bytes()
    return export.spoil(contents[: len(contents) // 2])


@case("cannot be opened by openvino")
@openvino
def openvino_with_fewer_weights(export):
    return export.spoil(b"", export.path.with_suffix(".bin"))


@case("the file 'm.bin' is missing")
@openvino
def openvino_without_weights(export):
    export.write()
    export.path.with_suffix(".bin").unlink()
    return export.path


@case("the file 'm.bin' lies outside of its folder")
@openvino
def openvino_with_weights_behind_a_link(export):
    export.write()
    export.path.with_suffix(".bin").unlink()
    export.path.with_suffix(".bin").symlink_to("/etc/passwd")
    return export.path


@case("bytes. Expected 4,294,967,296 at most")
@openvino
def openvino_with_a_terabyte_of_weights(export):
    with open(export.path.with_suffix(".bin"), "r+b") as file:
        file.truncate(1 << 40)
    return export.write(json.dumps(export.record))


@case("cannot be opened by openvino")
@openvino
def openvino_of_entities_in_entities(export):
    entities = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12)
    )
    return export.spoil(
        f'<?xml version="1.0"?><!DOCTYPE n [<!ENTITY e0 "0123456789">'
        f'{entities}]><net name="&e11;" version="11"></net>'.encode()
    )


@case("cannot be opened by openvino")
@openvino
def openvino_with_weights_beyond_the_end(export):
    contents = export.path.read_text()
    return export.spoil(
        re.sub('offset="[0-9]+"', f'offset="{1 << 60}"', contents).encode()
    )


@case("it computes a tensor of the shape \\(100000, 100000\\)")
@openvino
def openvino_that_makes_a_weight_of_terabytes(export):
    write_openvino(export.path, side=100_000)
    export.record["files"] = {}
    return export.write()


# --- SavedModel --------------------------------------------------------------


def saved(make):
    def write(folder, sound):
        path = folder / "saved"
        (path / "variables").mkdir(parents=True)
        (path / "saved_model.pb").write_bytes(b"\x08\x01 not a graph")
        return make(path)

    write.__name__ = make.__name__
    return write


@case("is a SavedModel, which is code.*--trust .in Python: trust=True.")
@saved
def saved_model_without_a_digest(path):
    return path


@case("the file 'saved/assets/more' is too much")
@saved
def saved_model_with_a_file_too_much(path):
    record = description([path])
    (path / "assets").mkdir()
    (path / "assets" / "more").touch()
    path.with_name("saved.json").write_text(json.dumps(record))
    return path


@case("the file 'saved/variables/variables.index' is missing")
@saved
def saved_model_with_a_file_too_few(path):
    (path / "variables" / "variables.index").touch()
    record = description([path])
    (path / "variables" / "variables.index").unlink()
    path.with_name("saved.json").write_text(json.dumps(record))
    return path


@case("the file 'saved/saved_model.pb' has the sha256")
@saved
def saved_model_that_was_changed(path):
    record = description([path])
    (path / "saved_model.pb").write_bytes(b"other")
    path.with_name("saved.json").write_text(json.dumps(record))
    return path


@case("the file 'saved/variables/data' lies outside of its folder")
@saved
def saved_model_with_a_link(path):
    record = description([path])
    (path / "variables" / "data").symlink_to("/etc/passwd")
    record["files"]["saved/variables/data"] = {"sha256": digest("/etc/passwd")}
    path.with_name("saved.json").write_text(json.dumps(record))
    return path


@case("the file 'saved/variables' lies outside of its folder")
@saved
def saved_model_with_a_linked_folder(path):
    record = description([path])
    (path / "variables").rmdir()
    (path / "variables").symlink_to("/etc")
    record["files"]["saved/variables"] = {"sha256": "0" * 64}
    path.with_name("saved.json").write_text(json.dumps(record))
    return path


@case("is a SavedModel, which is code")
@saved
def saved_model_named_as_a_file(path):
    return path.rename(path.with_name("saved.onnx"))


@case("needs its description 'saved.json'.*it is a link")
@saved
def saved_model_with_a_dangling_description(path):
    path.with_name("saved.json").symlink_to("nowhere")
    return path


# --- Files that are none -----------------------------------------------------


@case("is a pipe, a device or a socket")
@onnx
def model_is_a_pipe(export):
    export.write()
    export.path.unlink()
    os.mkfifo(export.path)
    return export.path


@case("is a pipe, a device or a socket")
@onnx
def model_is_a_link_to_a_device(export):
    export.write()
    export.path.unlink()
    export.path.symlink_to("/dev/zero")
    return export.path


@case("is not a model file: expected one named")
@onnx
def model_is_a_folder(export):
    export.write()
    export.path.unlink()
    export.path.mkdir()
    return export.path


@case("There is no model file")
@onnx
def model_is_missing(export):
    export.write()
    export.path.unlink()
    return export.path


@case("There is no model file")
@onnx
def model_is_a_link_to_itself(export):
    export.write()
    export.path.unlink()
    export.path.symlink_to(export.path.name)
    return export.path


@case("needs its description 'passwd.json'|is not a model file")
@onnx
def model_is_a_link_to_another_file(export):
    export.write()
    export.path.unlink()
    export.path.symlink_to("/etc/passwd")
    return export.path


@case("cannot be opened by ai-edge-litert|Flatbuffer")
@onnx
def litert_garbage(export):
    path = export.path.rename(export.path.with_suffix(".tflite"))
    export.path = path
    return export.spoil(b"\x1c\0\0\0TFL3" + b"garbage" * 99)


@case("cannot be opened by ai-edge-litert")
@onnx
def litert_empty(export):
    export.path = export.path.rename(export.path.with_suffix(".tflite"))
    return export.spoil(b"")


# --- Descriptions ------------------------------------------------------------


@case("it is a link; expected the file itself")
@onnx
def description_is_a_link(export):
    other = export.path.with_name("other.json")
    other.write_text(json.dumps(export.record))
    export.sidecar.symlink_to(other)
    return export.path


@case("it is a link")
@onnx
def description_is_a_link_to_a_secret(export):
    export.sidecar.symlink_to("/etc/passwd")
    return export.path


@case("it is a device, a pipe or a folder")
@onnx
def description_is_a_pipe(export):
    os.mkfifo(export.sidecar)
    return export.path


@case("it is a device, a pipe or a folder")
@onnx
def description_is_a_folder(export):
    export.sidecar.mkdir()
    return export.path


@case("needs its description 'm.onnx.json'.*No such file")
@onnx
def description_is_missing(export):
    return export.path


@case("it is larger than 4,194,304 bytes")
@onnx
def description_of_a_terabyte(export):
    export.write()
    with open(export.sidecar, "r+b") as file:
        file.truncate(1 << 40)
    return export.path


TEXTS = {
    "empty": ("", "cannot be read"),
    "nul": ("\0", "cannot be read"),
    "utf16": ("{}".encode("utf-16"), "cannot be read"),
    "bad_utf8": (b'{"class_names": ["\xff"]}', "cannot be read"),
    "list": ("[]", "it lacks input, output, files, versions"),
    "text": ('"model"', "it lacks input"),
    "number": ("1e999", "it lacks input"),
    "null": ("null", "it lacks input"),
    "deep_lists": ("[" * 1_000_000, "nested too deeply"),
    "deep_objects": ('{"a":' * 500_000, "nested too deeply"),
    "empty_lists": (f"[{'[],' * 1_300_000}[]]", "it lacks input"),
    "long_number": ("9" * 100_000, "cannot be read"),
    "nan": ('{"input": NaN}', "NaN, which is no number of JSON"),
    "infinity": ('{"input": -Infinity}', "-Infinity, which is no number"),
    "repeated": ('{"files": {}, "files": {}}', "says 'files' twice"),
    "escaping_key": ('{"\\u001b[2J": 1, "\\u001b[2J": 2}', "says '.*twice"),
}


def _targets(count=3, **changes):
    targets = {
        "names": [str(number) for number in range(count)],
        "units": [None] * count,
        "mean": [0.0] * count,
        "std": [1.0] * count,
    }
    return {**targets, **changes}


def _output(name="scores", **changes):
    return {
        "name": name,
        "shape": [None, 3],
        "activation": "softmax",
        "class_names": CLASSES,
        "task": None,
        **changes,
    }


VALUES = {
    ("class_names",): [
        *([], "abc", 7, {}, [1, 2, 3], [None] * 3, [["a"]] * 3),
        *(["a"], ["a"] * 4, ["a" * 1001] * 3, ["a"] * 100_001),
    ],
    ("input",): [None, [], "x", 7],
    ("input", "shape"): [
        *(None, 7, "8", {}, [], [None], [8, 8, 3], [None, 8, 8, 3.0]),
        *([None, True, 8, 3], [None, -8, -8, 3], [None, 0, 8, 3]),
        *([None, 100_000, 100_000, 3], [None, 8, 8, 10**9], [None, 8, 8, 2]),
        *([None, None, None, 3], [None, 8, 8, 4], [None, 2**40, 1, 3]),
        *([1, 8, 8, 3], [None, "8", "8", "3"], [[None], 8, 8, 3]),
        *([None] * 9, [None, 10**400, 8, 3]),
    ],
    ("input", "dtype"): [
        *(None, 7, [], "object", "S9999999999", "V1000000000", "float32 "),
        *("uint8", "(100000,100000)f4", "datetime64", "complex64"),
    ],
    ("input", "range"): [
        *([], [0], [0, 1, 2], ["0", "1"], [1, 0], [0, 0], [False, True], 7),
        *({}, "01", [None, 1], [0, 10**400], [-1e300, 1e300]),
    ],
    ("output",): [None, [], "x", 7],
    ("output", "shape"): [
        *(None, 7, "3", [], [None], [None, None], [None, 0], [None, -3]),
        *([None, 4], [None, 100_001], [None, 3.0], [None, 1, 3], [None, "3"]),
    ],
    ("output", "activation"): [7, [], {}, True, "s" * 1001],
    ("task",): [
        *([], "regression", 7, {"kind": "guess"}, {"kind": ["multi_label"]}),
        *({"kind": "multi_label", "thresholds": [0.5] * 2}, {"x": 1}),
        {"kind": "multi_label", "thresholds": [0.5, 0.5, 2]},
        {"kind": "multi_label", "thresholds": [0.5, 0.5, 10**400]},
        {"kind": "multi_label", "thresholds": [0.5] * 100_000},
        {"kind": "regression", "targets": {"names": ["a"]}},
        {"kind": "regression", "targets": _targets(names=["a" * 600] * 3)},
        {"kind": "regression", "targets": _targets(std=[0.0] * 3)},
        {"kind": "regression", "targets": _targets(mean=[1e300] * 3)},
        {"kind": "regression", "targets": _targets(units=[1] * 3)},
        {"kind": "regression", "targets": _targets(count=4)},
    ],
    ("outputs",): [
        *(None, [], "x", {}, [{}], [None, None], [{}] * 65),
        *([_output()], [_output(), _output()], [_output(name=None)] * 2),
        *([_output(), _output("")], [_output(), _output("a" * 1001)]),
        [_output(), _output("b", shape=[None, None, 3])],
        [_output(), _output("b", shape=[None, 99_999], class_names=None)],
        [_output(), _output("b", task={"kind": "guess"})],
        [_output(), _output("b", task=7)],
        [_output(), _output("b", class_names=["a"] * 4)],
        [_output(), _output("b")],
        [_output(str(number)) for number in range(64)],
    ],
    ("files",): [
        *(None, [], "x", {}, {"m.onnx": None}, {"m.onnx": {}}),
        *({"m.onnx": {"sha256": 7}}, {"m.onnx": {"sha256": "0" * 63}}),
        *(
            {"m.onnx": {"sha256": "0" * 64}},
            {"other.onnx": {"sha256": "0" * 64}},
        ),
        *({"../m.onnx": {"sha256": "0" * 64}}, {"/etc": {"sha256": "0" * 64}}),
        {str(n): {"sha256": "0" * 64} for n in range(10_001)},
    ],
    ("versions",): [None, [], "x", {"keras": 3}, {"keras": "3" * 1001}],
}


def _with_text(text):
    @onnx
    def write(export):
        return export.write(text)

    return write


def _with_value(keys, value):
    @onnx
    def write(export):
        place = export.record
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        return export.write(json.dumps(export.record))

    return write


for _name, (_text, _refusal) in TEXTS.items():
    CASES[f"description_of_{_name}"] = _with_text(_text), _refusal
for _keys, _values in VALUES.items():
    for _number, _value_ in enumerate(_values):
        CASES[f"{'_'.join(_keys)}_{_number}"] = (
            _with_value(_keys, _value_),
            "is no description of an exported file|is not what was exported"
            "|expected the name|expected 'b'|expected '0'"
            "|takes images of|does not take images|has no fixed image size",
        )


@case(None)
@onnx
def class_names_that_command_the_terminal(export):
    export.record["class_names"] = [name + ESCAPES for name in CLASSES]
    return export.write()


@case(None)
@onnx
def numbers_and_units_that_command_the_terminal(export):
    texts = [f"{number}{ESCAPES}" for number in range(3)]
    targets = _targets(names=texts, units=texts)
    export.record["task"] = {"kind": "regression", "targets": targets}
    export.record["class_names"] = None
    return export.write()


@case(None)
@onnx
def labels_without_a_threshold_of_their_own(export):
    export.record["task"] = {"kind": "multi_label"}
    return export.write()


@case(None)
@onnx
def class_names_that_are_no_text(export):
    export.record["class_names"] = ["\ud800", "\udfff", "\x00"]
    return export.write()


@case(None)
@onnx
def versions_that_command_the_terminal(export):
    export.record["versions"] = {ESCAPES: ESCAPES}
    return export.write()


@case("it lacks files.*|its files is")
@onnx
def file_names_that_command_the_terminal(export):
    export.record["files"] = {ESCAPES: {"sha256": ESCAPES}}
    return export.write(json.dumps(export.record))


@case(None)
@onnx
def sound_onnx(export):
    return export.write()


@case(None)
@openvino
def sound_openvino(export):
    return export.write()


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- Trying them -------------------------------------------------------------


def try_out(name, folder, sound, image):
    """What becomes of a case: texts, exit codes, what it took."""
    from keras_transfer.cli import main
    from keras_transfer.serving.opening import open_classifier
    from keras_transfer.serving.service import build_service

    folder.mkdir()
    path = CASES[name][0](folder, sound)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Of this process, or a busy machine would decide.
    start = time.process_time()
    found = {"case": name}

    def call(function):
        try:
            function()
        except ValueError as error:
            return str(error)
        except BaseException as error:
            return f"UNFORESEEN {type(error).__name__}: {error}"
        return None

    def classify():
        classifier = open_classifier(path)
        images = np.zeros((1, *classifier.input_shape), "uint8")
        if not np.isfinite(classifier.values(images)).all():
            raise ValueError("NaN or infinity")

    found["python"] = call(classify)
    found["service"] = call(lambda: build_service(path))
    # What is opened would be served for ever.
    last = ("predict", path, image, "--json")
    if found["service"] is not None:
        last = ("serve", path, "--port=0")
    words = [("predict", path, image), last]
    found["commands"] = []
    for command in words:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(list(map(str, command)))
        found["commands"].append([code, out.getvalue(), err.getvalue()])
    found["seconds"] = time.process_time() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found["megabytes"] = (after - before) / 1024
    return found


def main_of_tests(folder, names):
    """Tries cases, each in a fork, so that what it takes is its own."""
    # Children have what the parent has imported.
    import onnxruntime  # noqa: F401
    from PIL import Image

    write_sound(folder / "sound")
    image = folder / "image.png"
    Image.new("RGB", (9, 9)).save(image)
    for name in names or CASES:
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            found = try_out(name, folder / name, folder / "sound", image)
            with open(write, "w") as pipe:
                json.dump(found, pipe)
            os._exit(0)
        os.close(write)
        with open(read) as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        print(text or json.dumps({"case": name, "died": status}), flush=True)


if __name__ == "__main__":
    main_of_tests(pathlib.Path(sys.argv[1]), sys.argv[2:])
