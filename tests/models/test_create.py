"""Creation of backbones by name."""

import gc
import os
import pathlib
import weakref
import zipfile

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.conftest import build_tiny


@pytest.fixture(autouse=True)
def registered(own_registry):
    @kt.register_backbone("test/tiny", minimum_size=8, default_size=32)
    def tiny(input_shape, width=4):
        return build_tiny(input_shape, width)


def tiny(**arguments):
    return kt.create_backbone("tiny", **{"weights": None, **arguments})


def weights_file(folder, **arguments):
    path = os.fspath(folder / "tiny.weights.h5")
    tiny(**arguments).save_weights(path)
    return path


def test_a_backbone_is_a_plain_functional_model():
    backbone = tiny(input_shape=(16, 16, 3), width=2)
    assert type(backbone) is type(build_tiny())
    assert backbone.output_shape == (None, 2, 2, 6)


def test_the_default_shape_is_the_backbones_own():
    assert tiny().input_shape == (None, 32, 32, 3)


def test_layer_names_do_not_depend_on_what_was_built_before():
    @kt.register_backbone("test/unnamed")
    def unnamed(input_shape):
        image = keras.Input(input_shape)
        x = keras.layers.Conv2D(2, 3)(image)
        return keras.Model(image, keras.layers.Conv2D(2, 3)(x))

    keras.layers.Conv2D(1, 1)
    first = kt.create_backbone("unnamed", weights=None)
    second = kt.create_backbone("unnamed", weights=None)
    for model in (first, second):
        assert [layer.name for layer in model.layers[1:]] == [
            "conv2d",
            "conv2d_1",
        ]
        assert model.weights[2].path == "conv2d_1/kernel"


def test_the_users_own_layer_numbers_are_left_alone():
    keras.layers.InputLayer((1,))
    before = keras.layers.InputLayer((1,)).name
    tiny()
    after = keras.layers.InputLayer((1,)).name
    number = int(before.rpartition("_")[2])
    assert after == f"input_layer_{number + 1}"


def test_weights_are_loaded_from_a_path(tmp_path):
    path = weights_file(tmp_path)
    first, second = tiny(weights=path), tiny(weights=path)
    for one, other in zip(first.weights, second.weights, strict=True):
        assert np.array_equal(one.numpy(), other.numpy())


def test_weights_of_another_architecture_are_refused(tmp_path):
    path = weights_file(tmp_path, width=3)
    with pytest.raises(ValueError, match="another architecture than 'tiny'"):
        tiny(weights=path)


def test_a_truncated_weights_file_is_refused(tmp_path):
    path = weights_file(tmp_path)
    data = pathlib.Path(path).read_bytes()
    for part in (0, 100, len(data) // 2, len(data) - 10):
        pathlib.Path(path).write_bytes(data[:part])
        with pytest.raises(ValueError, match="truncated or damaged"):
            tiny(weights=path)


def test_a_damaged_weights_file_is_refused_before_anything_is_built(tmp_path):
    built = []
    spec = kt.BackboneSpec(built.append, name="test/slow_to_build")
    for name, sentence in (
        ("cut.weights.h5", "truncated or damaged"),
        ("weights.npz", "Expected a weights file ending in"),
    ):
        (tmp_path / name).write_bytes(b"nothing that could be read")
        with pytest.raises(ValueError, match=sentence):
            kt.create_backbone(spec, weights=tmp_path / name)
    assert not built


def test_gray_images_give_what_their_rgb_copy_gives(tmp_path):
    path = weights_file(tmp_path)
    gray, rgb = tiny(weights=path, input_shape=(32, 32, 1)), tiny(weights=path)
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype("float32")
    np.testing.assert_allclose(
        gray.predict(x, verbose=0),
        rgb.predict(np.repeat(x, 3, -1), verbose=0),
        atol=1e-5,
    )


def test_a_fourth_channel_keeps_the_size_of_activations(tmp_path):
    path = weights_file(tmp_path)
    four, rgb = tiny(weights=path, input_shape=(32, 32, 4)), tiny(weights=path)
    x = np.ones((1, 32, 32, 4), "float32")
    kernel = four.get_layer("conv_1").get_weights()[0]
    original = rgb.get_layer("conv_1").get_weights()[0]
    np.testing.assert_allclose(kernel[:, :, :3], original * 0.75, rtol=1e-6)
    np.testing.assert_array_equal(kernel[:, :, 3], kernel[:, :, 0])
    assert np.isfinite(four.predict(x, verbose=0)).all()


def test_a_cut_backbone_holds_nothing_of_what_follows(tmp_path):
    path = weights_file(tmp_path)
    of_other_tests = weakref.WeakSet(convolutions())
    whole = tiny(weights=path)
    cut = tiny(weights=path, cut_at="stage_1")
    assert cut.layers[-1].name == "relu_2"
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 3))
    expected = keras.Model(whole.input, whole.get_layer("relu_2").output)
    np.testing.assert_array_equal(
        cut.predict(x, verbose=0), expected.predict(x, verbose=0)
    )
    del whole, expected
    cut.save(tmp_path / "cut.keras")
    with zipfile.ZipFile(tmp_path / "cut.keras") as archive:
        assert b"conv_3" not in archive.read("config.json")
    alive = [layer for layer in convolutions() if layer not in of_other_tests]
    assert [layer.name for layer in alive if layer.name == "conv_3"] == []
    assert "conv_2" in [layer.name for layer in alive]


def convolutions():
    gc.collect()
    return [o for o in gc.get_objects() if isinstance(o, keras.layers.Conv2D)]


def test_a_cut_inside_a_stage_shortens_it():
    backbone = tiny(cut_at="conv_3")
    assert [(s.name, s.last_layer) for s in kt.stages_of(backbone)] == [
        ("stem", "relu_1"),
        ("stage_1", "relu_2"),
        ("stage_2", "conv_3"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cut_at": "stage_7"}, r"Cannot cut 'tiny' at 'stage_7'.*'stage_2'"),
        ({"cut_at": "conv_33"}, "Did you mean 'conv_3'"),
        ({"widht": 3}, "Unknown option 'widht'.*Did you mean 'width'"),
        ({"input_shape": (4, 4, 3)}, "at least 8x8 pixels"),
        ({"input_shape": (3, 32, 32)}, r"channels first: write \(32, 32, 3\)"),
        ({"input_shape": (32, 32)}, "must be .height, width, channels"),
        ({"input_shape": 32}, "must be .height, width, channels"),
        ({"input_shape": (1, 32, 32, 3)}, "without the batch axis"),
        ({"input_shape": (32.0, 32, 3)}, "must hold integers"),
        ({"input_shape": (32, 32, None)}, "number of channels"),
        ({"input_shape": (32, 32, 0)}, "number of channels"),
        ({"weights": "imagnet"}, "Unknown weights 'imagnet'"),
        ({"weights": "imagenet"}, "Expected None for random weights"),
        ({"weights": "missing.h5"}, "path of an existing weights file"),
    ],
)
def test_a_wrong_argument_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny(**arguments)


def test_a_cut_that_is_no_name_is_refused():
    with pytest.raises(TypeError, match="`cut_at` must be the name"):
        tiny(cut_at=3)


def test_weights_of_an_unknown_format_are_refused(tmp_path):
    (tmp_path / "weights.bin").write_bytes(b"x")
    with pytest.raises(ValueError, match="ending in '.weights.h5'"):
        tiny(weights=tmp_path / "weights.bin")


def test_a_builder_that_returns_no_model_is_refused():
    kt.register_backbone(lambda input_shape: None, name="test/broken")
    with pytest.raises(TypeError, match="must return a Functional"):
        kt.create_backbone("broken", weights=None)


def test_a_typo_suggests_the_name():
    with pytest.raises(ValueError, match="Did you mean 'test/tiny'"):
        kt.create_backbone("tinny", weights=None)


def test_a_builder_is_registered_with_its_options():
    kt.register_backbone(build_tiny, name="test/other")
    assert kt.get_backbone("other").options == {"width": 4, "name": "tiny"}


@pytest.mark.parametrize("value", [3, "net", keras.Model])
def test_only_specs_and_builders_can_be_registered(value):
    with pytest.raises(TypeError, match="must be a BackboneSpec"):
        kt.register_backbone(value, name="test/wrong")


def test_a_spec_is_registered_under_its_own_name():
    spec = kt.BackboneSpec(build_tiny, name="me/own", default_size=16)
    assert kt.register_backbone(spec) is spec
    assert kt.create_backbone("own", weights=None).input_shape[1] == 16


def test_fields_of_a_registered_spec_can_be_replaced():
    spec = kt.BackboneSpec(build_tiny)
    kt.register_backbone(spec, name="me/large", default_size=64)
    assert kt.get_backbone("large").default_size == 64


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"builder": 3}, TypeError, "`builder` must be a callable"),
        ({"preprocessing": "tf"}, ValueError, r"of_mode\('tf'\)"),
        ({"preprocessing": 3}, TypeError, "`preprocessing` must be"),
        ({"stages": "all"}, ValueError, "`stages` must be 'auto'"),
    ],
)
def test_a_wrong_spec_is_refused(fields, error, message):
    with pytest.raises(error, match=message):
        kt.BackboneSpec(**{"builder": build_tiny, **fields})


def test_a_spec_need_not_be_registered():
    spec = kt.BackboneSpec(build_tiny, name="my/tiny", minimum_size=1)
    before = kt.list_backbones()
    backbone = kt.create_backbone(
        spec, weights=None, input_shape=(8, 8, 3), width=2
    )
    assert backbone.count_params() == build_tiny((8, 8, 3), 2).count_params()
    record = kt.info(kt.build_model(backbone, kt.heads.LinearHead(2))).backbone
    assert (record["name"], record["distribution"]) == ("my/tiny", "")
    assert kt.list_backbones() == before


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 3, 1), (4, 4, 4)])
def test_tiny_images_are_not_taken_for_channels_first(shape):
    spec = kt.BackboneSpec(build_tiny, minimum_size=1)
    backbone = kt.create_backbone(spec, weights=None, input_shape=shape)
    assert backbone.input_shape == (None, *shape)
