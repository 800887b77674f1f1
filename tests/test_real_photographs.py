"""The main road on real weights and real photographs."""

import keras
import numpy as np
import pytest

import keras_transfer as kt


@pytest.fixture
def model_and_data(assets, imagenet):
    train, validation = kt.data.from_directory(
        assets / "hymenoptera", image_size=96
    )
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, input_shape=(96, 96, 3)
    )
    model = kt.build_model(
        backbone,
        kt.heads.MLPHead(2, hidden_units=(16,)),
        class_names=train.class_names,
    )
    return kt.compile_for_transfer(model), train, validation


def test_two_frozen_epochs_move_the_head_and_nothing_else(model_and_data):
    model, train, _ = model_and_data
    before = [w.numpy().copy() for w in model.weights]
    model.fit(
        train, epochs=2, verbose=0, callbacks=[kt.schedules.LinearProbe()]
    )
    statistics = 0
    for weight, old in zip(model.weights, before, strict=True):
        moved = not np.array_equal(old, weight.numpy())
        assert moved == weight.path.startswith("head"), weight.path
        statistics += "moving" in weight.path
    assert statistics == 54
    assert kt.info(model).schedule == {"schedule": "LinearProbe"}


def test_real_features_are_those_of_kerass_documented_road(
    model_and_data, assets
):
    """Features equal those of Keras's own documented road."""
    model, _, validation = model_and_data
    reference = keras.applications.MobileNet(
        alpha=0.75,
        include_top=False,
        input_shape=(96, 96, 3),
        weights=str(
            assets / "keras_home/models/mobilenet_7_5_224_tf_no_top.h5"
        ),
    )
    images = np.stack(
        [kt.data.load_image(p, 96) for p in validation.file_paths[:4]]
    )
    prepared = keras.applications.mobilenet.preprocess_input(images.copy())
    scaled = keras.Model(model.input, model.get_layer("rescaling").output)
    np.testing.assert_allclose(
        scaled.predict(images, verbose=0), prepared, atol=1e-6
    )
    # Twenty-seven layers make more of the last bit; features go up to 6.
    features = keras.Model(model.input, model.layers[-1].input)
    np.testing.assert_allclose(
        features.predict(images, verbose=0),
        reference.predict(prepared, verbose=0),
        atol=1e-3,
    )


def test_a_saved_classifier_predicts_the_same_photographs(
    model_and_data, tmp_path
):
    model, _, validation = model_and_data
    paths = validation.file_paths[::40]
    kt.save_model(model, tmp_path / "m.keras")
    reloaded = kt.load_model(tmp_path / "m.keras")
    assert kt.predict_labels(reloaded, paths) == kt.predict_labels(model, paths)
    assert kt.info(reloaded).class_names == ["ants", "bees"]
    record = kt.info(reloaded).backbone
    assert record["name"] == "applications/mobilenet"
    assert record["weights"] == "imagenet"
    assert len(record["sha256"]) == 64
