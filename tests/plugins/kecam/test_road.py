"""The whole road on real photographs: schedule, fit, extract, save, export."""

import dataclasses
import itertools

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.structure.stages import partition
from tests.plugins.kecam import values

SIZE = 64  # At which all of them have positions left to pool.
# How the head pools, by backbone.
ROAD = {
    "kecam/lcnet_050": "avg",
    "classic/davit_t": "avg",
    "classic/davit_s": "avg",
    "classic/davit_b": "avg",
    "kecam/davit_t": "avg",
    "kecam/convnext_tiny": "avg",
    "kecam/swin_transformer_v2_tiny_window8": "avg",
    "kecam/efficientnet_v2_b0": "avg",
    "kecam/vit_tiny_patch16": "token",
    "kecam/coatnett": "avg",
}
# Of the made-up kernels; where nothing normalizes the features, softmax of the
# full ones is 1 for every image.
SCALE = {"kecam/coatnett": 0.7}
QUICK = "kecam/lcnet_050"


@pytest.fixture(scope="module")
def photographs(assets):
    """Sixteen of them with their labels, and what the classes are called."""
    train, _ = kt.data.from_directory(
        assets / "hymenoptera", image_size=SIZE, batch_size=16
    )
    images, labels = next(iter(train))
    return np.asarray(images), np.asarray(labels), train.class_names


def train(model, images, labels):
    """Trains the head, then the topmost stage too; returns what moved when."""
    variables = {w.path: w for w in model.trainable_variables}
    states = []

    def keep(*_):
        states.append({path: np.array(w) for path, w in variables.items()})

    keep()
    model.fit(
        images,
        labels,
        batch_size=8,
        epochs=2,
        verbose=0,
        callbacks=[
            kt.schedules.GradualUnfreeze(every=1, start=1),
            keras.callbacks.LambdaCallback(on_epoch_end=keep),
        ],
    )
    return [
        {path for path in before if (before[path] != after[path]).any()}
        for before, after in itertools.pairwise(states)
    ]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == QUICK else pytest.mark.slow)
        for name in ROAD
    ],
)
def test_the_whole_road(name, photographs, assets, tmp_path):
    images, labels, class_names = photographs
    spec = dataclasses.replace(kt.get_backbone(name), minimum_size=SIZE)
    backbone = kt.create_backbone(
        spec, weights=None, input_shape=(SIZE, SIZE, 3)
    )
    model = kt.build_model(
        backbone,
        kt.heads.LinearHead(2, pooling=ROAD[name]),
        class_names=class_names,
    )
    # With which features differ between images.
    values.fill(backbone, SCALE.get(name, 1))
    # XLA takes minutes to compile the larger of them.
    kt.compile_for_transfer(model, learning_rate=1e-4, jit_compile=False)

    head_alone, with_top_stage = train(model, images, labels)
    in_backbone = {weight.path for weight in backbone.weights}
    assert head_alone
    assert not head_alone & in_backbone
    stages = kt.stages_of(backbone)
    parts = partition(backbone, stages)
    top = {w.path for op in parts[stages[-1].name] for w in weights_of(op)}
    assert with_top_stage & in_backbone
    assert with_top_stage & in_backbone <= top

    selected = [stage.name for stage in stages[-2:]]
    extractor = kt.build_extractor(model, [*selected, "backbone"])
    maps = extractor(images[:4])
    np.testing.assert_array_equal(maps[selected[-1]], maps["backbone"])
    by_name = {operation.name: operation for operation in backbone.operations}
    cut = keras.Model(backbone.input, by_name[stages[-2].last_layer].output)
    np.testing.assert_allclose(
        maps[selected[0]],
        cut(spec.preprocessing(images[:4])),
        rtol=1e-4,
        atol=1e-4,
    )

    expected = np.asarray(model(images))
    kt.save_model(model, tmp_path / "model.keras")
    loaded = kt.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(expected, loaded(images))
    assert kt.info(loaded).class_names == class_names

    if name != QUICK:
        exported = kt.export(
            loaded, tmp_path / "model.onnx", data=assets / "hymenoptera" / "val"
        )
        # Of the file, by its own runtime, on photographs.
        assert exported.trial.difference < 1e-3


def weights_of(operation):
    return getattr(operation, "weights", ())
