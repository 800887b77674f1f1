import keras
import numpy as np
import pytest

import keras_transfer as kt


def googlenet(size):
    return kt.create_backbone(
        "googlenet", weights=None, input_shape=(size, size, 3)
    )


def auxiliary_heads(num_classes, **arguments):
    return {
        layer: kt.heads.AuxiliaryHead(num_classes, **arguments)
        for layer in ("inception_4a", "inception_4d")
    }


@pytest.fixture(scope="module")
def full():
    return kt.create_backbone("googlenet", weights=None)


def module_parameters(backbone, name):
    return sum(
        layer.count_params()
        for layer in backbone.layers
        if layer.name.startswith(f"inception_{name}_")
    )


def test_it_has_the_parameters_of_the_paper(full):
    assert module_parameters(full, "3a") == 163_696
    assert full.count_params() == 5_973_552
    model = kt.build_model(full, kt.heads.LinearHead(1000, dropout=0.4))
    assert model.count_params() == 6_998_552


def test_its_auxiliary_heads_have_those_of_the_paper(full):
    model = kt.build_model(full, kt.heads.LinearHead(1000, dropout=0.4))
    training = kt.with_auxiliary_heads(model, auxiliary_heads(1000))
    assert training.count_params() == 13_378_280
    assert kt.without_auxiliary_heads(training).count_params() == 6_998_552
    widths = [
        head.projection.kernel.shape[2]
        for head in training.get_layer("auxiliary_heads").heads.values()
    ]
    assert widths == [512, 528]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("conv_1", (112, 112, 64)),
        ("conv_2", (56, 56, 192)),
        ("inception_3a", (28, 28, 256)),
        ("inception_3b", (28, 28, 480)),
        ("inception_4a", (14, 14, 512)),
        ("inception_4b", (14, 14, 512)),
        ("inception_4c", (14, 14, 512)),
        ("inception_4d", (14, 14, 528)),
        ("inception_4e", (14, 14, 832)),
        ("inception_5a", (7, 7, 832)),
        ("inception_5b", (7, 7, 1024)),
    ],
)
def test_maps_have_the_published_shapes(full, layer, shape):
    assert full.get_layer(layer).output.shape[1:] == shape


def test_stages_end_with_their_resolution(full):
    declared = kt.stages_of(full)
    assert [stage.reduction for stage in declared] == [2, 4, 8, 16, 32]
    assert declared == kt.detect_stages(full)


def test_it_trains_on_photographs_with_its_auxiliary_heads(assets, tmp_path):
    """A few steps; what is left afterwards computes the same without them."""
    train, validation = kt.data.from_directory(
        assets / "hymenoptera" / "train",
        image_size=(64, 64),
        batch_size=8,
    )
    model = kt.build_model(
        googlenet(64),
        kt.heads.LinearHead(2, dropout=0.4),
        class_names=train.class_names,
    )
    training = kt.with_auxiliary_heads(
        model, auxiliary_heads(2, hidden_units=(32,))
    )
    kt.compile_for_transfer(training, "adam", learning_rate=1e-3)
    parts = [training.get_layer(n) for n in ("googlenet", "auxiliary_heads")]
    before = [part.get_weights() for part in parts]
    history = training.fit(
        train,
        steps_per_epoch=4,
        epochs=1,
        validation_data=validation,
        validation_steps=1,
        verbose=0,
    ).history
    # Three classifiers that know nothing yet: 1 + 0.3 + 0.3 times log 2.
    assert 0.9 < history["loss"][0] < 1.6
    assert history["val_loss"][0] < 0.9
    for part, old_weights in zip(parts, before, strict=True):
        for old, new in zip(old_weights, part.get_weights(), strict=True):
            assert np.isfinite(new).all()
            assert (old != new).any()

    images = next(iter(validation))[0]
    outputs = training.predict(images, verbose=0)
    inference = kt.without_auxiliary_heads(training)
    assert not any("auxiliary" in layer.name for layer in inference.layers)
    assert inference.count_params() == 5_973_552 + 2_050
    kt.save_model(inference, tmp_path / "m.keras")
    for other in (
        model,
        inference,
        keras.saving.load_model(tmp_path / "m.keras"),
    ):
        np.testing.assert_array_equal(other.predict(images, verbose=0), outputs)


def test_the_traced_prediction_has_no_auxiliary_operation():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("looks at a graph of TensorFlow")
    model = kt.build_model(googlenet(32), kt.heads.LinearHead(2))
    training = kt.with_auxiliary_heads(
        model, auxiliary_heads(2, hidden_units=(8,))
    )

    def operations(**arguments):
        traced = tf.function(lambda x: training(x, **arguments))
        graph = traced.get_concrete_function(
            tf.TensorSpec((None, 32, 32, 3))
        ).graph
        return [op.type for op in graph.get_operations()]

    # Each module has 6 convolutions, the stem 3, each auxiliary head one.
    assert operations().count("Conv2D") == 57
    assert operations(training=True).count("Conv2D") == 59
