"""DaViT against keras_cv_attention_models, whose layers and weights it has.

The files in `golden` were written by `davit_oracle.py`. To compare everything
with it anew, and T, S and B, install tf-keras beside
keras_cv_attention_models 1.4.3 and run `pytest -m slow` on this file.
"""

import importlib.util
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.structure import stages
from tests.plugins.classic import davit_values

FOLDER = pathlib.Path(__file__).parent

LAYERS_280 = 394  # Of them, 4 are for the padding that 224 does not need.


def build(size, name="davit_t", weights=None, **options):
    height, width = map(int, size.split("x"))
    return kt.create_backbone(
        name, weights=weights, input_shape=(height, width, 3), **options
    )


def fill(model):
    for layer in model.layers:
        is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        names = [
            weight.path.replace("/kernel", "/depthwise_kernel")
            if is_depthwise  # As Keras 2 called it.
            else weight.path
            for weight in layer.weights
        ]
        shapes = [weight.shape for weight in layer.weights]
        layer.set_weights(list(map(davit_values.values, names, shapes)))
    return model


def features(model):
    images = davit_values.images(*model.input_shape[1:3])
    return np.asarray(model(images))


def assert_equal_up_to_rounding(received, expected):
    assert received.shape == expected.shape
    largest = np.abs(expected).max()
    assert np.abs(received - expected).max() <= 1e-5 * largest


def assert_golden(model, size):
    expected = np.load(FOLDER / "golden" / f"davit_t_{size}.npy")
    assert expected.std() > 0.5  # No row of zeros that anything would equal.
    assert_equal_up_to_rounding(davit_values.golden(features(model)), expected)


@pytest.fixture(scope="module")
def davit_280():
    return fill(build("280x280"))


@pytest.fixture(scope="module")
def published(davit_280, tmp_path_factory):
    """A file as it is published: a whole model, with its classifier."""
    pooled = keras.layers.GlobalAveragePooling2D(name="avg_pool")(
        davit_280.output
    )
    classes = keras.layers.Dense(1000, "softmax", name="predictions")(pooled)
    whole = keras.Model(davit_280.input, classes)
    path = tmp_path_factory.mktemp("published") / "davit_t.h5"
    whole.save(path, include_optimizer=False)
    return path


def test_the_tiny_one_has_the_published_numbers_at_280_pixels(davit_280):
    assert davit_280.count_params() == 27_591_168
    assert len(davit_280.operations) == LAYERS_280
    model = kt.build_model(davit_280, kt.heads.LinearHead(1))
    assert model.count_params() == 27_591_937
    assert len(model.trainable_variables) == 212
    kt.set_trainable(model, slice(80, None))
    assert len(model.trainable_variables) == 168
    assert len(davit_280.trainable_variables) == 166
    kt.set_trainable(model, "*")
    # What an index over `layers` means since Keras 3.
    for layer in davit_280.layers[:80]:
        layer.trainable = False
    assert len(davit_280.trainable_variables) == 126
    kt.set_trainable(model, "*")
    assert len(model.trainable_variables) == 212


def test_at_280_pixels_it_computes_what_kecam_computes(davit_280):
    assert_golden(davit_280, "280x280")


def test_a_published_file_loads_without_its_classifier(published):
    model = build("224x224", weights=published)
    assert len(model.operations) == 390
    kt.set_trainable(model, slice(80, None))
    assert len(model.trainable_variables) == 164
    assert_golden(model, "224x224")


def test_other_sizes_are_padded_as_in_kecam(davit_280):
    model = build("200x260")
    model.set_weights(davit_280.get_weights())
    assert model.output_shape == (None, 7, 9, 768)
    assert_golden(model, "200x260")


def test_the_largest_one_has_the_published_numbers():
    model = build("224x224", "davit_b")
    assert model.count_params() == 86_929_408
    assert len(model.operations) == 774
    kt.set_trainable(model, slice(80, None))
    assert len(model.trainable_variables) == 356


def test_stages_are_the_stem_and_one_for_each_resolution(davit_280):
    declared = kt.stages_of(davit_280)
    assert [(s.name, s.last_layer, s.reduction) for s in declared] == [
        ("stem", "stem_ln", 4),
        ("stage_1", "stack1_block2_2_output", 4),
        ("stage_2", "stack2_block2_2_output", 8),
        ("stage_3", "stack3_block6_2_output", 16),
        ("stage_4", "pre_output_ln", 32),
    ]
    detected = kt.detect_stages(davit_280)
    assert [s.last_layer for s in detected] == [
        stage.last_layer for stage in declared[1:]
    ]
    parts = stages.partition(davit_280, declared)
    counts = [
        sum(len(getattr(op, "weights", ())) for op in operations)
        for operations in parts.values()
    ]
    assert counts == [4, 32, 36, 100, 38]


def test_layers_are_keras_s_own(davit_280):
    for operation in davit_280.operations:
        assert type(operation).__module__.startswith("keras.")


def test_it_is_found_by_its_short_name():
    assert kt.get_backbone("davit_t").name == "classic/davit_t"


def test_pixels_are_normalized_as_for_torch(davit_280):
    model = kt.build_model(davit_280, kt.heads.LinearHead(2))
    normalized = keras.Model(model.input, model.get_layer("rescaling").output)
    white = np.full((1, 280, 280, 3), 255, "uint8")
    np.testing.assert_allclose(
        np.asarray(normalized(white))[0, 0, 0],
        (1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225],
        rtol=1e-5,
    )


def test_in_training_blocks_are_skipped_for_whole_images():
    model = build("33x33", cut_at="stage_1", drop_connect_rate=0.9)
    drops = [la for la in model.layers if isinstance(la, keras.layers.Dropout)]
    # The first block is never skipped; the last of all 12 has 11 / 12.
    assert [drop.rate for drop in drops] == [pytest.approx(0.9 / 12)] * 2
    drop = drops[0]
    drop.rate = 0.5
    ones = np.ones((64, 2, 2, 1), "float32")
    skipped = np.asarray(drop(ones, training=True))
    assert set(skipped.flat) == {0.0, 2.0}
    assert (skipped == skipped[:, :1, :1]).all()


@pytest.mark.parametrize(
    ("rate", "error", "message"),
    [
        (1.0, ValueError, "at least 0 and below 1. Received: drop_connect_r"),
        (-0.1, ValueError, "drop_connect_rate=-0.1"),
        ("0.1", TypeError, "drop_connect_rate='0.1' of type str"),
        (True, TypeError, "drop_connect_rate=True of type bool"),
    ],
)
def test_a_rate_that_is_none_is_refused(rate, error, message):
    with pytest.raises(error, match=message):
        build("33x33", drop_connect_rate=rate)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((None, None, 3), "needs images of one known size.*such as"),
        ((224, None, 3), "needs images of one known size.*such as"),
        ((32, 224, 3), "needs images of at least 33x33 pixels"),
    ],
)
def test_a_size_that_it_cannot_take_is_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        kt.create_backbone("davit_t", weights=None, input_shape=shape)


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="Did you mean 'classic/davit_"):
        kt.create_backbone("davit_x")


def test_unknown_weights_are_refused():
    with pytest.raises(ValueError, match="Unknown weights 'imagenet21k'.*'ima"):
        kt.create_backbone("davit_t", weights="imagenet21k")


def test_without_a_network_the_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    place = tmp_path / "models" / "davit_b_imagenet.h5"
    with pytest.raises(ConnectionError) as raised:
        kt.create_backbone("davit_b")
    assert str(place) in str(raised.value)
    assert "/releases/download/davit/davit_b_imagenet.h5" in str(raised.value)


def test_a_file_with_another_hash_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "davit_t_imagenet.h5").write_bytes(b"another")
    with pytest.raises(ValueError, match="expected the md5 040a215cbcf1c0ce0"):
        kt.create_backbone("davit_t")


def test_a_truncated_file_is_refused(published, tmp_path):
    path = tmp_path / "cut.h5"
    with open(published, "rb") as file:
        path.write_bytes(file.read(1_000_000))
    with pytest.raises(ValueError, match="is truncated or damaged.*again"):
        build("33x33", weights=path)


def test_the_file_of_another_network_is_refused(published, tmp_path):
    with pytest.raises(ValueError, match="another architecture than 'davit_s'"):
        build("33x33", "davit_s", weights=published)


def test_a_saved_one_needs_nothing_but_keras(davit_280, tmp_path):
    """And with our head, nothing but Keras and the core."""
    backbone = build("33x33", cut_at="stage_2")
    model = kt.build_model(backbone, kt.heads.LinearHead(3))
    images = np.random.RandomState(0).randint(0, 256, (2, 33, 33, 3), "uint8")
    np.save(tmp_path / "images.npy", images)
    backbone.save(tmp_path / "backbone.keras")
    kt.save_model(model, tmp_path / "model.keras")
    script = """
import sys
for name in ("keras_transfer_classic", "keras_cv_attention_models"):
    sys.modules[name] = None
sys.modules["keras_transfer"] = None
import keras, numpy as np
images = np.load("images.npy")
backbone = keras.saving.load_model("backbone.keras")
np.save("features.npy", backbone(images.astype("float32")))
del sys.modules["keras_transfer"]
import keras_transfer as kt
np.save("classes.npy", kt.load_model("model.keras")(images))
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)
    for file, network, inputs in (
        ("features.npy", backbone, images.astype("float32")),
        ("classes.npy", model, images),
    ):
        np.testing.assert_array_equal(
            np.load(tmp_path / file), np.asarray(network(inputs))
        )


def layers_moved(before, model):
    return {
        weight.path.split("/")[-2]
        for old, weight in zip(before, model.weights, strict=True)
        if (old != np.asarray(weight)).any()
    }


@pytest.mark.parametrize(
    ("cut_at", "opened"),
    [
        ("stage_1", ["stack1_block2_mlp_Dense_1"]),
        pytest.param(
            None,
            [
                *("pre_output_ln", "stack3_block6_mlp_Dense_1"),
                *("stack2_block2_mlp_Dense_1", "stack1_block2_mlp_Dense_1"),
                "stem_conv",
            ],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_whole_road_on_real_photographs(cut_at, opened, assets, tmp_path):
    """A schedule opens one stage after the other; the file brings all back."""
    train, _ = kt.data.from_directory(
        assets / "hymenoptera", image_size=64, batch_size=16
    )
    images, labels = next(iter(train))
    model = kt.build_model(
        build("64x64", cut_at=cut_at),
        kt.heads.LinearHead(2),
        class_names=train.class_names,
    )
    kt.compile_for_transfer(model, "adam", learning_rate=0.01)
    values, moved = [model.get_weights()], []

    def note(epoch, logs):
        moved.append(layers_moved(values[-1], model))
        values.append(model.get_weights())

    model.fit(
        np.asarray(images),
        np.asarray(labels),
        epochs=1 + len(opened),
        verbose=0,
        callbacks=[
            kt.schedules.GradualUnfreeze(every=1, start=1),
            keras.callbacks.LambdaCallback(on_epoch_end=note),
        ],
    )
    assert moved[0] == {"predictions"}
    for epoch, layer in enumerate(opened, start=1):
        later = {*opened[epoch:], "stem_conv"} - {layer}
        assert layer in moved[epoch]
        assert not later & moved[epoch]
    kt.save_model(model, tmp_path / "m.keras")
    revived = kt.load_model(tmp_path / "m.keras")
    assert kt.info(revived).class_names == ["ants", "bees"]
    np.testing.assert_array_equal(revived(images), model(images))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sizes", "operations", "opened"),
    [
        (
            "davit_t",
            ("224x224", "280x280", "200x260"),
            (390, 394, 400),
            (164, 166, 166),
        ),
        ("davit_s", ("224x224", "280x280"), (774, 778), (356, 358)),
        ("davit_b", ("224x224", "280x280"), (774, 778), (356, 358)),
    ],
)
def test_it_equals_kecam_in_everything(
    name, sizes, operations, opened, tmp_path
):
    for package in ("tf_keras", "keras_cv_attention_models"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    script = FOLDER / "davit_oracle.py"
    subprocess.run(
        [sys.executable, script, str(tmp_path), name, *sizes],
        check=True,
    )
    for size, count, left in zip(sizes, operations, opened, strict=True):
        oracle = np.load(tmp_path / f"{name}_{size}.npz")
        for file in (f"{name}.h5", f"{name}_weights.h5"):
            model = build(size, name, weights=tmp_path / file)
            assert_equal_up_to_rounding(features(model), oracle["features"])
        names = [operation.name for operation in model.operations]
        assert len(names) == len(oracle["layers"]) == count
        # Operations have no names of their own in either.
        for own, other in zip(names[1:], oracle["layers"][1:], strict=True):
            assert own == other or other.startswith("tf.")
        assert model.count_params() == oracle["parameters"]
        kt.set_trainable(model, slice(80, None))
        assert [weight.path for weight in model.trainable_variables] == [
            weight.removesuffix(":0").replace("depthwise_kernel", "kernel")
            for weight in oracle["open"]
        ]
        assert len(model.trainable_variables) == left
        if name == "davit_t":
            np.testing.assert_allclose(
                np.load(FOLDER / "golden" / f"{name}_{size}.npy"),
                np.load(tmp_path / f"{name}_{size}.npy"),
                atol=1e-4,
            )
