"""A corpus of hostile and damaged model files, each refused in one sentence."""

import contextlib
import importlib
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
import warnings

import h5py
import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.cli import main
from keras_transfer.files.checksums import file_sha256
from keras_transfer.saving import archive
from keras_transfer.saving.legacy_h5 import load_h5

from . import hostile
from . import hostile_archives
from . import hostile_graphs
from . import hostile_objects
from . import hostile_text
from .model_files import Parts
from .model_files import write_model

TABLES = {
    "configuration": {
        **hostile.CONFIGURATIONS,
        **hostile_graphs.CASES,
        **hostile_objects.CASES,
        **hostile_text.SETTINGS,
    },
    "members": {**hostile.MEMBERS, **hostile_text.MEMBERS},
    "tensors": hostile.TENSORS,
    "files": {**hostile.FILES, **hostile_archives.FILES},
}
CASES = [(table, name) for table in TABLES for name in TABLES[table]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "m.keras"
    write_model(path)
    return path


def build(table, name, sound, path):
    """Writes a file of the corpus; returns what its refusal says."""
    change, sentence = TABLES[table][name]
    parts = Parts(sound)
    if table == "files":
        change(parts, path)
    elif table == "configuration":
        change(parts)
        parts.write(path)
    elif table == "tensors":
        parts.change_weights(change)
        parts.write(path)
    else:
        parts.members["config.json"] = json.dumps(parts.config).encode()
        change(parts)
        parts.write_members(path)
    return sentence


@pytest.fixture(scope="module")
def _watched():
    """Sees programs, connections, files of the system, and what is written."""
    seen = []
    active = [True]
    temporary = tempfile.gettempdir()

    def watch(event, arguments):
        if not active[0]:
            return
        if event in ("subprocess.Popen", "os.system", "socket.connect"):
            seen.append((event, arguments))
        elif event == "open" and isinstance(arguments[0], str):
            path, flags = arguments[0], arguments[2]
            is_written = flags & (os.O_WRONLY | os.O_RDWR)
            if path.startswith(("/etc/", "/dev/zero")) or (
                is_written and not path.startswith((temporary, "/dev/null"))
            ):
                seen.append((event, arguments))

    # Python keeps such hooks for ever.
    sys.addaudithook(watch)
    yield seen
    active[0] = False


def settings():
    return (
        keras.config.floatx(),
        keras.config.epsilon(),
        keras.config.backend(),
        keras.config.image_data_format(),
        keras.config.dtype_policy().name,
        keras.config.is_traceback_filtering_enabled(),
        keras.config.is_interactive_logging_enabled(),
        keras.config.is_flash_attention_enabled(),
        sorted(keras.saving.get_custom_objects()),
        # Safe mode, of which no public function tells.
        importlib.import_module(
            "keras.src.backend.common.global_state"
        ).get_global_attribute("safe_mode_saving"),
    )


@pytest.fixture
def _nothing_happens(_watched):
    """Fails when a file starts a program, reads files or changes Keras."""
    before = settings()
    _watched.clear()
    yield
    assert not _watched
    assert settings() == before


@contextlib.contextmanager
def bounded(path):
    """Fails when something takes more than it may for a file."""
    size = path.stat().st_size if path.is_file() else 0
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < 5
    # Of the process, of which no part is returned.
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert grown * 1024 < 3 * min(size, 16 << 20) + (200 << 20)


@pytest.fixture(scope="module")
def corpus(sound, tmp_path_factory):
    """All files, by their names."""
    files = {}
    for table, name in CASES:
        folder = tmp_path_factory.mktemp(f"file{len(files)}")
        build(table, name, sound, folder / "m.keras")
        files[name] = folder / "m.keras"
    return files


def test_the_corpus_holds_at_least_250_files():
    assert len(CASES) >= 250
    assert len({name for _, name in CASES}) == len(CASES)


def test_the_sound_file_loads(sound):
    kt.load_model(sound)


@pytest.mark.usefixtures("_nothing_happens")
@pytest.mark.parametrize(("table", "name"), CASES)
def test_it_is_refused_in_a_sentence(table, name, corpus):
    path = corpus[name]
    _, sentence = TABLES[table][name]
    before = set(path.parent.iterdir())
    with (
        bounded(path),
        pytest.raises(kt.ModelFileError, match=sentence) as raised,
    ):
        kt.load_model(path)
    said = str(raised.value)
    assert said.startswith(f"The model file {str(path)!r} ")
    assert len(said) < 900
    assert said.isprintable()
    assert "Please ensure" not in said
    assert set(path.parent.iterdir()) == before


@pytest.mark.usefixtures("_nothing_happens")
def test_the_commands_refuse_it_too(corpus, capsys):
    for name, path in list(corpus.items())[::2]:
        with bounded(path):
            assert main(["check", str(path)]) == 1, name
            out, err = capsys.readouterr()
            assert out.startswith(f"The model file {str(path)!r} "), name
            # What only Keras finds, as it builds the model, is shown.
            assert main(["inspect", str(path)]) in (0, 2), name
        out, err = capsys.readouterr()
        assert "\x1b" not in out + err
        assert "nexpected error" not in err
        assert "foreseen" not in err


def regular(corpus):
    return {name: path for name, path in corpus.items() if path.is_file()}


@pytest.mark.usefixtures("_nothing_happens")
def test_a_preset_of_it_is_refused(corpus, tmp_path):
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv", activation="relu")(image)
    kt.save_backbone(keras.Model(image, x), tmp_path)
    described = json.loads((tmp_path / "backbone.json").read_text())
    for name, path in list(regular(corpus).items())[::3]:
        if path.stat().st_size > 1 << 30:
            continue  # Holes, which tell apart no preset.
        shutil.copyfile(path, tmp_path / described["model"])
        text = {**described, "sha256": file_sha256(path)}
        (tmp_path / "backbone.json").write_text(json.dumps(text))
        with bounded(path):
            try:
                kt.create_backbone(tmp_path)
            except kt.ModelFileError:
                continue
        pytest.fail(f"The preset of {name} is created.")


@pytest.mark.usefixtures("_nothing_happens")
def test_weights_of_it_are_refused(corpus):
    def build_tiny(input_shape):
        image = keras.Input(input_shape)
        return keras.Model(image, keras.layers.Conv2D(4, 3)(image))

    spec = kt.BackboneSpec(build_tiny, name="test/tiny", default_size=8)
    for name, path in list(regular(corpus).items())[1::3]:
        with bounded(path):
            try:
                kt.create_backbone(spec, weights=path)
            except kt.ModelFileError:
                continue
        pytest.fail(f"The weights of {name} are loaded.")


def hdf5_with(change, sound, path):
    """Writes an `.h5` file whose configuration is a change of a sound one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kt.load_model(sound).save(path)
    parts = Parts(sound)
    with h5py.File(path, "r+") as file:
        parts.config = json.loads(file.attrs["model_config"])
        change(parts)
        file.attrs["model_config"] = json.dumps(parts.config)


@pytest.mark.usefixtures("_nothing_happens")
@pytest.mark.parametrize(
    "place",
    [
        "call_of_model_info",
        "settings_of_the_head",
        "call_of_a_layer",
        "initializer",
        "wrapper_in_wrapper",
    ],
)
def test_convert_refuses_a_forbidden_object(place, sound, tmp_path, capsys):
    for name, thing in hostile_objects.OBJECTS.items():
        path = tmp_path / f"{name}.h5"
        change = hostile_objects.change(hostile_objects.PLACES[place], thing)
        hdf5_with(change, sound, path)
        with pytest.raises(kt.ModelFileError):
            load_h5(path)
        assert main(["convert", str(path), str(tmp_path / "m.keras")]) == 2
        assert not (tmp_path / "m.keras").exists()
        capsys.readouterr()


@pytest.mark.usefixtures("_nothing_happens")
def test_convert_goes_by_the_name_of_a_class_alone(sound, tmp_path):
    function = hostile_objects.function("keras.config", "set_floatx")

    def change(parts):
        parts.layer("bn").clear()
        parts.layer("backbone")["config"]["layers"][2] = {
            "class_name": "Lambda",
            "registered_name": "keras_transfer>LinearHead",
            "name": "bn",
            "config": {"name": "bn", "function": function},
            "inbound_nodes": [],
        }

    hdf5_with(change, sound, tmp_path / "m.h5")
    with pytest.raises(kt.ModelFileError, match="holds a Lambda layer"):
        load_h5(tmp_path / "m.h5")


def test_refusing_takes_milliseconds(corpus):
    took = []
    for path in list(corpus.values())[::4]:
        start = time.perf_counter()
        try:
            archive.check_kind(path)
            with archive.checked(path, lambda name: True) as contents:
                contents.check_finite()
        except kt.ModelFileError:
            took.append(time.perf_counter() - start)
    assert len(took) > 20
    assert statistics.median(took) < 0.05


def test_every_weight_type_of_keras_is_looked_at_for_nan(tmp_path):
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        model = keras.Sequential(
            [keras.Input((2,)), keras.layers.Dense(2, dtype=dtype)]
        )
        path = tmp_path / f"{dtype}.keras"
        model.save(path)
        kt.load_model(path)
        model.layers[0].bias.assign([1.0, np.nan])
        model.save(path)
        with pytest.raises(kt.ModelFileError, match="layers/dense/vars/1"):
            kt.load_model(path)
        loaded = kt.load_model(path, allow_non_finite=True)
        assert np.isnan(np.asarray(loaded.layers[0].bias, "float32")[1])
