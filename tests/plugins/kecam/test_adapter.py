"""The adapter: what it leaves alone, what it says when kecam has moved."""

import os
import subprocess
import sys

import pytest
from keras_transfer_kecam import sources
from keras_transfer_kecam import upstream

import keras_transfer as kt

# Compares what a process shares before and after a model is made. Modules
# that are imported on demand by Keras and TensorFlow have names of their own.
STATE = """
import os, sys, warnings
{first}
import keras, numpy, keras_transfer as kt
def public():
    return {{n for n in sys.modules if "kecam" in n or "cv_attention" in n
            if not n.startswith("keras_transfer_kecam")}}
def state():
    registered = [n for n in keras.saving.get_custom_objects()
                  if not n.startswith("kecam.")]
    return [dict(os.environ), list(sys.path), list(warnings.filters),
            list(map(id, sys.meta_path)), public(), sorted(registered),
            keras.config.floatx(), keras.config.backend(),
            keras.config.epsilon(), keras.config.image_data_format(),
            keras.config.dtype_policy().name, sys.stdout, str.__name__,
            numpy.random.get_state()[1].tolist()]
keras.utils.set_random_seed(1)
keras.layers.Dense(1)
before = state()
model = kt.create_backbone("kecam/lcnet_050", weights=None)
for name, one, other in zip(range(99), before, state(), strict=False):
    assert one == other, (name, one, other)
assert keras.layers.Dense(1).name == "dense_1"
{then}
print("same")
"""
THEIRS = "import keras_cv_attention_models as theirs"
UNTOUCHED = "assert sys.modules['keras_cv_attention_models'] is theirs"
# Their layers are of the Keras of their choice, ours are of Keras 3.
SEPARATE = """
from keras_cv_attention_models.common_layers import EvoNormalization
assert not issubclass(EvoNormalization, keras.layers.Layer)
"""


def run(code, python=sys.executable):
    finished = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, timeout=600
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize(
    ("first", "then"),
    [("", THEIRS), (THEIRS, UNTOUCHED)],
    ids=["alone, then kecam", "kecam first"],
)
def test_nothing_outside_is_changed(first, then):
    output = run(STATE.format(first=first, then=then))
    assert output.splitlines()[-1] == "same"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("", ""),
        ("import tf_keras", ""),
        (THEIRS, UNTOUCHED + SEPARATE),
        # TensorFlow came before kecam could choose Keras 2 for it.
        ("import tf_keras\n" + THEIRS, UNTOUCHED),
    ],
    ids=["installed", "tf-keras first", "kecam first", "both first"],
)
def test_nothing_outside_is_changed_where_tf_keras_is(first, then):
    python = os.environ.get("KERAS_TRANSFER_TF_KERAS_PYTHON")
    if not python:
        pytest.skip(
            "KERAS_TRANSFER_TF_KERAS_PYTHON names no Python with tf-keras"
        )
    output = run(STATE.format(first=first, then=then), python)
    assert output.splitlines()[-1] == "same"


def test_another_release_is_warned_of(monkeypatch):
    monkeypatch.setattr(upstream, "_release", lambda: "1.5.0")
    monkeypatch.setattr(upstream, "_sources", upstream._sources.__wrapped__)
    with pytest.warns(UserWarning, match=r"1\.5\.0 was not tried.*1\.4\.3 was"):
        upstream.constructor("davit.davit.DaViT_T")


@pytest.mark.parametrize("path", ["davit.davit.DaViT_X", "gone.gone.Model"])
def test_what_has_moved_is_named(path):
    home = path.removesuffix(".Model")
    sentence = (
        rf"keras-cv-attention-models 1\.4\.3 does not offer '{home}'.*"
        r"Run `pip install 'keras-transfer\[kecam\]'`"
    )
    with pytest.raises(ImportError, match=sentence):
        upstream.constructor(path)


def test_kecam_never_downloads():
    backend = upstream.module("backend")
    with pytest.raises(ValueError, match="are fetched by keras_transfer"):
        backend.get_file("x", "y")


def test_a_module_that_fails_is_not_kept(tmp_path):
    (tmp_path / "bad.py").write_text("raise RuntimeError('boom')")
    package = sources.Sources(tmp_path, {"": type(sys)("root")})
    for _ in range(2):
        with pytest.raises(RuntimeError, match="boom"):
            package.module("bad")
    with pytest.raises(ImportError, match="has no module 'none'"):
        package.module("none")


def test_names_given_to_layers_hold_no_slash(tmp_path):
    (tmp_path / "made.py").write_text(
        "def make(**options): return options\n"
        "first = 'a/'\nresult = make(name=first + 'b')\n"
    )
    package = sources.Sources(tmp_path, {"": type(sys)("root")})
    assert package.module("made").result == {"name": "a_b"}


def test_channels_first_is_refused():
    import keras

    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ValueError, match="takes channels last only"):
            kt.create_backbone("kecam/lcnet_050", weights=None)
    finally:
        keras.config.set_image_data_format("channels_last")
