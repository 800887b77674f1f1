"""A model of four outputs, each of another task, in every format."""

import csv
import importlib.util
import io
import json

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.cli import main
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.sidecar import sidecar_of
from keras_transfer.serving.opening import open_classifier
from tests.exporting import networks
from tests.serving.http_client import photograph
from tests.serving.http_client import running

TARGETS = {"names": ["length"], "units": ["mm"], "mean": [9.0], "std": [2.0]}
NAMES = ["grade", "size", "species", "tags"]
SUFFIXES = {name: form.suffix or "" for name, form in FORMATS.items()}


def build():
    heads = {
        "species": kt.heads.LinearHead(2),
        "size": kt.heads.MLPHead(1, hidden_units=(4,), task="regression"),
        "tags": kt.heads.LinearHead(3, task="multi_label"),
        "grade": kt.heads.LinearHead(3, task="ordinal"),
    }
    model = kt.build_model(
        networks.convolutional(),
        heads,
        class_names={
            "species": ["ant", "bee"],
            "tags": ["small", "red", "old"],
            "grade": ["low", "middle", "high"],
        },
        thresholds={"tags": [0.5, 0.01, 0.5]},
        targets={"size": TARGETS},
    )
    return networks.lively(model)


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("several") / "m.keras"
    kt.save_model(build(), path)
    return path


@pytest.fixture
def photo(tmp_path):
    (tmp_path / "photo.png").write_bytes(photograph())
    return tmp_path / "photo.png"


def images(count=5):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 16, 16, 3)).astype("uint8")


def test_a_saved_model_knows_its_outputs(model_path):
    model = kt.load_model(model_path)
    outputs = kt.info(model).outputs
    assert sorted(outputs) == NAMES
    assert outputs["species"]["class_names"] == ["ant", "bee"]
    assert outputs["tags"]["task"]["thresholds"] == [0.5, 0.01, 0.5]
    assert outputs["size"]["task"]["targets"] == TARGETS
    assert outputs["size"]["head"]["class"] == "MLPHead"
    labels = kt.predict_labels(model, images())
    found = model.predict(images(), verbose=0)
    assert labels["size"] == [
        {"length": pytest.approx(float(value) * 2 + 9, rel=1e-5)}
        for (value,) in found["size"]
    ]
    reached = found["tags"] >= [0.5, 0.01, 0.5]
    assert [len(tags) for tags in labels["tags"]] == reached.sum(-1).tolist()
    names = np.array(["low", "middle", "high"])
    assert labels["grade"] == names[found["grade"].argmax(-1)].tolist()
    every = kt.predict_labels(model, images(), threshold=0.0)["tags"]
    assert every == 5 * [["small", "red", "old"]]
    told = kt.predict_labels(model, images(), probabilities=True)
    for name in ("grade", "species", "tags"):
        rows = [list(row.values()) for row in told[name]]
        np.testing.assert_allclose(rows, found[name], atol=1e-6)
    assert list(told["tags"][0]) == ["small", "red", "old"]
    assert told["size"] == labels["size"]


def test_one_output_of_several_keeps_its_classes(model_path):
    model = kt.load_model(model_path)
    alone = keras.Model(model.input, model.output["species"])
    assert kt.info(alone).class_names == ["ant", "bee"]
    both = kt.predict_labels(model, images())["species"]
    assert kt.predict_labels(alone, images()) == both


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_says_the_same(format, model_path, tmp_path):
    for package in FORMATS[format].packages:
        pytest.importorskip(package)
    model = kt.load_model(model_path)
    path = tmp_path / f"exported{SUFFIXES[format]}"
    exported = kt.export(model, path, format)
    assert exported.trial.same_best == exported.trial.images
    record = json.loads(exported.sidecar.read_text())
    assert [output["name"] for output in record["outputs"]] == NAMES
    found, known = open_classifier(path), open_classifier(model_path)
    assert found.readings == known.readings
    for count in (1, 5, 2):
        expected = known.values(images(count))
        values = found.values(images(count))
        np.testing.assert_allclose(values, expected, atol=1e-3)
    assert found.describe()["outputs"] == known.describe()["outputs"]


def test_the_command_line_tells_each_output(model_path, photo, capsys):
    assert main(["predict", str(model_path), str(photo)]) == 0
    cells = capsys.readouterr().out.rstrip("\n").split("\t")
    assert [cells.index(name) for name in NAMES] == [1, 4, 8, 11]
    assert cells[5:8:2] == ["length", "mm"]
    assert main(["predict", str(model_path), str(photo), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    length = next(row for row in rows if row["name"] == "length")
    assert (length["output"], length["unit"]) == ("size", "mm")
    assert length["probability"] == ""
    words = ["predict", str(model_path), str(photo), "--json", "--all"]
    assert main(words) == 0
    (told,) = json.loads(capsys.readouterr().out)
    outputs = told["outputs"]
    assert list(outputs) == NAMES
    assert len(outputs["species"]["classes"]) == 2
    assert len(outputs["tags"]["probabilities"]) == 3
    assert outputs["size"]["numbers"][0]["value"] == pytest.approx(
        float(length["value"])
    )


def test_a_threshold_needs_labels(photo, tmp_path, capsys):
    model = kt.build_model(networks.convolutional(), kt.heads.LinearHead(2))
    kt.save_model(model, tmp_path / "m.keras")
    words = [str(tmp_path / "m.keras"), str(photo), "--threshold", "0.3"]
    assert main(["predict", *words]) == 2
    assert "is for models that give several" in capsys.readouterr().err
    with pytest.raises(ValueError, match="`threshold` is for models that"):
        kt.predict_labels(model, images(), threshold=0.5)


def test_a_service_answers_with_all_outputs(model_path):
    pytest.importorskip("uvicorn")
    with running(kt.build_service(model_path)) as service:
        metadata = service.get("/metadata").json
        assert [one["name"] for one in metadata["outputs"]] == NAMES
        assert metadata["class_names"] is None
        metrics = service.get("/metrics").body.decode()
        assert 'keras_transfer_outputs{task="regression"} 1.0' in metrics
        address = "/predict?top=1&all=true&threshold=0.9"
        reply = service.post(photograph(), "image/png", address)
        (told,) = reply.json["predictions"]
        assert list(told["outputs"]) == NAMES
        assert len(told["outputs"]["tags"]["probabilities"]) == 3
        for query in ("threshold=2", "threshold=x", "all=1"):
            reply = service.post(photograph(), "image/png", f"/predict?{query}")
            assert reply.status == 400, query
            assert query.partition("=")[0] in reply.error


def test_explanations_ask_which_output(model_path, photo, tmp_path, capsys):
    words = ["explain", str(model_path), str(photo)]
    words += ["--out", str(tmp_path)]
    assert main(words) == 2
    message = "which one to explain, --output one of grade, size, species, tags"
    assert message in capsys.readouterr().err
    for output, options, name in (
        ("species", ["--class", "bee"], "bee"),
        ("size", [], "length"),
        ("tags", ["--class", "red", "--contrast"], "red"),
        ("grade", ["--class", "high"], "high"),
    ):
        assert main([*words, "--output", output, *options]) == 0
        assert capsys.readouterr().out.split("\t")[1] == name
    assert main([*words, "--output", "spices"]) == 2
    assert "Did you mean 'species'" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:In . of")
def test_a_number_is_explained_by_what_raises_it(model_path):
    model = kt.load_model(model_path)
    pixels = images(2).astype("float32")
    named = kt.saliency(model, pixels, "length", output="size")
    plain = kt.saliency(model, pixels, lambda z: z[:, 0], output="size")
    np.testing.assert_allclose(named, plain, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="A Contrast compares classes"):
        kt.layer_cam(model, pixels, kt.Contrast(0), output="size")
    with pytest.raises(ValueError, match="Unknown class 'mass'"):
        kt.layer_cam(model, pixels, "mass", output="size")


def test_several_numbers_must_be_told_apart():
    targets = {key: 2 * list(value) for key, value in TARGETS.items()}
    targets["names"] = ["length", "width"]
    head = kt.heads.LinearHead(2, task="regression")
    model = kt.build_model(networks.convolutional(), head, targets=targets)
    pixels = images(1).astype("float32")
    with pytest.raises(ValueError, match=r"numbers \['length', 'width'\]"):
        kt.saliency(model, pixels)
    assert kt.saliency(model, pixels, "width").shape == (1, 16, 16)


def test_inspect_shows_tasks_and_outputs(model_path, capsys):
    assert main(["inspect", str(model_path)]) == 0
    shown = capsys.readouterr().out
    assert "regression; length in mm" in shown
    assert "multi label; thresholds 0.5, 0.01, 0.5; 3: small, red" in shown
    assert main(["inspect", str(model_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found["outputs"]] == [
        "species",
        "size",
        "tags",
        "grade",
    ]


@pytest.mark.skipif(
    not importlib.util.find_spec("onnxruntime"), reason="needs onnxruntime"
)
def test_accuracy_is_that_of_the_output_with_the_classes(model_path, tmp_path):
    pytest.importorskip("tf2onnx")
    for name in ("ant", "bee"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(3):
            path = tmp_path / "photos" / name / f"{number}.png"
            path.write_bytes(photograph(number))
    model = kt.load_model(model_path)
    exported = kt.export(
        model, tmp_path / "m.onnx", measure_on=tmp_path / "photos"
    )
    # The same photographs in both folders: half of them are right.
    assert exported.accuracy.model == exported.accuracy.exported == 0.5
    (tmp_path / "photos" / "bee").rename(tmp_path / "photos" / "cow")
    with pytest.raises(ValueError, match="folders are .'ant', 'cow'"):
        kt.export(model, tmp_path / "n.onnx", measure_on=tmp_path / "photos")


def test_outputs_of_a_list_are_exported_by_their_names(tmp_path):
    pytest.importorskip("ai_edge_litert")
    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    kinds = keras.layers.Dense(3, "softmax", name="kind")(x)
    sizes = keras.layers.Dense(1, name="a_size")(x)
    model = networks.lively(keras.Model(image, [kinds, sizes]))
    exported = kt.export(model, tmp_path / "m.tflite")
    found = open_classifier(exported.path)
    assert [reading.name for reading in found.readings] == ["a_size", "kind"]
    size, kind = found.run(images().astype("float32"))
    expected = model.predict(images(), verbose=0)
    np.testing.assert_allclose(kind, expected[0], atol=1e-5)
    np.testing.assert_allclose(size, expected[1], atol=1e-5)
    bad = keras.Model(image, {"a b": kinds, "c": sizes})
    with pytest.raises(ValueError, match=r"Expected names of letters.*'a b'"):
        kt.export(bad, tmp_path / "n.tflite")
    clash = keras.Model(image, {"image": kinds, "c": sizes})
    with pytest.raises(ValueError, match="differ from each other and from"):
        kt.export(clash, tmp_path / "n.tflite")


def test_a_description_without_a_task_is_of_classes(model_path, tmp_path):
    pytest.importorskip("ai_edge_litert")
    model = kt.load_model(model_path)
    tags = keras.Model(model.input, model.output["tags"])
    exported = kt.export(tags, tmp_path / "m.tflite")
    assert open_classifier(exported.path).readings[0].task.kind == "multi_label"
    record = json.loads(exported.sidecar.read_text())
    assert record.pop("task")["kind"] == "multi_label"
    sidecar_of(exported.path).write_text(json.dumps(record))
    old = open_classifier(exported.path)
    assert old.readings[0].task.kind == "classification"
    assert old.class_names == ("small", "red", "old")


def test_not_all_of_thousands_are_told_over_http(tmp_path):
    pytest.importorskip("uvicorn")
    image = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    rows = keras.layers.Dense(1001, "softmax")(x)
    keras.Model(image, rows).save(tmp_path / "m.keras")
    with running(kt.build_service(tmp_path / "m.keras")) as service:
        reply = service.post(photograph(), "image/png", "/predict?all=true")
        assert (reply.status, "1,001 classes" in reply.error) == (400, True)
        reply = service.post(photograph(), "image/png", "/predict?top=1000")
        assert len(reply.json["predictions"][0]["classes"]) == 1000


def test_maps_are_no_labels():
    image = keras.Input((8, 8, 3))
    rows = keras.layers.Conv2D(3, 1, activation="softmax")(image)
    with pytest.raises(ValueError, match=r"the shape \(1, 8, 8, 3\)"):
        kt.predict_labels(keras.Model(image, rows), np.zeros((1, 8, 8, 3)))


def test_gradients_are_those_of_all_losses(model_path):
    model = kt.load_model(model_path)
    kt.compile_for_transfer(model)
    labels = {
        "species": np.array([0, 1]),
        "size": np.array([[0.0], [1.0]]),
        "tags": np.eye(3)[:2],
        "grade": np.array([0, 2]),
    }
    found = kt.weight_gradients(model, images(2).astype("float32"), labels)
    for name in NAMES:
        own = [g for path, g in found.items() if f"head_{name}/" in path]
        assert any(np.abs(gradient).max() > 0 for gradient in own), name
