"""The stock model is the same model, and needs only Keras."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.exporting import composites
from keras_transfer.exporting.trial import outputs_of
from keras_transfer.exporting.trial import trial_images
from tests.exporting import networks


def assert_same(model, stock):
    images = trial_images(model)
    expected = outputs_of(model, images)
    assert np.ptp(expected, axis=0).max() > 1e-3
    np.testing.assert_array_equal(outputs_of(stock, images), expected)


def packages_of(model):
    return {type(o).__module__.split(".")[0] for o in model.operations}


@pytest.mark.parametrize(
    "head",
    [
        kt.heads.LinearHead(3, dropout=0.2),
        kt.heads.LinearHead(3, pooling="max"),
        kt.heads.LinearHead(3, pooling="gem"),
        kt.heads.LinearHead(3, pooling="flatten"),
        kt.heads.MLPHead(1, hidden_units=(5, 4), dropout=0.2),
        kt.heads.AttentionPoolHead(3, attention_units=8),
        kt.heads.AttentionPoolHead(3, attention_units=8, gated=False),
        kt.heads.AuxiliaryHead(3),
    ],
    ids=lambda head: type(head).__name__,
)
def test_outputs_are_bit_equal_with_every_head(classifier, head):
    model = classifier(networks.tapped(), head)
    stock = kt.to_stock(model)
    assert packages_of(stock) == {"keras"}
    assert_same(model, stock)


def test_layers_bear_names_that_say_what_they_are(classifier):
    head = kt.heads.AttentionPoolHead(3, attention_units=8)
    names = [layer.name for layer in kt.to_stock(classifier(head=head)).layers]
    assert names[:3] == ["image", "rescaling", "pad"]
    assert "conv_1" in names
    assert names[-1] == "head_predictions"
    assert {"head_pool_hidden", "head_pool_gate", "head_pool_score"} < {*names}


def test_each_layer_is_as_trainable_as_it_was(classifier):
    model = classifier()
    kt.set_trainable(model, ["bn_2", "head"])
    stock = kt.to_stock(model)
    open_layers = {layer.name for layer in stock.layers if layer.trainable}
    assert open_layers & {"conv_1", "bn_1", "bn_2", "head_predictions"} == {
        "bn_2",
        "head_predictions",
    }
    assert len(stock.trainable_weights) == len(model.trainable_weights)


def test_the_model_itself_is_left_as_it_was(classifier):
    model = classifier()
    layers = [*model.layers, *model.layers[-1].steps]
    before = [len(layer._inbound_nodes) for layer in layers]
    stock = kt.to_stock(model)
    assert [len(layer._inbound_nodes) for layer in layers] == before
    stock.layers[-1].set_weights(
        [np.zeros_like(w) for w in stock.layers[-1].get_weights()]
    )
    assert model.layers[-1].predictions.get_weights()[0].any()


def test_auxiliary_heads_are_left_out():
    model = kt.build_model(networks.tapped(), kt.heads.LinearHead(2))
    training = kt.with_auxiliary_heads(
        model, {"low": kt.heads.AuxiliaryHead(2)}
    )
    networks.lively(training)
    stock = kt.to_stock(training)
    assert stock.count_params() == model.count_params()
    assert_same(training, stock)


def test_layers_of_plugins_become_stock_where_they_let_themselves(classifier):
    model = classifier(networks.transformer())
    stock = kt.to_stock(model)
    assert packages_of(stock) == {"keras"}
    assert_same(model, stock)


@keras.saving.register_keras_serializable("test_exporting")
class Opaque(keras.layers.Layer):
    """Asks for a shape that is known only once there is a batch."""

    def call(self, features):
        if isinstance(features, keras.KerasTensor):
            raise TypeError("no symbols, please")
        return 2.0 * features

    def compute_output_spec(self, features):
        return keras.KerasTensor(features.shape, features.dtype)


def test_other_layers_of_plugins_stay_and_are_named(classifier):
    backbone = networks.convolutional()
    backbone = keras.Model(
        backbone.input, Opaque(name="opaque_1")(backbone.output)
    )
    model = classifier(backbone)
    with pytest.warns(UserWarning, match="'opaque_1'.*no symbols, please"):
        stock = kt.to_stock(model)
    assert_same(model, stock)


@keras.saving.register_keras_serializable("test_exporting")
class TwoFaced(Opaque):
    """Computes one thing when called, another when taken apart."""

    def call(self, features):
        is_symbol = isinstance(features, keras.KerasTensor)
        return features * (1.0 if is_symbol else 2.0)


def test_a_layer_that_computes_otherwise_when_taken_apart_is_refused(
    classifier,
):
    backbone = networks.tapped()
    backbone = keras.Model(backbone.input, TwoFaced()(backbone.output))
    with pytest.raises(ValueError, match=r"taken apart \(.*TwoFaced\)"):
        kt.to_stock(classifier(backbone))


def test_weights_too_many_for_a_configuration_stay_in_their_layer(
    classifier, monkeypatch
):
    monkeypatch.setattr(composites, "_LARGEST_CONSTANT", 255)
    model = classifier(networks.transformer())
    with pytest.warns(UserWarning, match="with 256 weights that no layer hol"):
        stock = kt.to_stock(model)
    assert stock.get_layer("positions").count_params() == 256
    assert_same(model, stock)


def test_a_lambda_is_named_for_what_it_is():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(lambda pixels: pixels / 255, name="scale")(image)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    with pytest.warns(UserWarning, match=r"\['scale'\] stay.*\['Lambda'\]"):
        stock = kt.to_stock(model)
    assert_same(model, stock)


def test_shared_and_nested_models_are_resolved():
    inner = networks.convolutional()
    image = keras.Input((16, 16, 3))
    first = inner(image)
    second = inner(keras.layers.Rescaling(0.5)(image))
    x = keras.layers.Concatenate()([first, second])
    other = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            keras.layers.Conv2D(4, 3, name="conv_1"),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    model = networks.lively(keras.Model(image, other(x)))
    stock = kt.to_stock(model)
    assert not any(isinstance(la, keras.Model) for la in stock.layers)
    assert stock.count_params() == model.count_params()
    assert_same(model, stock)


def test_mixed_precision_stays_what_it_was():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        backbone = networks.convolutional()
        model = networks.lively(
            kt.build_model(
                backbone,
                kt.heads.AttentionPoolHead(3, attention_units=8),
                preprocessing=kt.Preprocessing.of_mode("torch"),
            )
        )
        stock = kt.to_stock(model)
    finally:
        keras.config.set_dtype_policy("float32")
    assert stock.get_layer("conv_1").compute_dtype == "float16"
    assert stock.layers[-1].compute_dtype == "float32"
    assert_same(model, stock)


def test_a_head_in_half_precision_on_features_in_full_is_the_same(classifier):
    head = kt.heads.AttentionPoolHead(
        3, attention_units=8, dtype="mixed_float16"
    )
    model = classifier(networks.tapped(), head)
    assert_same(model, kt.to_stock(model))


def test_the_file_loads_where_keras_transfer_cannot_be_imported(
    classifier, tmp_path
):
    model = classifier(
        head=kt.heads.LinearHead(3, pooling="gem"),
        class_names=["ant", "bee", "wasp"],
    )
    path = tmp_path / "stock.keras"
    exported = kt.export(model, path)
    assert exported.format == "stock"
    assert exported.trial.difference < 1e-6
    images = trial_images(model)
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys\n"
        "sys.modules['keras_transfer'] = None\n"
        "import keras, numpy as np\n"
        f"model = keras.saving.load_model({str(path)!r})\n"
        f"images = np.load({str(tmp_path / 'images.npy')!r})\n"
        "outputs = keras.ops.convert_to_numpy(model(images, training=False))\n"
        f"np.save({str(tmp_path / 'outputs.npy')!r}, outputs)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    np.testing.assert_array_equal(
        np.load(tmp_path / "outputs.npy"), outputs_of(model, images)
    )
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read("keras_transfer.json"))
    assert described["class_names"] == ["ant", "bee", "wasp"]


@pytest.mark.parametrize("function", [kt.to_stock, kt.export])
def test_models_that_cannot_be_are_refused(function, tmp_path):
    arguments = (tmp_path / "m.keras",) if function is kt.export else ()

    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    image = keras.Input((4,))
    other = keras.Input((4,))
    two = keras.Model([image, other], keras.layers.Add()([image, other]))
    with pytest.raises(ValueError, match="has no graph"):
        function(Subclassed(), *arguments)
    with pytest.raises(ValueError, match="has 2 inputs and 1 outputs"):
        function(two, *arguments)
    with pytest.raises(TypeError, match="must be a keras.Model"):
        function("model.keras", *arguments)


def test_several_outputs_keep_their_names(tmp_path):
    heads = {"kind": kt.heads.LinearHead(2), "size": kt.heads.LinearHead(3)}
    model = networks.lively(kt.build_model(networks.convolutional(), heads))
    stock = kt.to_stock(model)
    assert sorted(stock.output) == ["kind", "size"]
    images = trial_images(model)
    expected, found = model(images), stock(images)
    for name in heads:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-6)
