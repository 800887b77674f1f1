"""Presets: a folder that a backbone is saved to, and made from again."""

import ast
import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.structure import model_info
from tests.conftest import build_tiny
from tests.files.hub_server import HubServer

STAGES = (("stem", "relu_1"), ("stage_1", "relu_2"), ("stage_2", "relu_3"))
SPEC = kt.BackboneSpec(
    build_tiny,
    "my/tiny",
    default_size=32,
    preprocessing=kt.Preprocessing.of_mode("caffe"),
    stages=STAGES,
    license="CC0",
)


def images(*shape):
    return np.random.default_rng(0).uniform(0, 255, shape).astype("float32")


def outputs(model):
    height, width, channels = (n or 32 for n in model.input_shape[1:])
    return np.asarray(model(images(2, height, width, channels)))


def classify(backbone):
    keras.utils.set_random_seed(0)
    return kt.build_model(backbone, kt.heads.LinearHead(2))


def describe(folder):
    return json.loads((folder / "backbone.json").read_text())


@pytest.fixture
def backbone():
    return kt.create_backbone(SPEC, weights=None, width=5)


@pytest.fixture
def folder(backbone, tmp_path):
    kt.save_backbone(backbone, tmp_path / "a" / "preset")
    return tmp_path / "a" / "preset"


def assert_same(one, other):
    assert [layer.name for layer in one.layers] == [
        layer.name for layer in other.layers
    ]
    np.testing.assert_array_equal(outputs(one), outputs(other))
    assert kt.stages_of(one) == kt.stages_of(other)
    assert model_info.provenance_of(one) == model_info.provenance_of(other)
    one, other = classify(one), classify(other)
    np.testing.assert_array_equal(outputs(one), outputs(other))
    assert kt.info(one).backbone == kt.info(other).backbone


def test_a_backbone_comes_back_as_it_was(backbone, folder):
    assert_same(kt.create_backbone(folder), backbone)
    assert sorted(os.listdir(folder)) == [
        describe(folder)["model"],
        "backbone.json",
    ]


def test_a_cut_of_a_registered_one_comes_back_with_its_pretrained_record(
    backbone, tmp_path
):
    backbone.save_weights(tmp_path / "w.weights.h5")
    cut = kt.create_backbone(
        SPEC,
        weights=tmp_path / "w.weights.h5",
        input_shape=(None, None, 4),
        cut_at="conv_2",
        width=5,
    )
    kt.save_backbone(cut, tmp_path / "cut")
    again = kt.create_backbone(tmp_path / "cut")
    assert_same(again, cut)
    record = kt.info(classify(again)).backbone
    assert (record["weights"], record["cut_at"]) == ("w.weights.h5", "conv_2")
    assert (record["license"], record["options"]) == ("CC0", {"width": 5})


def test_a_model_of_ones_own_comes_back(tmp_path):
    model = build_tiny()
    kt.save_backbone(model, tmp_path / "own")
    again = kt.create_backbone(tmp_path / "own")
    np.testing.assert_array_equal(outputs(again), outputs(model))
    assert kt.stages_of(again) == kt.stages_of(model)
    np.testing.assert_array_equal(
        outputs(classify(again)), outputs(classify(model))
    )


def test_what_is_frozen_stays_frozen(backbone, tmp_path):
    kt.freeze(backbone, up_to="stem")
    kt.save_backbone(backbone, tmp_path / "frozen")
    again = kt.create_backbone(tmp_path / "frozen")
    assert [layer.trainable for layer in again.layers] == [
        layer.trainable for layer in backbone.layers
    ]


CLEAN = """
import sys
import numpy as np
import keras_transfer as kt

backbone = kt.create_backbone(sys.argv[1] + "/preset")
model = kt.build_model(backbone, kt.heads.LinearHead(2))
x = np.load(sys.argv[1] + "/x.npy")
np.testing.assert_array_equal(
    backbone(x), np.load(sys.argv[1] + "/y.npy"))
print([s.name for s in kt.stages_of(backbone)])
print(model.get_layer("rescaling").scale)
print([m for m in sys.modules if m.startswith("keras_transfer_")])
"""
# A provider is asked for its names, which is no use of its plugin.
LISTING = ["keras_transfer_kecam"] + [
    f"keras_transfer_kecam.{name}" for name in ("catalogue", "provided")
]


def test_a_clean_process_needs_neither_network_nor_plugin(tmp_path):
    backbone = kt.create_backbone(
        "mobilenet", weights=None, input_shape=(32, 32, 3), alpha=0.25
    )
    kt.save_backbone(backbone, tmp_path / "preset")
    np.save(tmp_path / "x.npy", images(2, 32, 32, 3))
    np.save(tmp_path / "y.npy", backbone(images(2, 32, 32, 3)))
    done = subprocess.run(
        [sys.executable, "-c", CLEAN, tmp_path],
        env={**os.environ, "https_proxy": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    stages, scale, plugins = done.stdout.splitlines()
    assert stages == str([stage.name for stage in kt.stages_of(backbone)])
    assert float(scale) == 1 / 127.5
    assert sorted(ast.literal_eval(plugins)) == LISTING


def test_it_can_be_named_by_a_relative_path(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert kt.create_backbone("preset").name == "tiny"
    assert kt.create_backbone("./preset").name == "tiny"


def test_a_registered_name_comes_before_a_folder(folder, monkeypatch):
    kt.register_backbone(
        lambda input_shape: build_tiny(input_shape, name="registered"),
        name="test/preset",
    )
    monkeypatch.chdir(folder.parent)
    assert kt.create_backbone("preset", weights=None).name == "registered"
    assert kt.create_backbone("./preset").name == "tiny"


def test_its_weights_alone_can_be_taken(backbone, folder):
    wide = kt.create_backbone(
        SPEC, weights=folder, input_shape=(48, 48, 3), width=5
    )
    for one, other in zip(
        wide.get_weights(), backbone.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_it_can_be_cut_when_it_is_created(folder):
    cut = kt.create_backbone(folder, cut_at="stage_1")
    assert cut.layers[-1].name == "relu_2"
    assert [s.name for s in kt.stages_of(cut)] == ["stem", "stage_1"]
    assert kt.info(classify(cut)).backbone["cut_at"] == "stage_1"


@pytest.mark.parametrize(
    "arguments",
    [
        {"weights": None},
        {"weights": "other.h5"},
        {"input_shape": (64, 64, 3)},
        {"width": 3},
    ],
    ids=str,
)
def test_what_a_preset_fixes_cannot_be_asked_for(folder, arguments):
    with pytest.raises(
        ValueError, match="comes with its own weights, options and .*by name"
    ):
        kt.create_backbone(folder, **arguments)
    assert kt.create_backbone(folder, input_shape=(32, 32, 3)).name == "tiny"


# What cannot be saved is refused before anything is written.
def test_a_function_as_preprocessing_is_refused(tmp_path):
    spec = kt.BackboneSpec(
        build_tiny, "my/tiny", preprocessing=lambda images: images / 255
    )
    backbone = kt.create_backbone(spec, weights=None)
    with pytest.raises(TypeError, match="of 'my/tiny' is a function, which"):
        kt.save_backbone(backbone, tmp_path / "preset")
    assert os.listdir(tmp_path) == []


def test_options_that_are_no_data_are_refused(tmp_path):
    def build(input_shape, activation=None):
        return build_tiny(input_shape)

    spec = kt.BackboneSpec(build, "my/tiny")
    backbone = kt.create_backbone(spec, weights=None, activation=len)
    with pytest.raises(TypeError, match="options of 'my/tiny' cannot be writ"):
        kt.save_backbone(backbone, tmp_path / "preset")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("value", ["vgg16", keras.layers.Dense(2)])
def test_what_is_no_backbone_is_refused(tmp_path, value):
    with pytest.raises(TypeError, match="must be a Functional keras.Model"):
        kt.save_backbone(value, tmp_path / "preset")


def test_a_place_that_is_no_folder_is_refused(backbone, tmp_path):
    (tmp_path / "file").touch()
    for place in ("file", "file/preset"):
        with pytest.raises(ValueError, match="Cannot make the folder .*file"):
            kt.save_backbone(backbone, tmp_path / place)


# A crash leaves the old preset or the new one.
def test_every_moment_of_saving_holds_a_whole_preset(
    backbone, folder, tmp_path, monkeypatch
):
    """Looks at the folder before and after each change of a name in it."""
    new = build_tiny(width=2)
    moments = []

    def look():
        moments.append(shutil.copytree(folder, tmp_path / str(len(moments))))

    def looking(function):
        def call(*arguments, **options):
            look()
            result = function(*arguments, **options)
            look()
            return result

        return call

    for module, name in ((os, "replace"), (os, "unlink"), (os, "remove")):
        monkeypatch.setattr(module, name, looking(getattr(module, name)))
    kt.save_backbone(new, folder)
    monkeypatch.undo()
    widths = [
        kt.create_backbone(moment).get_layer("conv_1").filters
        for moment in moments
    ]
    assert widths == sorted(widths, reverse=True)
    assert set(widths) == {5, 2}
    assert sorted(os.listdir(folder)) == [
        describe(folder)["model"],
        "backbone.json",
    ]


def test_a_failure_leaves_the_old_preset_and_nothing_else(backbone, folder):
    class Unsavable(keras.layers.ReLU):
        def get_config(self):
            raise RuntimeError("no config")

    before = sorted(os.listdir(folder))
    broken = keras.Model(backbone.input, Unsavable()(backbone.output))
    with pytest.raises(RuntimeError, match="no config"):
        kt.save_backbone(broken, folder)
    assert sorted(os.listdir(folder)) == before
    assert_same(kt.create_backbone(folder), backbone)


def test_other_files_of_the_folder_stay(backbone, folder):
    (folder / "README.md").write_text("# A model")
    kt.save_backbone(build_tiny(width=2), folder)
    assert (folder / "README.md").read_text() == "# A model"
    assert len(os.listdir(folder)) == 3


# What is damaged or missing is named.
def change(folder, **values):
    described = {**describe(folder), **values}
    (folder / "backbone.json").write_text(json.dumps(described))


def damage_the_model(folder):
    path = folder / describe(folder)["model"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_the_description(folder):
    text = (folder / "backbone.json").read_text()
    (folder / "backbone.json").write_text(text[:-20])


def drop_the_sha256(folder):
    described = describe(folder)
    del described["sha256"]
    (folder / "backbone.json").write_text(json.dumps(described))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (damage_the_model, "is damaged or another than .*expected the sha256"),
        (
            lambda f: (f / describe(f)["model"]).unlink(),
            "is a preset without its model file 'backbone-",
        ),
        (
            lambda f: (f / "backbone.json").unlink(),
            "is no preset: it holds no backbone.json. `kt.save_backbone` wri",
        ),
        (
            cut_the_description,
            "holds a damaged backbone.json: it holds no JSON",
        ),
        (drop_the_sha256, "damaged backbone.json .KeyError: 'sha256'"),
        (lambda f: change(f, schema=2), "schema 2. Expected 1: a later vers"),
        (lambda f: change(f, model="../m.keras"), "is no name of a model fi"),
        (lambda f: change(f, sha256="12"), "`sha256` is no digest"),
        (lambda f: change(f, provenance=[]), "'provenance' is no object"),
        (
            lambda f: change(f, provenance={"stages": 3}),
            "damaged backbone.json .its provenance",
        ),
        (
            lambda f: change(
                f, preprocessing={"scale": "1", "offset": 0, "bgr": False}
            ),
            "expected numbers, received '1'",
        ),
        (
            lambda f: change(
                f, preprocessing={"scale": 1, "offset": [0], "bgr": 1}
            ),
            "`bgr` is neither true nor false",
        ),
        (
            lambda f: change(
                f,
                provenance={
                    **describe(f)["provenance"],
                    "stages": [["stem", "conv_9"]],
                },
            ),
            "Stage 'stem' of 'tiny' ends at 'conv_9', but",
        ),
    ],
)
def test_a_damaged_preset_is_one_sentence(folder, damage, sentence):
    damage(folder)
    with pytest.raises(ValueError, match=sentence):
        kt.create_backbone(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="There is no preset folder '.*nope'"):
        kt.create_backbone(tmp_path / "nope")


def test_a_missing_plugin_is_named(tmp_path):
    @keras.saving.register_keras_serializable("far_nets")
    class Double(keras.layers.ReLU):
        pass

    tiny = build_tiny()
    kt.save_backbone(keras.Model(tiny.input, Double()(tiny.output)), tmp_path)
    del keras.saving.get_custom_objects()["far_nets>Double"]
    owner = {"distribution": "far-nets", "version": "2.0"}
    change(tmp_path, classes={"far_nets>Double": owner})
    with pytest.raises(
        ValueError,
        match=r"class 'far_nets>Double' of the distribution far-nets 2\.0 .*"
        "which is not installed. Run `pip install far-nets`",
    ):
        kt.create_backbone(tmp_path)


# The hub.
@pytest.fixture
def published(folder, tmp_path, monkeypatch):
    """The preset, in a repository of a local hub."""
    from huggingface_hub import constants

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    with HubServer(files).running() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            server.address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield server


def test_a_preset_of_the_hub_comes_back(published, backbone):
    assert_same(kt.create_backbone("hf://org/name"), backbone)
    assert_same(
        kt.create_backbone(f"hf://org/name@{published.commit}"), backbone
    )


def test_weights_of_the_hub_are_recorded_with_their_commit(published, backbone):
    for address in ("hf://org/name", "hf://org/name@v1"):
        again = kt.create_backbone(SPEC, weights=address, width=5)
        np.testing.assert_array_equal(outputs(again), outputs(backbone))
        record = kt.info(classify(again)).backbone
        assert record["weights"].startswith(
            f"hf://org/name@{published.commit}/backbone-"
        )


def test_a_file_of_a_repository_is_no_preset(published):
    with pytest.raises(ValueError, match="whole repository.*hf://org/name.$"):
        kt.create_backbone("hf://org/name/backbone.json")


def test_a_repository_of_several_weights_wants_one_named(published, backbone):
    published.files = {"a.h5": b"a", "b.h5": b"b"}
    with pytest.raises(
        ValueError, match="hf://org/name holds 2 weights files, .*: name the"
    ):
        kt.create_backbone(SPEC, weights="hf://org/name")
