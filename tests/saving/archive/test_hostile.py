"""A corpus of hostile and damaged model files, each refused in one sentence."""

import statistics
import sys
import time

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.saving import archive

from . import hostile
from .model_files import Parts
from .model_files import write_model

TABLES = {
    "configuration": hostile.CONFIGURATIONS,
    "members": hostile.MEMBERS,
    "tensors": hostile.TENSORS,
    "files": hostile.FILES,
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
        change(parts)
        parts.write_members(path)
    return sentence


@pytest.fixture(scope="module")
def _watched():
    """Sees programs that are started, connections and files of the system."""
    seen = []
    active = [True]

    def watch(event, arguments):
        if not active[0]:
            return
        if event in ("subprocess.Popen", "os.system", "socket.connect"):
            seen.append((event, arguments))
        elif event == "open" and str(arguments[0]).startswith("/etc/"):
            seen.append((event, arguments))

    # Python keeps such hooks for ever.
    sys.addaudithook(watch)
    yield seen
    active[0] = False


@pytest.fixture
def _nothing_happens(_watched):
    """Fails when a file starts a program, reads files or changes Keras."""
    floatx = keras.config.floatx()
    _watched.clear()
    yield
    assert not _watched
    assert keras.config.floatx() == floatx


def test_the_corpus_holds_at_least_a_hundred_files():
    assert len(CASES) >= 100
    assert len({name for _, name in CASES}) == len(CASES)


def test_the_sound_file_loads(sound):
    kt.load_model(sound)


@pytest.mark.usefixtures("_nothing_happens")
@pytest.mark.parametrize(("table", "name"), CASES)
def test_it_is_refused_in_a_sentence(table, name, sound, tmp_path):
    path = tmp_path / "m.keras"
    sentence = build(table, name, sound, path)
    before = set(tmp_path.iterdir())
    with pytest.raises(kt.ModelFileError, match=sentence) as raised:
        kt.load_model(path)
    assert str(path) in str(raised.value)
    assert len(str(raised.value)) < 900
    assert set(tmp_path.iterdir()) == before


def test_refusing_takes_milliseconds(sound, tmp_path):
    took = []
    for table, name in CASES[::4]:
        path = tmp_path / f"{name}.keras"
        build(table, name, sound, path)
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
