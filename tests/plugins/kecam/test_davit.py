"""DaViT by the adapter: the figures, and equal to the native one."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.plugins.kecam import values


def build(name, size):
    return kt.create_backbone(name, weights=None, input_shape=(size, size, 3))


def test_davit_t_has_the_figures_of_kecam():
    model = kt.build_model(
        build("kecam/davit_t", 280), kt.heads.LinearHead(2, dropout=0)
    )
    backbone = model.get_layer("davit_t")
    one_unit = keras.layers.Dense(1)
    one_unit.build((None, 768))
    total = backbone.count_params() + one_unit.count_params()
    assert total == 27_591_937
    assert len(backbone.trainable_variables) + 2 == 212
    for operation in backbone.operations[:80]:
        operation.trainable = False
    assert len(backbone.trainable_variables) + 2 == 168


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("davit_t", 224),
        pytest.param("davit_t", 280, marks=pytest.mark.slow),
        pytest.param("davit_s", 224, marks=pytest.mark.slow),
        pytest.param("davit_b", 224, marks=pytest.mark.slow),
    ],
)
def test_native_and_adapted_networks_are_one(name, size):
    native = build(f"classic/{name}", size)
    adapted = build(f"kecam/{name}", size)
    assert [op.name for op in native.operations if op.name[0] == "s"] == [
        op.name for op in adapted.operations if op.name[0] == "s"
    ]
    assert len(native.operations) == len(adapted.operations)
    values.fill(native)
    values.fill(adapted)
    images = values.images(size)[:1]
    np.testing.assert_array_equal(native(images), adapted(images))


def test_the_short_name_is_the_native_one():
    assert kt.get_backbone("davit_t").name == "classic/davit_t"
