"""Auxiliary heads in training, and what is left of them afterwards."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.heads.auxiliary.branch import AuxiliaryBranch
from tests.conftest import build_tiny

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (8, 32, 32, 3), "uint8")
LABELS = np.arange(8) % 3


def plain_model(backbone=None, activation="auto"):
    return kt.build_model(
        backbone or build_tiny(),
        kt.heads.LinearHead(3, activation=activation),
        class_names=["ant", "bee", "cow"],
        preprocessing=kt.Preprocessing.of_mode("unit"),
    )


def two_heads(**arguments):
    return {
        "relu_1": kt.heads.LinearHead(3, **arguments),
        "relu_2": kt.heads.LinearHead(3, **arguments),
    }


def compiled(model, **arguments):
    model.compile(
        keras.optimizers.SGD(0.1),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **arguments,
    )
    return model


@pytest.fixture
def model():
    return plain_model()


@pytest.fixture
def training(model):
    return kt.with_auxiliary_heads(model, two_heads())


def values(layer):
    return [np.array(weight) for weight in layer.weights]


def have_moved(before, after):
    return [(old != new).any() for old, new in zip(before, after, strict=True)]


def three_outputs(model, training):
    """The same network as a plain model with three outputs, same weights."""
    clone = keras.models.clone_model(model.get_layer("tiny"))
    body = keras.Model(
        clone.input,
        [clone.get_layer(f"relu_{i}").output for i in (3, 1, 2)],
    )
    image = keras.Input((32, 32, 3))
    maps = body(keras.layers.Rescaling(1 / 255)(image))
    heads = [kt.heads.LinearHead(3, name=name) for name in ("main", "a", "b")]
    outputs = [head(x) for head, x in zip(heads, maps, strict=True)]
    reference = keras.Model(image, outputs)
    sources = [
        model.get_layer("head"),
        *training.get_layer("auxiliary_heads").heads.values(),
    ]
    clone.set_weights(model.get_layer("tiny").get_weights())
    for head, source in zip(heads, sources, strict=True):
        head.set_weights(source.get_weights())
    return reference, clone, heads


@pytest.mark.parametrize("weighted", [False, True])
def test_training_is_that_of_three_weighted_outputs(model, training, weighted):
    reference, body, heads = three_outputs(model, training)
    loss = "sparse_categorical_crossentropy"
    reference.compile(
        keras.optimizers.SGD(0.1), [loss] * 3, loss_weights=[1, 0.3, 0.3]
    )
    compiled(training)
    sample_weight = np.linspace(0.1, 2, 8) if weighted else None
    # Keras wants labels and weights once for each output, which is the work
    # that is spared.
    expected = reference.train_on_batch(
        IMAGES.astype("float32"),
        [LABELS] * 3,
        sample_weight=None if sample_weight is None else [sample_weight] * 3,
    )
    history = training.fit(
        IMAGES,
        LABELS,
        sample_weight=sample_weight,
        batch_size=8,
        verbose=0,
    ).history
    total = expected[0] if isinstance(expected, list) else expected
    np.testing.assert_allclose(history["loss"][0], total, rtol=1e-5)
    branch = training.get_layer("auxiliary_heads")
    pairs = [
        (training.get_layer("tiny"), body),
        (training.get_layer("head"), heads[0]),
        (branch.heads["relu_1"], heads[1]),
        (branch.heads["relu_2"], heads[2]),
    ]
    for ours, theirs in pairs:
        for received, wanted in zip(values(ours), values(theirs), strict=True):
            np.testing.assert_allclose(received, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_each_loss_counts_with_its_weight(model, weight):
    training = kt.with_auxiliary_heads(model, two_heads(), weight=weight)
    compiled(training)
    kt.set_trainable(training, [])
    outputs = training(IMAGES, training=True)
    losses = [
        float(
            keras.ops.mean(
                keras.losses.sparse_categorical_crossentropy(LABELS, out)
            )
        )
        for out in outputs
    ]
    loss = training.compute_loss(y=LABELS, y_pred=outputs)
    np.testing.assert_allclose(
        float(loss), losses[0] + weight * sum(losses[1:]), rtol=1e-6
    )


def test_the_penalties_of_weights_count_once():
    image = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(
        2, 3, name="conv", kernel_regularizer=keras.regularizers.L2(1.0)
    )(image)
    model = plain_model(keras.Model(image, features, name="tiny"))
    training = compiled(
        kt.with_auxiliary_heads(model, {"conv": kt.heads.LinearHead(3)})
    )
    images = IMAGES[:, :8, :8]
    outputs = training(images, training=True)
    penalty = float(sum(training.losses))
    cross_entropies = [
        float(
            keras.ops.mean(
                keras.losses.sparse_categorical_crossentropy(LABELS, out)
            )
        )
        for out in outputs
    ]
    assert penalty > 0.1
    np.testing.assert_allclose(
        float(training.compute_loss(y=LABELS, y_pred=outputs)),
        cross_entropies[0] + 0.3 * cross_entropies[1] + penalty,
        rtol=1e-5,
    )


def test_they_move_in_training_and_send_gradients_below(training):
    compiled(training)
    kt.set_trainable(training, ["stage_1", "auxiliary_heads"])
    tiny, branch = training.get_layer("tiny"), training.layers[-1]
    before = values(branch), values(tiny), values(training.get_layer("head"))
    compiled(training)
    training.fit(IMAGES, LABELS, verbose=0)
    after = values(branch), values(tiny), values(training.get_layer("head"))
    assert all(have_moved(before[0], after[0]))
    assert any(have_moved(before[1], after[1]))
    assert not any(have_moved(before[2], after[2]))


def test_metrics_and_validation_know_the_main_output_alone(model, training):
    compiled(training)
    history = training.fit(
        IMAGES, LABELS, validation_data=(IMAGES, LABELS), verbose=0
    ).history
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    compiled(model)
    loss, accuracy = model.evaluate(IMAGES, LABELS, verbose=0)
    np.testing.assert_allclose(history["val_loss"], [loss], rtol=1e-6)
    assert history["val_accuracy"] == [accuracy]
    assert training.evaluate(IMAGES, LABELS, verbose=0) == [loss, accuracy]


def test_only_a_call_in_training_returns_their_outputs(training):
    outputs = training(IMAGES, training=True)
    assert [tuple(out.shape) for out in outputs] == [(8, 3)] * 3
    assert training(IMAGES).shape == (8, 3)
    assert training(IMAGES, training=False).shape == (8, 3)
    assert training.output_shape == (None, 3)
    assert training.predict(IMAGES, verbose=0).shape == (8, 3)


def test_inference_never_computes_them(training, monkeypatch):
    def refuse(self, features):
        raise RuntimeError("The auxiliary heads were computed.")

    monkeypatch.setattr(AuxiliaryBranch, "classify", refuse)
    compiled(training)
    training.predict(IMAGES, verbose=0)
    training.evaluate(IMAGES, LABELS, verbose=0)
    with pytest.raises(RuntimeError, match="heads were computed"):
        training.fit(IMAGES, LABELS, verbose=0)


def test_removing_them_leaves_every_output_bit_equal(model, training):
    compiled(training).fit(IMAGES, LABELS, verbose=0)
    inference = kt.without_auxiliary_heads(training)
    expected = training.predict(IMAGES, verbose=0)
    np.testing.assert_array_equal(
        inference.predict(IMAGES, verbose=0), expected
    )
    np.testing.assert_array_equal(model.predict(IMAGES, verbose=0), expected)


def test_what_remains_is_a_plain_model(model, training, tmp_path):
    inference = kt.without_auxiliary_heads(training)
    assert type(inference) is type(model)
    assert [la.name for la in inference.layers] == [
        la.name for la in model.layers
    ]
    assert [id(w) for w in inference.weights] == [id(w) for w in model.weights]
    assert inference.get_layer("tiny").output_shape == (None, 4, 4, 12)
    assert kt.info(inference).class_names == ["ant", "bee", "cow"]
    inference.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        config = archive.read("config.json").decode()
    assert "uxiliary" not in config
    revived = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(
        revived.predict(IMAGES, verbose=0), inference.predict(IMAGES, verbose=0)
    )


def test_the_model_they_came_from_is_as_it_was():
    model = plain_model()
    config = json.dumps(model.get_config())
    paths = [weight.path for weight in model.weights]
    kt.with_auxiliary_heads(model, two_heads())
    assert json.dumps(model.get_config()) == config
    assert [weight.path for weight in model.weights] == paths


def test_training_goes_on_from_a_file(training, tmp_path):
    kt.compile_for_transfer(training, "adam")
    training.fit(IMAGES, LABELS, batch_size=8, epochs=2, verbose=0)
    kt.save_model(training, tmp_path / "m.keras")
    revived = kt.load_model(tmp_path / "m.keras")
    assert type(revived) is type(training)
    assert [w.path for w in revived.weights] == [
        w.path for w in training.weights
    ]
    assert len({w.path for w in revived.weights}) == len(revived.weights)
    for model in (training, revived):
        model.fit(IMAGES, LABELS, batch_size=8, verbose=0, shuffle=False)
    for received, wanted in zip(values(revived), values(training), strict=True):
        np.testing.assert_array_equal(received, wanted)
    np.testing.assert_array_equal(
        kt.without_auxiliary_heads(revived).predict(IMAGES, verbose=0),
        training.predict(IMAGES, verbose=0),
    )


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a format of TensorFlow"
)
def test_an_export_has_no_trace_of_them(training, tmp_path):
    import tensorflow as tf

    training.export(tmp_path / "m", format="tf_saved_model", verbose=False)
    served = tf.saved_model.load(tmp_path / "m")
    outputs = served.serve(IMAGES.astype("float32"))
    np.testing.assert_allclose(
        outputs, training.predict(IMAGES, verbose=0), atol=1e-6
    )
    inference = kt.without_auxiliary_heads(training)
    names = {"/".join(v.name.split("/")[-3:]) for v in served.variables}
    assert not any("auxiliary" in name for name in names)
    shapes = sorted(tuple(v.shape) for v in served.variables if v.shape.rank)
    assert shapes == sorted(
        tuple(w.shape) for w in inference.weights if len(w.shape)
    )


def test_a_probe_leaves_the_backbone_bit_equal(training):
    kt.freeze(training)
    compiled(training)
    before = values(training.get_layer("tiny"))
    heads = values(training.get_layer("head")) + values(training.layers[-1])
    training.fit(IMAGES, LABELS, verbose=0)
    after = values(training.get_layer("tiny"))
    assert not any(have_moved(before, after))
    now = values(training.get_layer("head")) + values(training.layers[-1])
    assert all(have_moved(heads, now))


def test_schedules_open_them_with_the_head(training):
    from keras_transfer.schedules.parts import parts_of

    parts = {part.name: part.operations for part in parts_of(training)}
    assert list(parts) == ["stem", "stage_1", "stage_2", "head"]
    assert [op.name for op in parts["head"]] == ["head", "auxiliary_heads"]


def test_a_schedule_thaws_the_backbone_below_them(training):
    kt.compile_for_transfer(training, learning_rate=0.01)
    tiny, branch = training.get_layer("tiny"), training.layers[-1]
    kernels = [tiny.get_layer(f"conv_{i}").kernel for i in (1, 2, 3)]
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append([np.array(w) for w in [*kernels, *branch.weights]])

    schedule = kt.schedules.GradualUnfreeze(every=1, start=1)
    before = [np.array(w) for w in [*kernels, *branch.weights]]
    training.fit(
        IMAGES, LABELS, epochs=2, verbose=0, callbacks=[schedule, Watch()]
    )
    heads_move = [True] * len(branch.weights)
    assert have_moved(before, seen[0]) == [False, False, False, *heads_move]
    assert have_moved(seen[0], seen[1]) == [False, False, True, *heads_move]


def test_a_file_is_read_where_only_the_package_is_imported(training, tmp_path):
    training.save(tmp_path / "m.keras")
    code = (
        "import keras_transfer, keras\n"
        f"model = keras.saving.load_model({str(tmp_path / 'm.keras')!r})\n"
        "print(type(model).__name__, model.count_params())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    assert printed.split() == ["AuxiliaryModel", str(training.count_params())]


@pytest.mark.parametrize("opened", [[], ["stage_2", "head"]])
def test_flags_outlast_adding_and_removing_them(model, opened):
    kt.set_trainable(model, opened)
    flags = {weight.path: weight.trainable for weight in model.weights}
    trainable = model.get_layer("tiny").trainable
    training = kt.with_auxiliary_heads(model, two_heads())
    inference = kt.without_auxiliary_heads(training)
    assert {w.path: w.trainable for w in inference.weights} == flags
    for each in (training, inference):
        assert each.get_layer("tiny").trainable is trainable


def test_a_layer_opened_by_hand_stays_open(model):
    backbone = model.get_layer("tiny")
    backbone.trainable = False
    backbone.get_layer("conv_3").trainable = True
    training = kt.with_auxiliary_heads(model, two_heads())
    inference = kt.without_auxiliary_heads(training)
    for each in (training, inference):
        kernel = each.get_layer("tiny").get_layer("conv_3").kernel
        assert kernel.trainable


def test_a_stage_can_be_tapped(model):
    training = kt.with_auxiliary_heads(model, {"stem": kt.heads.LinearHead(3)})
    head = training.layers[-1].heads["stem"]
    assert head.predictions.kernel.shape == (4, 3)  # As wide as `relu_1`.


def test_a_model_without_a_nested_backbone_works_too():
    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, 2, name="conv_1")(image)
    x = keras.layers.Conv2D(4, 3, 2, name="conv_2")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(3, "softmax")(x)
    model = keras.Model(image, outputs)
    training = compiled(
        kt.with_auxiliary_heads(model, {"conv_1": kt.heads.LinearHead(3)})
    )
    images = IMAGES[:, :16, :16].astype("float32")
    before = values(training.layers[-1])
    training.fit(images, LABELS, verbose=0)
    assert all(have_moved(before, values(training.layers[-1])))
    np.testing.assert_array_equal(
        kt.without_auxiliary_heads(training).predict(images, verbose=0),
        training.predict(images, verbose=0),
    )


def test_pixels_in_bgr_reach_the_heads_as_they_reach_the_backbone():
    """The flip is an operation, not a layer: it must outlast the rebuilding."""
    backbone = build_tiny()
    model = kt.build_model(
        backbone,
        kt.heads.LinearHead(3),
        preprocessing=kt.Preprocessing.of_mode("caffe"),
    )
    training = kt.with_auxiliary_heads(model, two_heads())
    expected = model.predict(IMAGES, verbose=0)
    np.testing.assert_array_equal(training.predict(IMAGES, verbose=0), expected)
    outputs = training(IMAGES.astype("float32"), training=True)
    head = training.layers[-1].heads["relu_1"]
    assert np.asarray(outputs[1]).shape == (8, 3)
    assert head.built


def test_logits_learn_from_logits():
    model = plain_model(activation=None)
    training = kt.with_auxiliary_heads(model, two_heads(activation=None))
    kt.compile_for_transfer(training)
    assert training.loss.get_config()["from_logits"]
    history = training.fit(IMAGES, LABELS, verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_half_precision_leaves_the_outputs_whole():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = plain_model()
        training = kt.with_auxiliary_heads(model, two_heads())
    finally:
        keras.config.set_dtype_policy(before)
    outputs = training(IMAGES, training=True)
    assert {keras.backend.standardize_dtype(o.dtype) for o in outputs} == {
        "float32"
    }
    np.testing.assert_array_equal(
        np.asarray(training(IMAGES)), np.asarray(model(IMAGES))
    )


def subclassed():
    class Own(keras.Model):
        pass

    return Own()


def siamese():
    backbone = build_tiny()
    image = keras.Input((32, 32, 3))
    x = keras.layers.Add()([backbone(image), backbone(image)])
    return keras.Model(image, kt.heads.LinearHead(3)(x))


def branched():
    image = keras.Input((32, 32, 3))
    x = build_tiny()(image)
    return keras.Model(
        image, [kt.heads.LinearHead(3)(x), kt.heads.LinearHead(3, name="b")(x)]
    )


def shared_head():
    head = kt.heads.LinearHead(3)
    return {"relu_1": head, "relu_2": head}


@pytest.mark.parametrize(
    ("build", "heads", "error", "message"),
    [
        (subclassed, two_heads, TypeError, "must be a Functional keras.Model"),
        (branched, two_heads, ValueError, "has 2 outputs. Expected one"),
        (siamese, two_heads, ValueError, "calls 'tiny' 2 times"),
        (plain_model, dict, ValueError, "must hold at least one head"),
        (plain_model, list, TypeError, "must map layers of the backbone"),
        (plain_model, lambda: {"relu_1": 3}, TypeError, "must map layers"),
        (plain_model, shared_head, ValueError, "needs a head of its own"),
        (
            plain_model,
            lambda: {"relu_4": kt.heads.LinearHead(3)},
            ValueError,
            "after 'relu_4' of 'tiny'.*Did you mean 'relu_",
        ),
        (
            plain_model,
            lambda: {"relu_1": kt.heads.LinearHead(4)},
            ValueError,
            "num_classes=4, but .* has 3 outputs. Expected num_classes=3",
        ),
        (
            plain_model,
            lambda: {"relu_1": kt.heads.LinearHead(3, activation=None)},
            ValueError,
            "ends in 'linear', but .* in 'softmax'. Expected the same",
        ),
    ],
)
def test_what_does_not_fit_is_explained(build, heads, error, message):
    with pytest.raises(error, match=message):
        kt.with_auxiliary_heads(build(), heads())


@pytest.mark.parametrize(
    ("weight", "error"),
    [(0, ValueError), (-0.3, ValueError), ("0.3", TypeError)],
)
def test_a_bad_weight_is_explained(model, weight, error):
    with pytest.raises(error, match="`weight` must be"):
        kt.with_auxiliary_heads(model, two_heads(), weight=weight)


def test_they_are_added_once(training):
    with pytest.raises(ValueError, match="has auxiliary heads already"):
        kt.with_auxiliary_heads(training, two_heads())


@pytest.mark.parametrize("build", [plain_model, subclassed])
def test_where_there_are_none_there_is_nothing_to_remove(build):
    with pytest.raises(ValueError, match="no auxiliary heads to remove"):
        kt.without_auxiliary_heads(build())
