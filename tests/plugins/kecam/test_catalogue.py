"""The catalogue: what it lists, and that nothing of kecam is needed for it."""

import ast
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import time

import pytest
from keras_transfer_kecam import catalogue
from keras_transfer_kecam import layer_classes
from keras_transfer_kecam import provided
from keras_transfer_kecam.development import enumerate_models
from keras_transfer_kecam.sources import PACKAGE

import keras_transfer as kt
from keras_transfer.models import spec
from keras_transfer.registry import plugin_classes

ROOT = pathlib.Path(__file__).parents[3]


def test_the_provided_classes_are_those_that_kecam_registers():
    found = importlib.util.find_spec(PACKAGE)
    root = pathlib.Path(found.submodule_search_locations[0])
    registered = {
        short: tuple(
            node.name
            for node in ast.parse(
                root.joinpath(*module.split("."))
                .with_suffix(".py")
                .read_text("utf-8")
            ).body
            if isinstance(node, ast.ClassDef)
            and any(
                "register_keras_serializable" in ast.unparse(decorator)
                for decorator in node.decorator_list
            )
        )
        for short, module in layer_classes.MODULES.items()
    }
    assert registered == provided.CLASSES


def test_every_provided_name_is_listed_with_the_extra_that_it_needs():
    assert len(kt.list_backbones("kecam/*")) == len(catalogue.models())
    entries = spec.default_registry().declared().claims
    (entry,) = entries["kecam/davit_t"]
    assert entry.part == "keras-transfer[kecam]"
    assert entry.value == "keras_transfer_kecam.specs:davit_t"
    (entry,) = (
        plugin_classes.default_registry()
        .declared()
        .claims["kecam.beit>HeadInitializer"]
    )
    assert entry.part == "keras-transfer[kecam]"


def test_the_catalogue_is_what_kecam_s_sources_say():
    listed = {m["name"]: m for m in enumerate_models.enumerate_models()}
    stored = json.loads(enumerate_models.TARGET.read_text("utf-8"))
    assert {m["name"]: m for m in stored} == listed


def test_every_recognition_constructor_is_listed():
    constructors = {m.constructor for m in catalogue.models().values()}
    assert len(constructors) == 375
    assert len(catalogue.models()) == 381
    for name in catalogue.models():
        assert re.fullmatch(r"[a-z0-9_]+", name)


def test_results_are_of_listed_models():
    assert set(catalogue.results()) <= set(catalogue.models())
    for result in catalogue.results().values():
        assert result.state in ("works", "fails", "too large")
        assert bool(result.reason) == (result.state != "works")


def test_short_names_stay_with_what_needs_no_extra():
    for name in ("convnext_tiny", "efficientnet_v2_b0"):
        assert kt.get_backbone(name).name == f"applications/{name}"
        assert kt.get_backbone(f"kecam/{name}").name == f"kecam/{name}"
    assert kt.get_backbone("coatnet0").name == "kecam/coatnet0"


def test_listing_is_fast():
    def seconds():
        # Of this process alone: other programs may keep the machine busy.
        start = time.process_time()
        kt.list_backbones()
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.1


def test_looking_at_every_model_imports_neither_kecam_nor_keras():
    code = """
import sys, keras_transfer as kt
names = kt.list_backbones(provider="kecam")
assert kt.get_backbone(names[0]).name == names[0]
# Each look into the registry reads anew what is installed.
from keras_transfer_kecam import specs
found = [getattr(specs, name.removeprefix("kecam/")) for name in names]
assert len(found) == 381
for name in ("keras", "tensorflow", "keras_cv_attention_models", "kecam"):
    assert name not in sys.modules, name
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize(
    ("name", "tag", "size", "url"),
    [
        ("davit_t", "imagenet", 280, "davit/davit_t_imagenet.h5"),
        (
            "beit_large_patch16",
            "imagenet21k-ft1k",
            400,
            "beit/beit_large_patch16_384_imagenet21k-ft1k.h5",
        ),
        (
            "beit_large_patch16",
            "imagenet21k-ft1k",
            None,
            "beit/beit_large_patch16_512_imagenet21k-ft1k.h5",
        ),
        (
            "efficientnet_v2_b0_imagenet21k",
            "imagenet21k",
            224,
            "effnetv2_pretrained/efficientnetv2-b0-21k.h5",
        ),
    ],
)
def test_weights_files_are_those_that_kecam_fetches(name, tag, size, url):
    source = kt.get_backbone(f"kecam/{name}").weights[tag]
    if callable(source):
        source = source((size, size, 3))
    assert source.url.endswith(f"/releases/download/{url}")
    assert re.fullmatch("[0-9a-f]{32}", source.md5)


def test_a_tag_that_kecam_has_not_is_answered_with_those_it_has():
    sentence = (
        "Unknown weights 'imagenet' for the backbone "
        "'kecam/beit_base_patch16'. Expected None for random weights, "
        "'imagenet21k-ft1k'"
    )
    with pytest.raises(ValueError, match=sentence):
        kt.create_backbone("kecam/beit_base_patch16")
