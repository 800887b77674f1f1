"""Fewer bits make smaller files, whose accuracy is measured and told."""

import json
import pathlib

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import keras_transfer as kt
from keras_transfer.exporting.accuracy import measure_accuracy
from keras_transfer.exporting.accuracy import spread
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.trial import outputs_of
from keras_transfer.exporting.trial import trial_images
from keras_transfer.serving.opening import open_classifier
from tests.exporting import networks

CLASSES = ["day", "night"]


@pytest.fixture(scope="module")
def wide():
    """A model that is large enough for its weights to make up the file."""
    model = networks.lively(
        kt.build_model(
            networks.convolutional(width=64),
            kt.heads.LinearHead(2),
            class_names=CLASSES,
            preprocessing=kt.Preprocessing.of_mode("tf"),
        )
    )
    head = model.layers[-1].predictions
    head.set_weights([weight / 4 for weight in head.get_weights()])
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Photographs to calibrate on, others to measure on."""
    root = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for purpose in ("calibrate", "measure"):
        for name, brightness in zip(CLASSES, (255, 90), strict=True):
            (root / purpose / name).mkdir(parents=True)
            for number in range(6):
                pixels = brightness * rng.uniform(size=(4, 4, 3))
                keras.utils.save_img(
                    root / purpose / name / f"{number}.png",
                    pixels.repeat(4, 0).repeat(4, 1),
                    scale=False,
                )
    return root / "calibrate", root / "measure"


def size_of(path):
    """Returns the size of what holds the weights."""
    weights = path.with_suffix(".bin")
    return (weights if weights.exists() else path).stat().st_size


@pytest.mark.parametrize(
    ("name", "precision", "calibrated"),
    [
        ("m.tflite", "int8", True),
        ("m.onnx", "int8", True),
        ("m.xml", "float16", False),
        pytest.param("m.onnx", "float16", False, marks=pytest.mark.slow),
        pytest.param("m.tflite", "float16", False, marks=pytest.mark.slow),
        pytest.param("m.tflite", "int8", False, marks=pytest.mark.slow),
    ],
)
def test_fewer_bits_are_smaller_and_still_right(
    wide, folders, tmp_path, caplog, name, precision, calibrated
):
    format = {".tflite": "litert", ".onnx": "onnx", ".xml": "openvino"}
    target = FORMATS[format[pathlib.Path(name).suffix]]
    for package in target.packages:
        pytest.importorskip(package)
    calibrate, measure = folders
    exported = kt.export(
        wide,
        tmp_path / name,
        precision=precision,
        calibrate_on=calibrate if calibrated else None,
        measure_on=measure,
    )
    in_float32 = 4 * wide.count_params()
    assert size_of(exported.path) < in_float32 / 1.5
    # What a client gets is another number than in float32, yet a near one.
    images = trial_images(wide)
    outputs = target.open(exported.path)(images)
    difference = np.abs(outputs - outputs_of(wide, images)).max()
    assert outputs.dtype == "float32"
    assert 1e-6 < difference < {"float16": 0.01, "int8": 0.3}[precision]
    # What serves it finds what it was told to find.
    served = open_classifier(exported.path).values(images)
    np.testing.assert_allclose(served, outputs, atol=1e-6)
    # The tools have no advice left. TensorFlow's own remarks depend on what
    # else the process has done.
    assert not [log for log in caplog.records if log.name != "tensorflow"]
    # The accuracy is that of the file, recounted here.
    record = json.loads(exported.sidecar.read_text())
    assert record["precision"] == precision
    assert record["accuracy"]["exported"] == exported.accuracy.exported
    assert exported.accuracy.images == 12
    assert exported.trial.images == 12


def test_accuracy_is_the_share_of_right_answers(wide, folders):
    _, measure = folders
    paths = kt.data.list_images([measure])
    images = np.stack([kt.data.load_image(path, 16) for path in paths])
    best = wide.predict(images, verbose=0).argmax(-1)
    wrong_on_three = best.copy()
    wrong_on_three[:3] = 1 - best[:3]
    always_first = np.eye(2, dtype="float32")[[0] * 12]
    accuracy = measure_accuracy(
        wide, lambda x: always_first[: len(x)], paths, wrong_on_three
    )
    assert accuracy.model == 9 / 12
    assert accuracy.exported == np.mean(wrong_on_three == 0)
    assert accuracy.difference == accuracy.exported - accuracy.model
    assert accuracy.same == np.sum(best == 0)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("m.onnx", {"precision": "int4"}, "Unknown precision 'int4'"),
        ("m.keras", {"precision": "int8"}, "'stock' does not support int8"),
        ("m", {"precision": "float16"}, "Formats with float16: onnx, litert"),
        ("m.xml", {"precision": "int8"}, "only float32 or float16"),
        ("m.onnx", {"precision": "int8"}, "needs photographs to calibrate"),
        ("m.onnx", {"calibrate_on": "x"}, "Only int8 is calibrated"),
    ],
)
def test_what_a_format_cannot_do_is_said_first(
    wide, tmp_path, name, options, sentence
):
    with pytest.raises(ValueError, match=sentence):
        kt.export(wide, tmp_path / name, **options)
    assert not any(tmp_path.iterdir())


def test_what_calibrates_does_not_measure(wide, folders, tmp_path):
    calibrate, _ = folders
    with pytest.raises(ValueError, match="12 photographs, such as .*share non"):
        kt.export(
            wide,
            tmp_path / "m.tflite",
            precision="int8",
            calibrate_on=calibrate,
            measure_on=calibrate,
        )


def test_folders_that_are_no_classes_are_named(wide, folders, tmp_path):
    calibrate, _ = folders
    with pytest.raises(ValueError, match=r"one subfolder per class.*\['cal"):
        kt.export(wide, tmp_path / "m.keras", measure_on=calibrate.parent)
    nameless = kt.build_model(networks.convolutional(), kt.heads.LinearHead(2))
    with pytest.raises(ValueError, match="has the classes None and outputs"):
        kt.export(nameless, tmp_path / "m.keras", measure_on=calibrate)


@given(st.integers(0, 300), st.integers(1, 120))
def test_photographs_are_drawn_from_all_over_the_list(length, count):
    chosen = spread(list(range(length)), count)
    assert len(chosen) == min(length, count)
    assert chosen == sorted(set(chosen))
    # As many of the first half as of the second.
    first = sum(2 * place < length for place in chosen)
    assert abs(2 * first - len(chosen)) <= 1 + length % 2
