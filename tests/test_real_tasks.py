"""Labels, numbers and two outputs on real photographs, the whole way.

Features, labels from the photographs themselves, `fit`, the saved file, the
command line, ONNX, the service: the answers are the same everywhere.
"""

import json

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.cli import main
from tests.serving.http_client import running

SIZE = 112
LABELS = ["bee", "bright", "green"]


@pytest.fixture(scope="module")
def photographs(assets):
    """Paths and pixels of 60 photographs to learn from, and of 40 others."""
    found = []
    for part, count in (("train", 30), ("val", 20)):
        folder = assets / "hymenoptera" / part
        paths = [
            path
            for name in ("ants", "bees")
            for path in sorted((folder / name).glob("*.jpg"))[:count]
        ]
        pixels = np.stack([kt.data.load_image(path, SIZE) for path in paths])
        found.append((paths, pixels))
    return found


def species(pixels):
    """The first half of both parts are ants, the others bees."""
    return np.arange(len(pixels)) // (len(pixels) // 2)


def brightness(pixels):
    return pixels.mean((1, 2, 3), dtype="float64")


def labels(pixels):
    red, green, blue = pixels.mean((1, 2), dtype="float64").T
    green = green - (red + blue) / 2
    columns = [species(pixels), brightness(pixels) > 110, green > 6]
    return np.stack(columns, -1).astype("float32")


def build(heads, **words):
    keras.utils.set_random_seed(0)
    backbone = kt.create_backbone(
        "mobilenet",
        alpha=0.75,
        input_shape=(SIZE, SIZE, 3),
        cut_at="stage_2",  # Deeper features know less of light and colour.
    )
    return kt.build_model(backbone, heads, **words)


def trained(model, x, y, epochs=60):
    kt.compile_for_transfer(model, learning_rate=0.01)
    probe = kt.schedules.LinearProbe()
    kt.fit(model, x, y, epochs=epochs, verbose=0, callbacks=[probe])
    return model


def answers_of(path, paths, capsys, *options):
    """What the command line says of photographs, as JSON."""
    words = ["predict", path, *paths, "--json", *options]
    assert main(list(map(str, words))) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one.pop("image") for one in told] == list(map(str, paths))
    return told


def close(one, other, tolerance):
    """Whether two answers are the same, but for rounding of their numbers."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            close(one[key], other[key], tolerance) for key in one
        )
    if isinstance(one, list):
        pairs = zip(one, other, strict=True)
        return all(close(*pair, tolerance) for pair in pairs)
    if isinstance(one, float):
        return abs(one - other) <= tolerance
    return one == other


def the_whole_way(model, paths, folder, capsys, *options, query="", scale=1):
    """Answers of a model in Keras, saved, on the command line and served."""
    pytest.importorskip("tf2onnx")
    pytest.importorskip("uvicorn")
    kt.save_model(model, folder / "m.keras")
    loaded = kt.load_model(folder / "m.keras")
    assert kt.predict_labels(loaded, paths) == kt.predict_labels(model, paths)
    kt.export(loaded, folder / "m.onnx")
    told = answers_of(folder / "m.keras", paths, capsys, *options)
    exported = answers_of(folder / "m.onnx", paths, capsys, *options)
    assert close(exported, told, 1e-3 * scale)
    for name in ("m.keras", "m.onnx"):
        with running(kt.build_service(folder / name)) as service:
            files = [(path.name, path.read_bytes()) for path in paths]
            reply = service.post_files(*files, path=f"/predict{query}")
        assert reply.status == 200, reply.body
        served = reply.json["predictions"]
        assert [one.pop("image") for one in served] == [p.name for p in paths]
        assert close(served, told, 1e-3 * scale)
    return told


def test_several_labels(photographs, imagenet, tmp_path, capsys):
    (_, x), (paths, others) = photographs
    model = build(
        kt.heads.LinearHead(3, task="multi_label"),
        class_names=LABELS,
        thresholds=[0.5, 0.4, 0.5],
    )
    trained(model, x, labels(x))
    expected = labels(others)
    told = the_whole_way(
        model, paths, tmp_path, capsys, "--all", query="?all=true"
    )
    p = np.array([[q["probability"] for q in t["probabilities"]] for t in told])
    chosen = [[q["label"] for q in t["labels"]] for t in told]
    assert chosen == kt.predict_labels(model, paths)
    reached = p >= [0.5, 0.4, 0.5]
    assert chosen == [[LABELS[i] for i in np.flatnonzero(r)] for r in reached]
    # Better than the most frequent answer for each label.
    constant = np.maximum(expected.mean(0), 1 - expected.mean(0)).mean()
    assert (reached == expected).mean() > constant + 0.1
    lenient = answers_of(tmp_path / "m.onnx", paths, capsys, "--threshold", "0")
    assert all(len(one["labels"]) == 3 for one in lenient)


def test_a_number(photographs, imagenet, tmp_path, capsys):
    (_, x), (paths, others) = photographs
    known, expected = brightness(x), brightness(others)
    targets = {
        "names": ["brightness"],
        "units": ["grey levels"],
        "mean": [known.mean()],
        "std": [known.std()],
    }
    model = build(kt.heads.LinearHead(1, task="regression"), targets=targets)
    scaled = (known[:, None] - known.mean()) / known.std()
    trained(model, x, scaled)
    told = the_whole_way(model, paths, tmp_path, capsys, scale=known.std())
    numbers = [one["numbers"] for one in told]
    assert all(len(n) == 1 and n[0]["unit"] == "grey levels" for n in numbers)
    values = np.array([n[0]["value"] for n in numbers])
    named = [one["brightness"] for one in kt.predict_labels(model, paths)]
    np.testing.assert_allclose(values, named, atol=1e-3 * known.std())
    of_the_mean = np.abs(expected - known.mean()).mean()
    assert np.abs(values - expected).mean() < 0.7 * of_the_mean


def test_a_class_and_a_number(photographs, imagenet, tmp_path, capsys):
    (_, x), (paths, others) = photographs
    known, expected = brightness(x), brightness(others)
    targets = {
        "names": ["brightness"],
        "units": [None],
        "mean": [known.mean()],
        "std": [known.std()],
    }
    heads = {
        "species": kt.heads.LinearHead(2),
        "light": kt.heads.LinearHead(1, task="regression"),
    }
    model = build(
        heads,
        class_names={"species": ["ants", "bees"]},
        targets={"light": targets},
    )
    scaled = (known - known.mean()) / known.std()
    trained(model, x, {"species": species(x), "light": scaled})
    told = the_whole_way(
        model, paths, tmp_path, capsys, query="?top=1", scale=known.std()
    )
    outputs = [one["outputs"] for one in told]
    assert {tuple(one) for one in outputs} == {("light", "species")}
    found = [one["species"]["classes"][0]["class"] for one in outputs]
    assert found == kt.predict_labels(model, paths)["species"]
    names = np.array(["ants", "bees"])[species(others)]
    assert (np.array(found) == names).mean() > 0.6
    values = [one["light"]["numbers"][0]["value"] for one in outputs]
    of_the_mean = np.abs(expected - known.mean()).mean()
    assert np.abs(np.array(values) - expected).mean() < 0.7 * of_the_mean
    record = json.loads((tmp_path / "m.onnx.json").read_text())
    assert [one["name"] for one in record["outputs"]] == ["light", "species"]
    assert "output" not in record
