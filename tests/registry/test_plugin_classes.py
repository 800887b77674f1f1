"""Plugin classes that saved files need: found on demand, explained if missing.

Processes of their own load such files in `test_third_party.py`.
"""

import json
import sys
import zipfile

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.registry import needed_classes
from keras_transfer.registry import plugin_classes

MODULE = """
import keras

@keras.saving.register_keras_serializable("{package}", "Double")
class Double(keras.layers.Layer):
    def call(self, inputs):
        return inputs * {factor}

def double(inputs):
    return inputs * 2
"""


@pytest.fixture(autouse=True)
def _own_custom_objects():
    """Forgets the classes that a test makes known."""
    known = keras.saving.get_custom_objects()
    before = dict(known)
    yield
    known.clear()
    known.update(before)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that installs a distribution with one class.

    Returns the metadata folder, which holds the name of the distribution.
    """
    modules = []

    def add(module, entry="my_nets.Double", target=None, source=None, **values):
        folder = tmp_path / module
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        values = {"package": "my_nets", "factor": 2, **values}
        source = (source or MODULE).format(**values)
        (folder / f"{module}.py").write_text(source)
        name = module.replace("_", "-")
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        (info / "entry_points.txt").write_text(
            f"[{plugin_classes.GROUP}]\n{entry} = {target or module}:Double\n"
        )
        monkeypatch.syspath_prepend(folder)
        modules.append(module)
        plugin_classes.add_stubs()
        return info

    yield add
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def path(tmp_path):
    """A model file with a class of a plugin, which is forgotten again."""
    return write(tmp_path / "m.keras", "my_nets")


def write(path, package, distribution=None, version="1.2"):
    scope = {}
    exec(MODULE.format(package=package, factor=2), scope)
    image = keras.Input((8, 8, 3))
    # Twice, since Keras holds on to a stand-in while it reads a file.
    x = scope["Double"](name="one")(image)
    backbone = keras.Model(image, scope["Double"](name="two")(x), name="net")
    model = kt.build_model(backbone, kt.heads.LinearHead(2))
    if distribution:
        metadata = model.get_layer("model_info").metadata
        owner = {"distribution": distribution, "version": version}
        metadata["classes"] = {f"{package}>Double": owner}
    model.save(path)
    del keras.saving.get_custom_objects()[f"{package}>Double"]
    return path


LOADERS = [kt.load_model, keras.saving.load_model]


@pytest.mark.parametrize("load", LOADERS)
def test_a_class_is_imported_when_a_file_needs_it(load, install, path):
    install("my_module")
    assert "my_module" not in sys.modules
    model = load(path)
    doubled = model.get_layer("net")(np.ones((1, 8, 8, 3)))
    np.testing.assert_array_equal(doubled, np.full((1, 8, 8, 3), 4.0))
    real = sys.modules["my_module"].Double
    assert type(model.get_layer("net").get_layer("two")) is real
    assert keras.saving.get_custom_objects()["my_nets>Double"] is real


def test_nothing_is_imported_before(install):
    install("my_module", source="raise RuntimeError('imported')")
    stub = keras.saving.get_registered_object("my_nets>Double")
    assert repr(stub) == (
        "<the class 'my_nets>Double' of a plugin, not imported yet>"
    )
    assert "my_module" not in sys.modules


def test_a_class_that_is_registered_already_stays(install):
    @keras.saving.register_keras_serializable("my_nets")
    class Double(keras.layers.Layer):
        pass

    install("my_module")
    assert keras.saving.get_registered_object("my_nets>Double") is Double


def test_a_class_that_is_imported_as_usual_replaces_its_stand_in(install):
    install("my_module")
    real = __import__("my_module").Double
    assert keras.saving.get_registered_object("my_nets>Double") is real


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("my_nets.Double", "my_nets>Double"),
        ("my.nets.Double", "my.nets>Double"),
    ],
)
def test_entries_spell_registered_names(entry, name):
    assert plugin_classes.registered_name(entry) == name


@pytest.mark.parametrize("load", LOADERS)
def test_two_distributions_that_claim_a_class_are_named(load, install, path):
    install("my_module")
    install("other_module")
    with pytest.raises(
        ValueError,
        match=r"The class 'my_nets>Double' is claimed by more than one "
        r"distribution: .*my-module 1\.0.*Uninstall all but one",
    ) as raised:
        load(path)
    assert "other-module 1.0" in str(raised.value)
    assert not {"my_module", "other_module"} & set(sys.modules)


@pytest.mark.parametrize("load", LOADERS)
def test_a_broken_plugin_raises_its_own_error(load, install, path):
    install("my_module", source="raise RuntimeError('no license')")
    with pytest.raises(RuntimeError, match="no license") as raised:
        load(path)
    assert "of the distribution my-module 1.0" in raised.value.__notes__[0]


@pytest.mark.parametrize("load", LOADERS)
def test_a_class_of_another_name_is_explained(load, install, path):
    install("my_module", package="your_nets")
    with pytest.raises(
        ValueError,
        match=r"declared as 'my_nets>Double' is registered with Keras as "
        r"'your_nets>Double'. Decorate it",
    ):
        load(path)


@pytest.mark.parametrize("load", LOADERS)
def test_an_object_that_is_no_class_is_explained(load, install, path):
    install("my_module", source="Double = 3")
    with pytest.raises(ValueError, match="a layer or another .* Received: 3"):
        load(path)


def test_a_missing_distribution_is_named(tmp_path):
    path = write(tmp_path / "m.keras", "my_nets", "my-nets")
    sentence = (
        r"needs the class 'my_nets>Double' of the distribution my-nets 1\.2 "
        r"\(as the file says\), which is not installed. Run `pip install "
        r"my-nets` if you trust it\."
    )
    for load in LOADERS * 2:
        with pytest.raises(ValueError, match=sentence):
            load(path)
    assert "my_nets>Double" not in keras.saving.get_custom_objects()


def test_an_outdated_distribution_is_named(tmp_path, install):
    install("my_nets_dist", entry="my_nets.Other")
    path = write(tmp_path / "m.keras", "my_nets", "my-nets-dist")
    with pytest.raises(
        ValueError,
        match=r"which the installed version 1\.0 does not declare. Run `pip "
        r"install 'my-nets-dist>=1\.2'` if",
    ):
        kt.load_model(path)


def test_the_backbone_names_the_distribution_of_an_older_file(tmp_path):
    path = write(tmp_path / "m.keras", "my_nets")
    change(path, backbone={"distribution": "my-nets", "version": "0.3"})
    with pytest.raises(ValueError, match=r"distribution my-nets 0\.3"):
        kt.load_model(path)


@pytest.mark.parametrize(
    "distribution", ["my-nets; rm -rf ~", "--index-url=x y", 3, None, ""]
)
def test_a_file_writes_no_commands(tmp_path, distribution):
    path = write(tmp_path / "m.keras", "my_nets")
    change(path, backbone={"distribution": distribution, "version": "1"})
    with pytest.raises(ValueError, match="nothing installed declares. Inst"):
        kt.load_model(path)


@pytest.mark.parametrize("classes", [3, ["a"], {"my_nets>Double": 3}, None])
@pytest.mark.parametrize("load", LOADERS)
def test_a_file_may_hold_nonsense(load, tmp_path, classes):
    path = write(tmp_path / "m.keras", "my_nets")
    change(path, classes=classes)
    with pytest.raises((ValueError, TypeError), match="my_nets>Double"):
        load(path)


def test_a_class_of_the_user_is_named_with_its_module(path):
    with pytest.raises(
        ValueError,
        match=r"m.keras' needs the class 'my_nets>Double'.*which nothing "
        "installed declares. Install .* or import the module that registers",
    ):
        kt.load_model(path)


def test_an_earlier_explanation_is_not_taken_for_the_class(path):
    owner = {"distribution": "other-nets", "version": "1"}
    needed_classes.explain_when_missing({"classes": {"my_nets>Double": owner}})
    assert keras.saving.get_registered_object("my_nets>Double") is not None
    with pytest.raises(ValueError, match="m.keras' needs the class"):
        kt.load_model(path)


def test_a_class_in_a_scope_is_known(path):
    scope = {}
    exec(MODULE.format(package="elsewhere", factor=3), scope)
    with keras.saving.custom_object_scope({"my_nets>Double": scope["Double"]}):
        model = kt.load_model(path)
    tripled = model.get_layer("net")(np.ones((1, 8, 8, 3)))
    np.testing.assert_array_equal(tripled, np.full((1, 8, 8, 3), 9.0))


def test_custom_objects_win_over_the_explanation(tmp_path):
    path = write(tmp_path / "m.keras", "my_nets", "my-nets")
    scope = {}
    exec(MODULE.format(package="elsewhere", factor=3), scope)
    keras.saving.load_model(
        path, custom_objects={"my_nets>Double": scope["Double"]}
    )


def test_a_folder_is_read_like_an_archive(tmp_path, path):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "m")
    with pytest.raises(ValueError, match="needs the class 'my_nets>Double'"):
        kt.load_model(tmp_path / "m")


def test_an_archive_without_a_model_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("note.txt", "no model")
    with pytest.raises(ValueError, match="holds the member .note"):
        kt.load_model(tmp_path / "m.keras")


def test_the_model_notes_who_provides_its_classes(install, tmp_path):
    install("my_module")
    module = __import__("my_module")
    image = keras.Input((8, 8, 3))
    backbone = keras.Model(image, module.Double()(image))
    model = kt.build_model(backbone, kt.heads.LinearHead(2))
    owner = {"distribution": "my-module", "version": "1.0"}
    assert needed_classes.owners_of(model) == {"my_nets>Double": owner}
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert loaded.get_layer("model_info").metadata["classes"] == {
        "my_nets>Double": owner
    }


def test_a_stock_model_needs_nobody(tiny_model):
    assert needed_classes.owners_of(tiny_model) == {}


def test_classes_and_registered_functions_are_found_in_a_configuration():
    @keras.saving.register_keras_serializable("my_nets")
    def swish(x):
        return x

    layers = [
        keras.Input((2,)),
        keras.layers.Dense(2, activation=swish, kernel_regularizer="l2"),
        keras.layers.Dense(2, activation="relu"),
        kt.heads.LinearHead(2),
    ]
    model = keras.Sequential(layers)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    found = needed_classes.classes_in(config)
    foreign = {
        name: module
        for name, module in found.items()
        if not module.startswith("keras.")
    }
    assert {"Dense", "L2", "Sequential"} <= set(found)
    assert "my_nets>swish" in foreign
    assert "keras_transfer>LinearHead" in foreign
    assert "relu" not in found


def change(path, **entries):
    """Rewrites the metadata of a saved model."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    (layer,) = [
        layer
        for layer in config["config"]["layers"]
        if layer["class_name"] == "ModelInfo"
    ]
    layer["config"]["metadata"].update(entries)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
