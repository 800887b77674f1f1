"""Transformers are divided into blocks, which all that takes stages takes."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_transfer as kt
from keras_transfer.structure import stages
from tests.transformers import build_vit


@pytest.fixture(scope="module")
def vit():
    return build_vit()


def test_a_transformer_is_a_stem_and_blocks(vit):
    assert [
        (s.name, s.last_layer, s.reduction, s.channels)
        for s in kt.stages_of(vit)
    ] == [
        ("stem", "embedded", 8, 8),
        ("block_1", "encoder_1_add_2", 8, 8),
        ("block_2", "encoder_2_add_2", 8, 8),
        ("block_3", "norm", 8, 8),
    ]
    parts = stages.partition(vit, kt.stages_of(vit))
    names = [op.name for op in parts["block_2"] if getattr(op, "weights", ())]
    assert names == [
        *("encoder_2_norm_1", "encoder_2_attention", "encoder_2_norm_2"),
        *("encoder_2_mlp_1", "encoder_2_mlp_2"),
    ]


def attend_by_hand(x):
    """As zoos write it: dense layers and operations, no attention layer."""
    scores = ops.matmul(keras.layers.Dense(4)(x), ops.transpose(x, (0, 2, 1)))
    return ops.matmul(ops.softmax(scores), x)


def attend_in_a_softmax_layer(x):
    scores = ops.matmul(keras.layers.Dense(4)(x), ops.transpose(x, (0, 2, 1)))
    return ops.matmul(keras.layers.Softmax()(scores), x)


class WindowAttention(keras.layers.Layer):
    def call(self, x):
        return x


class Encoder(keras.layers.Layer):
    """A block in one layer, which holds its residual connections."""

    def build(self, input_shape):
        self.attention = keras.layers.MultiHeadAttention(2, 4)
        self.attention.build(input_shape, input_shape)

    def call(self, x):
        return x + self.attention(x, x)


@pytest.mark.parametrize(
    "attend", [attend_by_hand, attend_in_a_softmax_layer, WindowAttention()]
)
def test_attention_is_known_however_it_is_written(attend):
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 8, 8, name="patches")(image)
    x = keras.layers.Reshape((-1, 4), name="tokens")(x)
    for number in (1, 2):
        y = attend(keras.layers.LayerNormalization()(x))
        x = keras.layers.Add(name=f"add_{number}")([x, y])
    found = kt.detect_stages(keras.Model(image, x))
    assert [(s.name, s.last_layer) for s in found] == [
        ("stem", "tokens"),
        ("block_1", "add_1"),
        ("block_2", "add_2"),
    ]


def test_a_block_may_be_a_single_layer():
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 8, 8, name="patches")(image)
    x = keras.layers.Reshape((-1, 4), name="tokens")(x)
    x = Encoder(name="encoder_1")(x)
    x = Encoder(name="encoder_2")(x)
    found = kt.detect_stages(keras.Model(image, x))
    assert [s.last_layer for s in found] == ["tokens", "encoder_1", "encoder_2"]


def test_attention_before_all_weights_begins_the_first_block():
    tokens = keras.Input((4, 4))
    x = keras.layers.Identity()(tokens)
    for number in (1, 2):
        x = Encoder(name=f"encoder_{number}")(x)
    found = kt.detect_stages(keras.Model(tokens, x))
    assert [(s.name, s.last_layer) for s in found] == [
        ("block_1", "encoder_1"),
        ("block_2", "encoder_2"),
    ]


def test_a_softmax_over_classes_is_no_attention():
    features = keras.Input((4,))
    x = keras.layers.Dense(3, name="classes")(features)
    model = keras.Model(features, keras.layers.Softmax(name="softmax")(x))
    assert [s.name for s in kt.detect_stages(model)] == ["stage_1"]


def test_where_the_resolution_changes_attention_divides_nothing():
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 2, 2, name="down_1")(image)
    x = keras.layers.Conv2D(4, 2, 2, name="down_2")(x)
    y = keras.layers.Attention(name="attention")([x, x])
    x = keras.layers.Add(name="add")([x, y])
    found = kt.detect_stages(keras.Model(image, x))
    assert [s.name for s in found] == ["stem", "stage_1"]


@pytest.fixture
def images_and_labels():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 32, 48, 3), "uint8")
    return images, np.arange(8) % 2


def layers_moved(before, model):
    return {
        weight.path.split("/")[0]
        for old, weight in zip(before, model.weights, strict=True)
        if (old != np.asarray(weight)).any()
    }


def test_one_block_alone_is_trained(images_and_labels):
    model = kt.build_model(build_vit(), kt.heads.LinearHead(2, pooling="token"))
    kt.set_trainable(model, "block_2")
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    before = model.get_weights()
    model.train_on_batch(*images_and_labels)
    moved = layers_moved(before, model)
    assert "encoder_2_mlp_1" in moved
    assert all(layer.startswith("encoder_2") for layer in moved)


def test_blocks_are_unfrozen_one_after_the_other(images_and_labels):
    model = kt.build_model(
        build_vit(blocks=2), kt.heads.LinearHead(2, pooling="token")
    )
    kt.compile_for_transfer(model, "adam", learning_rate=0.01)
    values, moved = [model.get_weights()], []

    def note(epoch, logs):
        moved.append(layers_moved(values[-1], model))
        values.append(model.get_weights())

    model.fit(
        *images_and_labels,
        epochs=3,
        verbose=0,
        callbacks=[
            kt.schedules.GradualUnfreeze(every=1, start=1),
            keras.callbacks.LambdaCallback(on_epoch_end=note),
        ],
    )
    assert moved[0] == {"head"}
    assert "encoder_2_mlp_1" in moved[1]
    assert "encoder_1_mlp_1" not in moved[1]
    assert "encoder_1_mlp_1" in moved[2]
    assert "patches" not in moved[2]


def test_a_transformer_is_cut_at_a_block(images_and_labels, vit):
    spec = kt.BackboneSpec(lambda input_shape: build_vit(input_shape), "my/vit")
    cut = kt.create_backbone(
        spec, weights=None, input_shape=(32, 48, 3), cut_at="block_1"
    )
    assert [s.name for s in kt.stages_of(cut)] == ["stem", "block_1"]
    assert not any("encoder_2" in layer.name for layer in cut.layers)
    for layer in cut.layers:
        if layer.weights:
            layer.set_weights(vit.get_layer(layer.name).get_weights())
    part = keras.Model(vit.input, vit.get_layer("encoder_1_add_2").output)
    images = images_and_labels[0].astype("float32")
    np.testing.assert_array_equal(cut(images), part(images))


def test_a_transformer_keeps_the_contract():
    kt.testing.check_backbone(
        kt.BackboneSpec(
            lambda input_shape: build_vit(input_shape, blocks=2),
            "my/vit",
            default_size=32,
            minimum_size=8,
        )
    )
