"""What holds for each of the models of keras.applications."""

import contextlib
import inspect
import re

import keras
import numpy as np

import keras_transfer as kt
from keras_transfer.saving import weights
from keras_transfer.structure import stages

from . import known_stages


def build_reference(application, tmp_path, monkeypatch):
    """Builds what Keras's documentation builds, on the backbone's weights.

    Keras asks for its published file and is handed that of the backbone.

    Returns:
        The model, and the arguments with which Keras asked for the file.
    """
    file = tmp_path / "backbone.weights.h5"
    with as_published(application.backbone):
        application.backbone.save_weights(file)
    asked = []

    def get_file(*arguments, **options):
        asked.append((arguments, options))
        return str(file)

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    factory = getattr(keras.applications, application.factory)
    shape = (application.size, application.size, 3)
    # NASNet insists on its own size unless it is given a tensor.
    inputs = (
        {"input_tensor": keras.Input(shape)}
        if application.factory.startswith("NASNet")
        else {"input_shape": shape}
    )
    reference = factory(include_top=False, weights="imagenet", **inputs)
    file.unlink()
    return keras.Model(reference.inputs[0], reference.output), *asked


@contextlib.contextmanager
def as_published(backbone):
    """Takes back what is done to a published file's weights after loading."""
    published = backbone.get_weights()
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Normalization):
            mean, variance, count = layer.get_weights()
            layer.set_weights([mean, np.sqrt(variance), count])
    yield
    weights.assign_weights(backbone, published)


def preprocess(application, images):
    factory = getattr(keras.applications, application.factory)
    module = inspect.getmodule(factory).__name__.rpartition(".")[2]
    return getattr(keras.applications, module).preprocess_input(images)


def test_it_computes_what_keras_documents(application, tmp_path, monkeypatch):
    reference, asked = build_reference(application, tmp_path, monkeypatch)
    images = application.images.astype("float32")
    before = images.copy()
    features = np.asarray(application.both(images)[0])
    np.testing.assert_array_equal(images, before)
    expected = np.asarray(reference(preprocess(application, images.copy())))
    assert np.isfinite(expected).all()
    assert (expected[0] != expected[1]).any()
    scale = max(1, np.abs(expected).max())
    for received in (features, application.features):
        np.testing.assert_allclose(
            received / scale, expected / scale, atol=1e-5
        )

    (file_name, url), options = asked
    source = application.spec.weights["imagenet"]
    if callable(source):
        source = source((application.size, application.size, 3))
    assert (source.file_name, source.url) == (file_name, url)
    assert options["cache_subdir"] == "models"
    assert (source.sha256 or source.md5) == options.get("file_hash")
    assert source.license


def test_a_saved_classifier_gives_bit_equal_outputs(application, tmp_path):
    path = tmp_path / "model.keras"
    application.model.save(path)
    revived = keras.saving.load_model(path)
    path.unlink()
    assert application.outputs.shape == (2, 3)
    np.testing.assert_array_equal(
        np.asarray(revived(application.images)), application.outputs
    )


def test_stages_share_out_the_weights(application):
    backbone = application.backbone
    declared = kt.stages_of(backbone)
    parts = stages.partition(backbone, declared)
    assert [s.name for s in declared] == [n for n, _ in application.spec.stages]
    shared_out = []
    for stage in declared:
        weights = [
            id(weight)
            for operation in parts[stage.name]
            for weight in getattr(operation, "weights", ())
        ]
        assert weights, f"{stage.name} holds no weights"
        shared_out += weights
    assert sorted(shared_out) == sorted(id(w) for w in backbone.weights)
    end = keras.Model(
        backbone.input, backbone.get_layer(declared[-1].last_layer).output
    )
    assert end.output is backbone.output


def test_stages_go_from_fine_to_coarse(application):
    reductions = [
        stage.reduction for stage in kt.stages_of(application.backbone)
    ]
    assert reductions == sorted(reductions)
    assert reductions[-1] == 32


def test_declared_stages_are_those_detected_or_better(application):
    short = application.name.partition("/")[2]
    declared = {
        stage.last_layer for stage in kt.stages_of(application.backbone)
    }
    found = kt.detect_stages(application.backbone)
    detected = {stage.last_layer for stage in found}
    better, worse, _ = known_stages.difference(short)
    for name in declared - detected:
        assert any(part in name for part in better), name
    for name in detected - declared:
        assert worse is not None, name
        assert re.fullmatch(worse, name), name
    # An entry that explains nothing has outlived its reason.
    for part in better:
        assert any(part in name for name in declared - detected), part
    if short in known_stages.DETECTED:
        ends = {stage.reduction: stage.last_layer for stage in found}
        assert ends == known_stages.DETECTED[short]


def test_the_known_stages_are_of_applications_that_exist():
    known = {f"applications/{name}" for name in known_stages.DETECTED}
    assert known <= {*kt.list_backbones("applications/*")}


def test_layer_names_do_not_depend_on_what_was_built_before(application):
    assert application.backbone.name == application.name.partition("/")[2]
    inputs = [
        layer.name
        for layer in application.backbone.layers
        if isinstance(layer, keras.layers.InputLayer)
    ]
    assert inputs == ["input_layer"]
