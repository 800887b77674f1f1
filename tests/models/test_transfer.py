"""Models built of a backbone and a head."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.structure import model_info
from tests.conftest import build_tiny


def photographs(count=4, dtype="uint8", channels=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 32, 32, channels)).astype(dtype)


def build(preprocessing="inside", shape=(32, 32, 3), **arguments):
    head = kt.heads.LinearHead(2)
    return kt.build_model(
        build_tiny(shape), head, preprocessing=preprocessing, **arguments
    )


def test_the_model_is_plain_and_in_the_documented_order(tiny_model):
    assert type(tiny_model) is type(build_tiny())
    assert [layer.name for layer in tiny_model.layers] == [
        "image",
        "model_info",
        "tiny",
        "head",
    ]


def test_bytes_and_floats_give_the_same(tiny_model):
    x = photographs()
    np.testing.assert_array_equal(
        tiny_model.predict(x, verbose=0),
        tiny_model.predict(x.astype("float32"), verbose=0),
    )


@pytest.mark.parametrize(
    ("mode", "reference"),
    [
        ("raw", lambda x: x),
        ("unit", lambda x: x / 255),
        ("tf", lambda x: x / 127.5 - 1),
        (
            "torch",
            lambda x: (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
        ),
        ("caffe", lambda x: x[..., ::-1] - [103.939, 116.779, 123.68]),
    ],
)
def test_preprocessing_is_inside_the_model_and_its_file(
    mode, reference, tmp_path
):
    model = build(kt.Preprocessing.of_mode(mode))
    x = photographs()
    kept = x.copy()
    backbone, head = model.get_layer("tiny"), model.get_layer("head")
    expected = head(backbone(reference(x.astype("float64")).astype("float32")))
    received = model.predict(x, verbose=0)
    np.testing.assert_allclose(received, expected, atol=1e-5)
    np.testing.assert_array_equal(x, kept)
    model.save(tmp_path / "m.keras")
    reloaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(reloaded.predict(x, verbose=0), received)


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("mode", ["tf", "torch", "caffe"])
def test_preprocessing_adapts_to_the_channels(mode, channels):
    model = build(kt.Preprocessing.of_mode(mode), (32, 32, channels))
    assert np.isfinite(
        model.predict(photographs(channels=channels), verbose=0)
    ).all()


def test_preprocessing_can_be_any_function_of_stock_layers():
    model = build(lambda x: keras.layers.Rescaling(2.0, name="mine")(x))
    assert model.get_layer("mine").scale == 2.0


def test_mixed_precision_keeps_pixels_and_outputs_in_single_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build(kt.Preprocessing.of_mode("torch"))
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("rescaling").compute_dtype == "float32"
    assert model.get_layer("tiny").get_layer("conv_1").compute_dtype == (
        "float16"
    )
    assert model.predict(photographs(), verbose=0).dtype == "float32"


def test_info_tells_what_is_known(tiny_model):
    info = kt.info(tiny_model)
    assert info.class_names == ["ant", "bee"]
    assert info.input_shape == (32, 32, 3)
    assert info.input_range == (0, 255)
    assert info.head == {
        "class": "LinearHead",
        "num_classes": 2,
        "activation": "auto",
        "pooling": "avg",
    }
    assert info.parameters == tiny_model.count_params()
    assert info.versions["keras"] == keras.__version__
    assert "class_names" in str(info)


def test_info_of_a_foreign_model_is_what_keras_knows():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    info = kt.info(model)
    assert info.class_names is None
    assert info.parameters == 10
    assert info.schedule is None


@pytest.mark.parametrize("road", ["file", "rewrapped", "nested", "cloned"])
def test_info_survives_every_road(tiny_model, tmp_path, road):
    if road == "file":
        tiny_model.save(tmp_path / "m.keras")
        model = keras.saving.load_model(tmp_path / "m.keras")
    elif road == "rewrapped":
        inner = tiny_model.get_layer("tiny").output
        assert inner is not None
        model = keras.Model(tiny_model.input, tiny_model.output)
    elif road == "nested":
        image = keras.Input((32, 32, 3))
        model = keras.Model(image, tiny_model(image))
    else:
        model = keras.models.clone_model(tiny_model)
    assert kt.info(model).class_names == ["ant", "bee"]


def test_what_is_written_into_the_info_is_saved(tiny_model, tmp_path):
    model_info.find(tiny_model)["history"] = {"loss": [1.0, 0.5]}
    tiny_model.save(tmp_path / "m.keras")
    reloaded = keras.saving.load_model(tmp_path / "m.keras")
    assert kt.info(reloaded).history == {"loss": [1.0, 0.5]}


def test_a_layer_written_by_a_later_version_still_loads():
    config = model_info.ModelInfo({"class_names": ["a"]}).get_config()
    layer = model_info.ModelInfo.from_config({**config, "novelty": 3})
    assert layer.metadata == {"class_names": ["a"]}


def test_a_plain_model_is_a_backbone_too():
    image = keras.Input((8, 8, 3))
    own = keras.Model(image, keras.layers.Conv2D(4, 3)(image), name="own")
    model = kt.build_model(own, kt.heads.LinearHead(3))
    assert model.output_shape == (None, 3)
    assert kt.info(model).backbone["name"] is None


@pytest.mark.parametrize(
    ("names", "head", "message"),
    [
        (["a"], 2, "needs 2 class names. Received 1"),
        (["a", "b", "c"], 1, "needs 2 class names. Received 3"),
        (["a", "a"], 2, "must differ"),
    ],
)
def test_class_names_must_fit_the_head(names, head, message):
    with pytest.raises(ValueError, match=message):
        kt.build_model(
            build_tiny(), kt.heads.LinearHead(head), class_names=names
        )


def test_parts_of_the_wrong_kind_are_refused():
    with pytest.raises(TypeError, match="must be a list of names"):
        kt.build_model(build_tiny(), kt.heads.LinearHead(3), class_names="abc")
    with pytest.raises(TypeError, match="`backbone` must be a Functional"):
        kt.build_model(keras.layers.Dense(1), kt.heads.LinearHead(2))
    with pytest.raises(TypeError, match="`head` must be a Keras layer"):
        kt.build_model(build_tiny(), 2)
    with pytest.raises(ValueError, match=r"mean kt.Preprocessing.of_mode\('tf"):
        build(preprocessing="tf")


def test_an_unknown_preprocessing_mode_is_refused():
    with pytest.raises(ValueError, match="Unknown preprocessing mode 'tff'"):
        kt.Preprocessing.of_mode("tff")


def test_a_model_may_be_nested_in_the_backbone(tmp_path):
    block = keras.Sequential(
        [
            keras.Input((16, 16, 4)),
            keras.layers.Conv2D(8, 3, 2, "same", name="inner"),
        ],
        name="block",
    )
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, 2, "same", name="first")(image)
    backbone = keras.Model(image, block(x), name="holder")
    model = kt.build_model(backbone, kt.heads.LinearHead(2))
    kt.set_trainable(model, ["stem", "head"])
    assert {w.path.split("/")[-2] for w in model.trainable_weights} == {
        "first",
        "predictions",
    }
    kt.save_model(model, tmp_path / "m.keras")
    loaded = kt.load_model(tmp_path / "m.keras")
    assert kt.info(loaded).backbone["stages"] == [
        ["stem", "first"],
        ["stage_1", "block"],
    ]


def two(**heads):
    found = {
        "species": kt.heads.LinearHead(2),
        "size": kt.heads.LinearHead(1, task="regression"),
    }
    return {**found, **heads}


def test_heads_of_several_outputs_read_the_same_features(tiny_backbone):
    model = kt.build_model(
        tiny_backbone(), two(), class_names={"species": ["ant", "bee"]}
    )
    assert sorted(model.output) == ["size", "species"]
    names = {layer.name for layer in model.layers[-2:]}
    assert names == {"head_size", "head_species"}
    assert kt.info(model).outputs["species"]["class_names"] == ["ant", "bee"]
    assert "outputs " in str(kt.info(model))
    pixels = np.random.default_rng(0).uniform(0, 255, (6, 32, 32, 3))
    y = {"species": np.arange(6) % 2, "size": np.linspace(0, 1, 6)}
    kt.compile_for_transfer(model)
    before = [np.array(weight) for weight in model.weights]
    probe = kt.schedules.LinearProbe()
    history = kt.fit(
        model, pixels, y, verbose=0, callbacks=[probe], cache="memory"
    )
    assert {"species_accuracy", "size_mae"} <= set(history.history)
    for weight, old in zip(model.weights, before, strict=True):
        moved = not np.array_equal(old, weight)
        assert moved == weight.path.startswith("head_"), weight.path


def test_a_head_keeps_the_name_that_it_was_given(tiny_backbone):
    mine = kt.heads.LinearHead(3, name="mine")
    model = kt.build_model(tiny_backbone(), two(species=mine))
    assert model.get_layer("mine") is mine


@pytest.mark.parametrize(
    ("heads", "words", "message"),
    [
        ({"a": kt.heads.LinearHead(2)}, {}, "for one output pass the head"),
        (two(size=None), {}, r"`head\['size'\]` must be a Keras layer"),
        (two(**{"a b": kt.heads.LinearHead(2)}), {}, "Received: 'a b'"),
        (
            dict.fromkeys("ab", kt.heads.LinearHead(2)),
            {},
            "Each output needs a head of its own",
        ),
        (
            {n: kt.heads.LinearHead(2, name="same") for n in "ab"},
            {},
            "heads of a model need different names",
        ),
        (two(), {"class_names": ["a", "b"]}, "`class_names` as a dictionary"),
        (two(), {"targets": {"sise": {}}}, "Did you mean 'size'"),
        (two(), {"class_names": {"species": ["a"]}}, "needs 2 class names"),
    ],
)
def test_heads_that_do_not_fit_are_refused(
    tiny_backbone, heads, words, message
):
    with pytest.raises((TypeError, ValueError), match=message):
        kt.build_model(tiny_backbone(), heads, **words)
