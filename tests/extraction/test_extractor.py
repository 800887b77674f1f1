"""Life with an extractor: training flags, copies, many of them."""

import gc
import subprocess
import sys
import weakref

import keras
import numpy as np
import pytest
from keras import layers

import keras_transfer as kt
from tests.extraction.networks import encoder
from tests.extraction.networks import numpy
from tests.extraction.networks import random
from tests.extraction.networks import siamese


def classifier():
    features = keras.Input((8,))
    outputs = layers.Dense(2, name="out")(encoder()(features))
    return keras.Model(features, outputs, name="classifier")


def values(model):
    return [numpy(variable).copy() for variable in model.variables]


def calls_in(model):
    return sum(len(layer._inbound_nodes) for layer in model._flatten_layers())


def test_training_moves_nothing_of_the_original():
    model = classifier()
    extractor = kt.build_extractor(model, ["encoder/bn", "out"])
    x = 5.0 + random(16, 8)
    before = values(model)
    quiet = extractor(x)
    trained = extractor(x, training=True)
    for was, now in zip(before, values(model), strict=True):
        np.testing.assert_array_equal(now, was)
    for name in quiet:
        np.testing.assert_array_equal(numpy(trained[name]), numpy(quiet[name]))
    # The same batch does move them where it may.
    model(x, training=True)
    assert any(
        (was != now).any()
        for was, now in zip(before, values(model), strict=True)
    )


def test_recording_moves_nothing_of_the_original_either():
    model = classifier()
    extractor = kt.build_extractor(model, "encoder/bn", mode="record")
    before = values(model)
    extractor(5.0 + random(16, 8), training=True)
    for was, now in zip(before, values(model), strict=True):
        np.testing.assert_array_equal(now, was)


class Outer(keras.Model):
    """Runs an extractor, then a layer that acts in training alone."""

    def __init__(self, extractor):
        super().__init__()
        self.extractor = extractor
        self.drop = layers.Dropout(0.5, seed=0)

    def call(self, x):
        return self.drop(self.extractor(x)["out"])


@pytest.mark.parametrize("mode", ["graph", "record"])
def test_layers_after_an_extractor_train_as_before(mode):
    outer = Outer(kt.build_extractor(classifier(), "out", mode=mode))
    outputs = numpy(outer(random(64, 8), training=True))
    assert 0.2 < (outputs == 0).mean() < 0.8


def test_a_frozen_model_gives_a_frozen_extractor(tmp_path):
    model = classifier()
    model.get_layer("encoder").trainable = False
    extractor = kt.build_extractor(model, ["encoder/c2", "out"])
    assert extractor.get_layer("encoder").trainable is False
    assert len(extractor.trainable_weights) == 2
    extractor.save(tmp_path / "e.keras")
    reloaded = keras.saving.load_model(tmp_path / "e.keras")
    assert len(reloaded.trainable_weights) == 2


def test_extraction_changes_no_flag_of_the_original():
    model = classifier()
    model.get_layer("encoder").get_layer("c1").trainable = False
    flags = [layer.trainable for layer in model._flatten_layers()]
    kt.build_extractor(model, ["encoder/c2", "out"])
    assert [layer.trainable for layer in model._flatten_layers()] == flags


@pytest.mark.parametrize("mode", ["graph", "record"])
def test_a_detached_extractor_trains_without_touching_the_original(mode):
    model = classifier()
    selectors = ["encoder/c1", "out"]
    extractor = kt.build_extractor(model, selectors, mode=mode, detach=True)
    assert extractor.mode == mode
    shared = kt.build_extractor(model, selectors, mode=mode)
    x = random(16, 8)
    for name, activation in shared(x).items():
        np.testing.assert_array_equal(
            numpy(extractor(x)[name]), numpy(activation)
        )
    own = {id(variable) for variable in model.variables}
    assert not own & {id(variable) for variable in extractor.variables}
    before, copied = values(model), values(extractor)
    extractor.compile("sgd", loss={"encoder/c1": None, "out": "mse"})
    extractor.fit(x, {"out": np.ones((16, 2), "float32")}, verbose=0)
    for was, now in zip(before, values(model), strict=True):
        np.testing.assert_array_equal(now, was)
    moved = [
        variable.path
        for variable, was in zip(extractor.variables, copied, strict=True)
        if (numpy(variable) != was).any()
    ]
    assert any("kernel" in path for path in moved)
    assert any("moving_mean" in path for path in moved)


def test_a_copy_is_new_each_time():
    model = classifier()
    first = kt.build_extractor(model, "out", detach=True)
    assert first is not kt.build_extractor(model, "out", detach=True)


def test_a_thousand_extractions_leave_the_graph_the_size_it_was():
    model = siamese().model
    selectors = ["encoder/c1", "encoder:1/c2", "out"]
    first = kt.build_extractor(model, selectors)
    size = calls_in(model)
    for _ in range(1000):
        extractor = kt.build_extractor(model, selectors)
    assert extractor is first
    assert calls_in(model) == size


def test_the_same_question_in_other_words_is_the_same_extractor(tiny_model):
    first = kt.build_extractor(tiny_model, lambda layer: layer.name == "bn_1")
    assert first is kt.build_extractor(tiny_model, "tiny/bn_1")
    assert first is not kt.build_extractor(
        tiny_model, "tiny/bn_1", pooling="avg"
    )
    assert first is not kt.build_extractor(tiny_model, "tiny/bn_2")


def test_nothing_is_replayed_where_nothing_is_nested(tiny_backbone):
    backbone = tiny_backbone()
    size = calls_in(backbone)
    kt.build_extractor(backbone, ["conv_1", "relu_2"])
    assert calls_in(backbone) == size


def test_a_sequential_model_that_grew_is_extracted_anew():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(4, name="a")])
    first = kt.build_extractor(model, "a")
    model.add(layers.Dense(2, name="b"))
    assert set(kt.build_extractor(model, ["a", "b"]).paths) == {"a", "b"}
    assert kt.build_extractor(model, "a") is not first


def test_a_model_goes_with_its_extractors():
    model = classifier()
    extractor = kt.build_extractor(model, ["encoder/c1", "out"])
    extractor(random(2, 8))
    gone = [weakref.ref(part) for part in (model, extractor, model.layers[1])]
    del model, extractor
    gc.collect()
    assert [reference() for reference in gone] == [None] * 3


def test_the_model_does_not_count_its_extractors_as_layers():
    model = classifier()
    before = len(model._flatten_layers()), len(model.variables)
    kt.build_extractor(model, ["encoder/c1", "out"], pooling="gem")
    assert (len(model._flatten_layers()), len(model.variables)) == before


def test_a_new_process_loads_it_after_importing_keras_transfer(tmp_path):
    model = classifier()
    extractor = kt.build_extractor(model, ["encoder/c1", "out"], pooling="avg")
    x = random(3, 8)
    extractor.save(tmp_path / "e.keras")
    np.save(tmp_path / "x.npy", x)
    script = (
        "import keras_transfer, keras, numpy as np\n"
        "e = keras.saving.load_model('e.keras')\n"
        "r = e(np.load('x.npy'))\n"
        "np.savez('r.npz', **{k.replace('/', '|'): "
        "keras.ops.convert_to_numpy(v) for k, v in r.items()})\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    reloaded = np.load(tmp_path / "r.npz")
    for name, activation in extractor(x).items():
        np.testing.assert_array_equal(
            reloaded[name.replace("/", "|")], numpy(activation)
        )


def test_an_extractor_can_be_extracted_from():
    model = classifier()
    extractor = kt.build_extractor(model, "out")
    again = kt.build_extractor(extractor, "encoder/c1")
    assert again.mode == "graph"
    x = random(2, 8)
    np.testing.assert_array_equal(
        numpy(again(x)["encoder/c1"]),
        numpy(kt.build_extractor(model, "encoder/c1")(x)["encoder/c1"]),
    )
