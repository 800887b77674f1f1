"""The whole road on real photographs: schedule, fit, cut, save, load."""

import dataclasses

import keras
import numpy as np
import pytest
from keras_transfer_kecam import catalogue

import keras_transfer as kt

# Name, size of the images, how the head pools.
ROAD = [
    ("lcnet_050", 64, "avg"),
    ("vit_tiny_patch16", 64, "token"),
    ("vit_tiny_patch16", 64, "avg"),
    ("convnext_tiny", 64, "avg"),
    ("swin_transformer_v2_tiny_window8", 64, "avg"),
    ("efficientnet_v2_b0", 64, "avg"),
    ("coatnet0", 64, "avg"),
    ("davit_t", 64, "avg"),
    ("davit_s", 64, "avg"),
    ("davit_b", 64, "avg"),
]
QUICK = ("lcnet_050",)


def cases():
    for case in ROAD:
        marks = () if case[0] in QUICK else pytest.mark.slow
        yield pytest.param(*case, marks=marks, id="-".join(map(str, case)))


def create(name, size, **options):
    spec = dataclasses.replace(
        kt.get_backbone(f"kecam/{name}"), minimum_size=size
    )
    return kt.create_backbone(
        spec, weights=None, input_shape=(size, size, 3), **options
    )


@pytest.mark.parametrize(("name", "size", "pooling"), [*cases()])
def test_the_whole_road(name, size, pooling, assets, tmp_path):
    train, validation = kt.data.from_directory(
        assets / "hymenoptera", image_size=size
    )
    backbone = create(name, size)
    stages = [stage.name for stage in kt.stages_of(backbone)]
    assert len(stages) > 2
    model = kt.build_model(
        backbone,
        kt.heads.LinearHead(2, pooling=pooling),
        class_names=train.class_names,
    )
    kt.compile_for_transfer(model)
    before = {w.path: np.array(w) for w in backbone.trainable_variables}
    model.fit(
        train.take(2),
        epochs=2,
        verbose=0,
        callbacks=[kt.schedules.GradualUnfreeze(every=1, start=1)],
    )
    moved = {
        path
        for path, weight in ((w.path, w) for w in backbone.weights)
        if path in before and not np.array_equal(before[path], weight)
    }
    # In the second epoch the topmost stage trains, and nothing below it.
    assert moved
    assert len(moved) < len(before)
    images = next(iter(validation.take(1)))[0]
    expected = np.asarray(model(images))
    kt.save_model(model, tmp_path / "model.keras")
    loaded = kt.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(expected, loaded(images))
    assert kt.info(loaded).class_names == train.class_names
    cut = create(name, size, cut_at=stages[-2])
    assert cut.count_params() < backbone.count_params()
    assert len(cut.output_shape) in (3, 4)


def test_the_road_holds_every_kind():
    assert {name for name, *_ in ROAD} <= set(catalogue.models())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["davit_t", "lcnet_050"])
def test_exported_models_compute_the_same(name, tmp_path):
    model = create(name, 64)
    model.export(tmp_path / "exported", verbose=False)
    images = np.random.default_rng(0).normal(size=(2, 64, 64, 3))
    images = images.astype("float32")
    served = keras.layers.TFSMLayer(
        tmp_path / "exported", call_endpoint="serve"
    )
    np.testing.assert_allclose(served(images), model(images), atol=1e-4)
