"""What holds for each of the classical networks but DaViT."""

import importlib.metadata

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.structure import stages

GROUP = "keras_transfer.backbones"

# Small images; the options of what is not to be built as wide as it is.
SHAPES = {
    "classic/alexnet": (64, 64, 3),
    "classic/alexnet_compact": (40, 40, 3),
    "classic/googlenet": (32, 32, 3),
    "classic/identity": (6, 5, 3),
    "classic/simple_convnet": (12, 12, 3),
}


def registered():
    return [
        point.name.replace(".", "/", 1)
        for point in importlib.metadata.entry_points(group=GROUP)
        if point.name.startswith("classic.")
        # It takes its time, and no open size: `test_davit.py`.
        and not point.name.startswith("classic.davit_")
    ]


# Which take pixels from 0 to 1; the others have ImageNet's statistics.
UNIT = {"classic/identity", "classic/simple_convnet"}


@pytest.fixture(params=sorted(SHAPES))
def name(request):
    return request.param


@pytest.fixture
def backbone(name):
    return kt.create_backbone(name, weights=None, input_shape=SHAPES[name])


@pytest.fixture
def model(backbone):
    return kt.build_model(backbone, kt.heads.LinearHead(3))


@pytest.fixture
def images(name):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (4, *SHAPES[name]), "uint8")


def test_all_of_them_are_tested():
    assert sorted(registered()) == sorted(SHAPES)
    listed = kt.list_backbones(provider="classic", exclude="*davit_*")
    assert listed == sorted(SHAPES)


def test_it_tells_images_apart(model, images):
    outputs = np.asarray(model(images))
    assert outputs.shape == (4, 3)
    assert np.isfinite(outputs).all()
    assert (outputs[0] != outputs[1]).any()


def test_a_saved_classifier_gives_bit_equal_outputs(model, images, tmp_path):
    model.save(tmp_path / "m.keras")
    revived = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(
        np.asarray(revived(images)), np.asarray(model(images))
    )


def test_stages_share_out_the_weights(name, backbone):
    declared = kt.stages_of(backbone)
    parts = stages.partition(backbone, declared)
    shared_out = []
    for stage in declared:
        weights = [
            id(weight)
            for operation in parts[stage.name]
            for weight in getattr(operation, "weights", ())
        ]
        assert weights or name == "classic/identity"
        shared_out += weights
    assert sorted(shared_out) == sorted(id(w) for w in backbone.weights)
    assert backbone.get_layer(declared[-1].last_layer).output is backbone.output
    reductions = [stage.reduction for stage in declared]
    assert reductions == sorted(reductions)


def test_a_frozen_probe_leaves_the_backbone_bit_equal(model, name, images):
    kt.freeze(model)
    kt.compile_for_transfer(model, "sgd", learning_rate=0.1)
    nested = model.get_layer(name.partition("/")[2])
    before = nested.get_weights()
    head = model.get_layer("head").get_weights()
    model.fit(images, np.array([0, 1, 2, 0]), epochs=2, verbose=0)
    for old, new in zip(before, nested.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    for old, new in zip(head, model.get_layer("head").weights, strict=True):
        assert (old != np.asarray(new)).any()


def test_open_it_trains(model, name, images):
    kt.compile_for_transfer(model, "sgd", learning_rate=0.1)
    nested = model.get_layer(name.partition("/")[2])
    before = nested.get_weights()
    model.fit(images, np.array([0, 1, 2, 0]), verbose=0)
    # The very first and the very last, so that nothing on the way is cut off.
    for i in (0, -1)[: len(before)]:
        assert (before[i] != nested.get_weights()[i]).any()


def test_layer_names_do_not_depend_on_what_was_built_before(name, backbone):
    again = kt.create_backbone(name, weights=None, input_shape=SHAPES[name])
    assert [w.path for w in again.weights] == [w.path for w in backbone.weights]
    assert backbone.name == name.partition("/")[2]
    assert [la.name for la in again.layers] == [
        la.name for la in backbone.layers
    ]
    assert again.layers[0].name == "input_layer"


def test_layers_are_keras_s_own(backbone):
    for layer in backbone.layers:
        assert type(layer).__module__.startswith("keras.")


@pytest.mark.parametrize("channels", [1, 4])
def test_images_may_have_other_channels(name, channels):
    shape = (*SHAPES[name][:2], channels)
    backbone = kt.create_backbone(name, weights=None, input_shape=shape)
    model = kt.build_model(backbone, kt.heads.LinearHead(2))
    assert model(np.zeros((1, *shape), "uint8")).shape == (1, 2)


def test_an_open_size_takes_images_of_any(name):
    backbone = kt.create_backbone(
        name, weights=None, input_shape=(None, None, 3)
    )
    features = backbone(np.zeros((1, 80, 100, 3), "float32"))
    assert features.shape[1] < features.shape[2]


def test_the_smallest_size_works_and_one_below_is_refused(name):
    size = kt.get_backbone(name).minimum_size
    backbone = kt.create_backbone(
        name, weights=None, input_shape=(size, size, 3)
    )
    assert 0 not in backbone.output_shape[1:]
    if size > 2:
        with pytest.raises(ValueError, match="needs images of at least"):
            kt.create_backbone(
                name, weights=None, input_shape=(size - 1, size, 3)
            )


def test_a_change_of_preprocessing_is_no_accident(name):
    """Files that were saved hold it; here are a red and a blue pixel."""
    pixels = np.array([[[[255, 51, 0], [0, 51, 255]]]], "float32")
    received = np.asarray(kt.get_backbone(name).preprocessing(pixels))
    unit = np.array([[[[1, 0.2, 0], [0, 0.2, 1]]]])
    if name not in UNIT:
        unit = (unit - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(received, unit, atol=1e-6)


def test_its_facts_are_complete(name):
    spec = kt.get_backbone(name)
    assert spec.reference.startswith("https://")
    assert spec.license
    assert spec.description
    with pytest.raises(ValueError, match="Unknown weights 'imagenet'"):
        kt.create_backbone(name)
