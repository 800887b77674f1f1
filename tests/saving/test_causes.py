"""The cause of an error of Keras, without the configuration around it."""

import keras
import pytest

from keras_transfer.saving.causes import cause_of


def error_of(config):
    with pytest.raises((TypeError, ValueError)) as raised:
        keras.saving.deserialize_keras_object(config)
    return raised.value


def layer(name, **config):
    return {
        "module": "keras.layers",
        "class_name": name,
        "config": {"name": "x", **config},
    }


@pytest.mark.parametrize(
    ("config", "cause"),
    [
        (
            layer("Dense", units=2, depth=3),
            "the object 'x' of class Dense: unexpected argument 'depth'",
        ),
        (layer("Dense"), "the object 'x' of class Dense: no 'units'"),
        (
            layer("Dense", units=2, activation="mood"),
            "the object 'x' of class Dense: Could not interpret activation "
            "function identifier: mood",
        ),
        (
            layer("TimeDistributed", layer=layer("ReLU", mood="x" * 20_000)),
            "the object 'x' of class ReLU: unexpected argument 'mood'",
        ),
    ],
)
def test_the_innermost_cause_is_named(config, cause):
    assert cause_of(error_of(config)) == cause


def test_what_has_no_sentence_gets_one():
    assert cause_of(KeyError("layers")) == "'layers' is missing"
    assert cause_of(ValueError()) == "ValueError"
    assert cause_of(MemoryError()) == "it takes more memory than there is"
    assert cause_of(RecursionError()) == "its objects are nested too deeply"
    assert "\x1b" not in cause_of(ValueError("\x1b[2J"))
