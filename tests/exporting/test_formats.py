"""Every format runs in its own runtime, without Keras, as Keras does."""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.trial import outputs_of
from keras_transfer.exporting.trial import trial_images
from tests.exporting import networks

# What a client writes who has only the runtime. That of a stock file has Keras;
# tests/exporting/test_stock_model.py has him.
CLIENTS = {
    "onnx": (
        "import onnxruntime\n"
        "session = onnxruntime.InferenceSession(path)\n"
        "run = lambda x: session.run(['predictions'], {'image': x})[0]\n"
    ),
    "tf_saved_model": (
        "import tensorflow as tf\n"
        "loaded = tf.saved_model.load(path)\n"
        "run = lambda x: loaded.serve(x).numpy()\n"
    ),
    "litert": (
        "from ai_edge_litert.interpreter import Interpreter\n"
        "runner = Interpreter(path).get_signature_runner('serving_default')\n"
        "run = lambda x: list(runner(image=x).values())[0]\n"
    ),
    "openvino": (
        "import openvino\n"
        "options = {'INFERENCE_PRECISION_HINT': 'f32'}\n"
        "net = openvino.Core().compile_model(path, 'CPU', options)\n"
        "run = lambda x: net(x)['predictions']\n"
    ),
}
MODULES = ("keras_transfer", "keras", "tensorflow", "onnx", "tf2onnx")


@pytest.fixture(params=CLIENTS)
def format(request):
    for name in FORMATS[request.param].packages:
        pytest.importorskip(name)
    return request.param


def path_for(format, folder):
    return folder / f"model{FORMATS[format].suffix}"


def test_a_client_with_the_runtime_alone_gets_the_same(
    format, classifier, tmp_path
):
    model = classifier(class_names=["ant", "bee", "wasp"])
    path = path_for(format, tmp_path)
    exported = kt.export(model, path)
    assert exported.format == format
    assert exported.trial.difference <= FORMATS[format].tolerance
    images = trial_images(model)
    np.save(tmp_path / "in.npy", images)
    own = {"tensorflow"} if format == "tf_saved_model" else set()
    forbidden = sorted({*MODULES} - own)
    code = (
        f"import sys\nfor name in {forbidden}: sys.modules[name] = None\n"
        f"import numpy as np\npath = {str(path)!r}\n"
        f"{CLIENTS[format]}"
        f"x = np.load({str(tmp_path / 'in.npy')!r})\n"
        "y = np.concatenate([run(x[:1]), run(x[1:])])\n"
        f"np.save({str(tmp_path / 'out.npy')!r}, y)\n"
    )
    # OpenVINO reports its import to a server unless it runs in CI.
    environment = {**os.environ, "CI": "true"}
    subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=120, env=environment
    )
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npy"),
        outputs_of(model, images),
        atol=1e-5,
    )


def test_the_sidecar_describes_and_identifies_the_file(classifier, tmp_path):
    model = classifier(class_names=["ant", "bee", "wasp"])
    exported = kt.export(model, tmp_path / "m", "tf_saved_model")
    assert exported.sidecar == tmp_path / "m.json"
    record = json.loads(exported.sidecar.read_text())
    assert record["class_names"] == ["ant", "bee", "wasp"]
    assert record["input"] == {
        "name": "image",
        "shape": [None, 16, 16, 3],
        "dtype": "float32",
        "range": [0, 255],
        "channel_order": "rgb",
    }
    assert record["output"]["activation"] == "softmax"
    assert record["batch_norms"] == {"folded": 3, "kept": 0}
    assert record["trial"]["batch_sizes"] == [1, 3, 8]
    assert "m/saved_model.pb" in record["files"]
    written = {
        file.relative_to(tmp_path).as_posix()
        for file in (tmp_path / "m").rglob("*")
        if file.is_file()
    }
    assert {*record["files"]} == written
    for name, entry in record["files"].items():
        data = (tmp_path / name).read_bytes()
        assert entry["bytes"] == len(data)
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()


def test_formats_with_room_for_it_hold_the_description(classifier, tmp_path):
    onnx = pytest.importorskip("onnx")
    for name in FORMATS["onnx"].packages:
        pytest.importorskip(name)
    model = classifier(class_names=["ant", "bee", "wasp"])
    kt.export(model, tmp_path / "m.onnx")
    file = onnx.load(tmp_path / "m.onnx")
    properties = {p.key: json.loads(p.value) for p in file.metadata_props}
    assert properties["class_names"] == ["ant", "bee", "wasp"]
    assert properties["input"]["range"] == [0, 255]
    assert [i.name for i in file.graph.input] == ["image"]
    assert [o.name for o in file.graph.output] == ["predictions"]
    assert file.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    kinds = {node.op_type for node in file.graph.node}
    assert not kinds & {"BatchNormalization", "Dropout", "RandomUniformLike"}


def test_openvino_holds_the_description(classifier, tmp_path):
    openvino = pytest.importorskip("openvino")
    model = classifier(class_names=["ant", "bee", "wasp"])
    kt.export(model, tmp_path / "m.xml")
    network = openvino.Core().read_model(tmp_path / "m.xml")
    names = network.get_rt_info(["keras_transfer", "class_names"])
    assert json.loads(names.astype(str)) == ["ant", "bee", "wasp"]


def test_openvino_is_imported_without_its_telemetry():
    pytest.importorskip("openvino")
    code = (
        "import sys\n"
        "from keras_transfer.exporting.formats import FORMATS\n"
        "print(FORMATS['openvino'].runtime())\n"
        "assert 'openvino_telemetry' not in sys.modules\n"
        "import openvino_telemetry\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("openvino 20")


def attention():
    return networks.transformer()


def residual():
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, padding="same")(image)
    for _ in range(2):
        y = keras.layers.BatchNormalization()(x)
        y = keras.layers.Conv2D(8, 3, padding="same")(keras.layers.ReLU()(y))
        y = keras.layers.BatchNormalization()(y)
        x = keras.layers.Concatenate()([x, keras.layers.ReLU()(y)])
    return keras.Model(image, x)


def normalizing():
    image = keras.Input((16, 16, 3))
    x = keras.layers.Normalization()(image)
    return keras.Model(image, networks.convolutional()(x))


@pytest.mark.parametrize("network", [attention, residual, normalizing])
def test_onnx_of_every_kind_of_network(network, classifier, tmp_path):
    for name in FORMATS["onnx"].packages:
        pytest.importorskip(name)
    model = classifier(network())
    exported = kt.export(model, tmp_path / "m.onnx")
    assert exported.trial.difference < 1e-4
    # Those before a convolution stay, the others go into one.
    expected = {"residual": (2, 2), "normalizing": (3, 0)}
    assert (exported.folded, exported.kept) == expected.get(
        network.__name__, (0, 0)
    )


def test_what_onnx_cannot_express_is_one_sentence(tmp_path, caplog):
    for name in FORMATS["onnx"].packages:
        pytest.importorskip(name)
    image = keras.Input((8, 8, 3))
    x = keras.ops.erfinv(keras.layers.Rescaling(1 / 256)(image))
    x = keras.layers.GlobalAveragePooling2D()(x)
    with pytest.raises(ValueError, match="does not know how to express.*Erfin"):
        kt.export(keras.Model(image, x), tmp_path / "m.onnx")
    assert not any(tmp_path.iterdir())


def test_an_onnx_file_that_wants_more_than_images_is_refused(tmp_path):
    for name in FORMATS["onnx"].packages:
        pytest.importorskip(name)
    image = keras.Input((8, 8, 3))
    layer = keras.layers.Normalization(axis=(1, 2, 3))
    model = keras.Model(image, keras.layers.Flatten()(layer(image)))
    layer.adapt(np.random.default_rng(0).uniform(0, 255, (9, 8, 8, 3)))
    with pytest.raises(ValueError, match="has 3 inputs"):
        kt.export(model, tmp_path / "m.onnx")
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "efficientnet_b0",
        "densenet121",
        "resnet50",
        "mobilenet_v3_small",
        "convnext_tiny",
        "googlenet",
    ],
)
@pytest.mark.parametrize("format", FORMATS)
def test_published_architectures(name, format, assets, tmp_path):
    for package in FORMATS[format].packages:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    backbone = kt.create_backbone(name, weights=None, input_shape=(64, 64, 3))
    model = networks.lively(
        kt.build_model(backbone, kt.heads.LinearHead(3, dropout=0.2))
    )
    exported = kt.export(
        model, path_for(format, tmp_path), data=assets / "hymenoptera/val"
    )
    assert exported.trial.images == 32
    assert exported.trial.same_best == 32


@pytest.mark.parametrize("suffix", [".onnx", ".tflite", ".xml"])
def test_a_layer_that_a_converter_does_not_know_is_one_sentence(
    tmp_path, suffix
):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Resizing(6, 6, antialias=True),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    with pytest.raises(ValueError, match="(?s)how to express.*ScaleAndTrans"):
        kt.export(model, tmp_path / f"model{suffix}")
    assert list(tmp_path.iterdir()) == []
