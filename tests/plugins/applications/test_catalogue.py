"""The table of contents: every factory of Keras, its sizes, its names."""

import re

import keras
import pytest

import keras_transfer as kt

from .conftest import factories
from .conftest import registered


class Stop(Exception):
    """Ends the building of a model as soon as what it needs is known."""


def test_every_factory_of_keras_has_a_backbone():
    missing = set(factories()) - set(registered().values())
    assert not missing, (
        f"keras.applications has gained {sorted(missing)}: add a "
        "specification to the family's module, an entry point to pyproject."
    )


def test_no_backbone_is_without_a_factory():
    assert sorted(registered().values()) == sorted(factories())
    assert len(registered()) == 40


def test_names_are_those_of_the_factories_in_snake_case():
    for name, factory in registered().items():
        letters = re.sub(r"[^a-z0-9]", "", name.partition("/")[2])
        assert letters == factory.lower()


def test_all_are_listed_with_the_registry():
    assert sorted(kt.list_backbones(provider="applications")) == sorted(
        registered()
    )
    assert kt.list_backbones("vgg*") == [
        "applications/vgg16",
        "applications/vgg19",
    ]


@pytest.mark.parametrize(("name", "factory"), sorted(registered().items()))
def test_sizes_are_those_of_keras(name, factory, monkeypatch):
    asked = []

    def obtain_input_shape(input_shape, **options):
        asked.append(options)
        raise Stop

    monkeypatch.setattr(
        "keras.src.applications.imagenet_utils.obtain_input_shape",
        obtain_input_shape,
    )
    spec = kt.get_backbone(name)
    build = getattr(keras.applications, factory)
    if factory.startswith("MobileNetV3"):
        # It alone checks by itself, and takes no smaller images than these.
        with pytest.raises(ValueError, match="at least 32x32"):
            build(weights=None, input_shape=(31, 31, 3))
        assert (spec.default_size, spec.minimum_size) == (224, 32)
        return
    with pytest.raises(Stop):
        build(weights=None)
    assert spec.default_size == asked[0]["default_size"]
    assert spec.minimum_size == asked[0]["min_size"]


@pytest.mark.parametrize("name", sorted(registered()))
def test_an_image_below_the_minimum_is_refused(name):
    size = kt.get_backbone(name).minimum_size - 1
    with pytest.raises(ValueError, match="needs images of at least"):
        kt.create_backbone(name, weights=None, input_shape=(size, size, 3))


@pytest.mark.parametrize("name", sorted(registered()))
def test_its_facts_are_complete(name):
    spec = kt.get_backbone(name)
    assert spec.reference.startswith("https://arxiv.org/abs/")
    assert spec.license.startswith("code Apache-2.0; weights ")
    assert spec.description
