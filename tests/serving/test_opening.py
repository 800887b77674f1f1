"""Model files of every format, opened to classify."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.cli import main
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.sidecar import sidecar_of
from keras_transfer.serving.classifier import check_image_shape
from keras_transfer.serving.opening import format_of
from keras_transfer.serving.opening import open_classifier
from tests.serving.hostile_exports import description
from tests.serving.http_client import photograph

NAMES = {
    "onnx": "model.onnx",
    "litert": "model.tflite",
    "openvino": "model.xml",
    "tf_saved_model": "saved",
    "stock": "stock.keras",
}
# Each export takes seconds; one of a runtime and one of Keras always run.
FORMATS_TRIED = [
    pytest.param(name, marks=() if name in ("litert", "stock") else SLOW)
    for SLOW in [pytest.mark.slow]
    for name in NAMES
]


@pytest.fixture(scope="module")
def exported(model_path, tmp_path_factory):
    """A function that exports the model, once for each format."""
    folder = tmp_path_factory.mktemp("exported")
    model = kt.load_model(model_path)

    def exported(format):
        for name in FORMATS[format].packages:
            pytest.importorskip(name)
        path = folder / NAMES[format]
        if not path.exists():
            kt.export(model, path, format)
        return path

    return exported


@pytest.fixture
def copied(exported, tmp_path):
    """A LiteRT file that a test may spoil."""
    path = exported("litert")
    for file in (path, sidecar_of(path)):
        shutil.copy(file, tmp_path)
    return tmp_path / path.name


def images(count=5):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 16, 16, 3)).astype("uint8")


def test_a_keras_file_gives_what_the_model_gives(model_path, classifier):
    model = kt.load_model(model_path)
    expected = model.predict(images(), verbose=0)
    np.testing.assert_array_equal(
        classifier.values(images()), expected.astype("float64")
    )
    assert classifier.class_names == ("a", "b", "c")


@pytest.mark.parametrize("format", FORMATS_TRIED)
def test_an_exported_file_gives_the_same(format, exported, classifier):
    found = open_classifier(exported(format))
    for count in (1, 5, 2):
        np.testing.assert_allclose(
            found.values(images(count)),
            classifier.values(images(count)),
            atol=1e-3,
        )
    assert found.class_names == classifier.class_names
    assert found.input_shape == classifier.input_shape
    assert found.pixel_range == classifier.pixel_range
    assert found.format == ("keras" if format == "stock" else format)


@pytest.mark.parametrize("units", [1, 2])
@pytest.mark.parametrize("activation", ["auto", None])
def test_one_unit_and_logits_become_probabilities(
    units, activation, tmp_path, tiny_backbone
):
    head = kt.heads.LinearHead(units, activation=activation)
    kt.save_model(
        kt.build_model(tiny_backbone(), head), tmp_path / "model.keras"
    )
    found = open_classifier(tmp_path / "model.keras")
    rows = found.values(np.full((3, 32, 32, 3), 9, "uint8"))
    assert rows.shape == (3, found.width) == (3, 2)
    np.testing.assert_allclose(rows.sum(-1), 1, atol=1e-6)


def test_an_exported_file_is_run_without_keras(copied):
    code = (
        "import sys, numpy as np\n"
        "from keras_transfer.serving.opening import open_classifier\n"
        f"classifier = open_classifier({str(copied)!r})\n"
        "classifier.values(np.zeros((2, 16, 16, 3), 'uint8'))\n"
        "print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_a_changed_file_is_refused(copied):
    with open(copied, "ab") as file:
        file.write(b"\0")
    with pytest.raises(
        ValueError, match=r"the file 'model.tflite' has the sha"
    ):
        open_classifier(copied)


def test_a_file_of_another_export_is_refused(copied):
    sidecar = sidecar_of(copied)
    record = json.loads(sidecar.read_text())
    record["files"] = {"other.tflite": record["files"]["model.tflite"]}
    sidecar.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="'model.tflite' is too much"):
        open_classifier(copied)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "needs its description 'model.tflite.json'.*cannot be read"),
        ("{", "needs its description 'model.tflite.json'.*cannot be read"),
        ("[]", "is no description of an exported file: it lacks input, output"),
        ('{"files": {}}', "it lacks input, output, versions"),
    ],
)
def test_a_file_without_its_description_is_refused(copied, text, sentence):
    if text is None:
        sidecar_of(copied).unlink()
    else:
        sidecar_of(copied).write_text(text)
    with pytest.raises(ValueError, match=sentence):
        open_classifier(copied)


def test_a_runtime_that_is_not_installed_is_named(copied, monkeypatch):
    monkeypatch.setattr(FORMATS["litert"], "reader", "no_such_runtime")
    with pytest.raises(ImportError, match=r"no_such_runtime. Run `pip install"):
        open_classifier(copied)


def test_the_format_is_told_by_the_name(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "config.json").touch()
    for name in ("m.keras", "m.onnx", "m.tflite", "m.xml"):
        (tmp_path / name).touch()
    found = {name: format_of(tmp_path / name) for name in os.listdir(tmp_path)}
    assert found == {
        "saved": "tf_saved_model",
        "keras": "keras",
        "m.keras": "keras",
        "m.onnx": "onnx",
        "m.tflite": "litert",
        "m.xml": "openvino",
    }


@pytest.mark.parametrize("name", ["model.h5", "folder"])
def test_what_is_no_model_file_is_refused(name, tmp_path):
    (tmp_path / "model.h5").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="is not a model file: expected one"):
        format_of(tmp_path / name)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"There is no model file '.*m.keras'"):
        open_classifier(tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [((None, None, 3), "no fixed image size"), ((7,), "does not take images")],
)
def test_a_model_that_takes_no_photographs_is_refused(
    shape, sentence, tmp_path
):
    image = keras.Input(shape)
    output = keras.layers.Dense(2)(image)
    keras.Model(image, output).save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=sentence):
        open_classifier(tmp_path / "m.keras")


def test_a_model_of_two_inputs_is_refused(tmp_path):
    images = [keras.Input((8, 8, 3)) for _ in "ab"]
    flat = [keras.layers.Flatten()(image) for image in images]
    rows = keras.layers.Dense(2)(keras.layers.Concatenate()(flat))
    keras.Model(images, rows).save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="has 2 inputs. Expected one"):
        open_classifier(tmp_path / "m.keras")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A SavedModel of TensorFlow's own making, beside which lies nothing."""
    import tensorflow as tf

    class Network(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec([None, 16, 16, 3], tf.float32)]
        )
        def serve(self, images):
            return tf.reduce_mean(images, axis=(1, 2))

    path = tmp_path_factory.mktemp("saved") / "saved"
    network = Network()
    tf.saved_model.save(
        network, path, signatures={"serving_default": network.serve}
    )
    return path


def test_a_saved_model_without_digests_is_run_only_with_trust(saved, tmp_path):
    with pytest.raises(ValueError, match=r"is code.*\(in Python: trust=True\)"):
        open_classifier(saved)
    found = open_classifier(saved, trust=True)
    assert found.input_shape == (16, 16, 3)
    assert found.class_names is None
    rows = found.values(images())
    np.testing.assert_allclose(rows.sum(-1), 1, atol=1e-6)


def test_commands_and_the_service_take_the_word_for_it(saved, tmp_path, capsys):
    (tmp_path / "image.png").write_bytes(photograph())
    words = ["predict", str(saved), str(tmp_path / "image.png")]
    assert main(words) == 2
    assert "pass --trust" in capsys.readouterr().err
    assert main([*words, "--trust"]) == 0
    assert capsys.readouterr().out.startswith(str(tmp_path / "image.png"))
    with pytest.raises(ValueError, match="which is code"):
        kt.build_service(saved)
    assert kt.build_service(saved, trust=True)


def test_trust_is_no_pardon_for_a_changed_saved_model(saved, tmp_path):
    path = shutil.copytree(saved, tmp_path / "saved")
    record = description([path])
    record["input"]["shape"] = [None, 16, 16, 3]
    sidecar_of(path).write_text(json.dumps(record))
    assert open_classifier(path).class_names == ("ant", "bee", "cat")
    with open(path / "saved_model.pb", "ab") as file:
        file.write(b"\0")
    with pytest.raises(ValueError, match=r"'saved/saved_model.pb' has the sha"):
        open_classifier(path, trust=True)


def test_a_saved_model_that_writes_files_is_run_only_with_trust(tmp_path):
    import tensorflow as tf

    written = tmp_path / "written"

    class Network(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec([None, 16, 16, 3], tf.float32)]
        )
        def serve(self, images):
            def write():
                tf.io.write_file(str(written), "harm")
                return 1.0

            scale = tf.cond(tf.size(images) > 0, write, lambda: 1.0)
            return scale * tf.reduce_mean(images, axis=(1, 2))

    network = Network()
    path = tmp_path / "saved"
    signatures = {"serving_default": network.serve}
    tf.saved_model.save(network, path, signatures=signatures)
    record = description([path])
    record["input"]["shape"] = [None, 16, 16, 3]
    sidecar_of(path).write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"contains WriteFile\. No network"):
        open_classifier(path)
    assert not written.exists()
    open_classifier(path, trust=True).values(images())
    assert written.exists()


def test_a_saved_model_that_is_none_is_a_sentence(tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"no graph" * 9)
    with pytest.raises(ValueError, match=r"'saved' cannot be opened by tensor"):
        open_classifier(tmp_path / "saved", trust=True)
    record = description([tmp_path / "saved"])
    (tmp_path / "saved.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"its saved_model.pb cannot be read"):
        open_classifier(tmp_path / "saved")
    os.truncate(tmp_path / "saved" / "saved_model.pb", 1 << 29)
    record = description([tmp_path / "saved"])
    (tmp_path / "saved.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="a saved_model.pb of 536,870,912 byt"):
        open_classifier(tmp_path / "saved")


def test_a_saved_model_without_its_signature_is_a_sentence(tmp_path):
    import tensorflow as tf

    tf.saved_model.save(tf.Module(), tmp_path / "saved")
    with pytest.raises(ValueError, match="it has no signature 'serving_defaul"):
        open_classifier(tmp_path / "saved", trust=True)


def test_a_link_to_an_export_leads_to_its_description(copied):
    link = copied.parent / "elsewhere" / "latest.tflite"
    link.parent.mkdir()
    link.symlink_to(copied)
    assert open_classifier(link).class_names == ("a", "b", "c")


def test_images_that_fill_the_memory_are_refused():
    assert check_image_shape([2048, 4096, 3], "m") == (2048, 4096, 3)
    with pytest.raises(ValueError, match="m takes images of 100000 by 100000"):
        check_image_shape([100_000, 100_000, 3], "m")


def test_large_images_are_computed_in_smaller_batches(classifier):
    wide = dataclasses.replace(classifier, input_shape=(2048, 2048, 3))
    assert (classifier.batch_size(32), wide.batch_size(32)) == (32, 4)
