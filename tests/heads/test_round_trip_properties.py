"""Any valid configuration of any head survives a round trip."""

import json

import keras
import numpy as np
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import keras_transfer as kt

SHAPES = {2: (2, 3), 3: (2, 4, 3), 4: (2, 2, 3, 3)}
FEATURES = {
    rank: np.random.default_rng(rank).normal(size=shape).astype("float32")
    for rank, shape in SHAPES.items()
}

num_classes = st.integers(1, 6)
common = {
    "dropout": st.floats(0, 1, exclude_max=True),
    "name": st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True),
    "dtype": st.sampled_from(["float32", "mixed_float16", "mixed_bfloat16"]),
    "trainable": st.booleans(),
}
pooling = st.sampled_from(["avg", "max", "gem", "flatten"])


def _activations(classes):
    single = ["auto", None, "linear", "sigmoid", "tanh"]
    return st.sampled_from(single + ["softmax"] * (classes > 1))


def _arguments(**more):
    return num_classes.flatmap(
        lambda classes: st.fixed_dictionaries(
            {
                "num_classes": st.just(classes),
                "activation": _activations(classes),
                **common,
                **more,
            }
        )
    )


units = st.lists(st.integers(1, 5), max_size=3)
linear = st.tuples(
    st.just(kt.heads.LinearHead),
    _arguments(pooling=pooling),
    st.sampled_from([2, 3, 4]),
)
tokens = st.tuples(
    st.just(kt.heads.LinearHead) | st.just(kt.heads.MLPHead),
    _arguments(pooling=st.just("token")),
    st.just(3),
)
mlp = st.tuples(
    st.just(kt.heads.MLPHead),
    _arguments(
        pooling=pooling,
        hidden_units=units | units.map(tuple),
        hidden_activation=st.sampled_from(["relu", "gelu", "silu", "tanh"]),
    ),
    st.sampled_from([2, 3, 4]),
)
attention = st.tuples(
    st.just(kt.heads.AttentionPoolHead),
    _arguments(attention_units=st.integers(1, 5), gated=st.booleans()),
    st.sampled_from([3, 4]),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(linear | mlp | tokens | attention)
def test_a_revived_head_computes_the_same(case):
    head_class, arguments, rank = case
    head = head_class(**arguments)
    outputs = np.asarray(head(FEATURES[rank]))
    assert outputs.shape == (2, arguments["num_classes"])
    assert outputs.dtype == "float32"

    serialized = json.dumps(keras.saving.serialize_keras_object(head))
    revived = keras.saving.deserialize_keras_object(json.loads(serialized))
    assert type(revived) is head_class
    assert revived.get_config() == head.get_config()
    assert [w.path for w in revived.weights] == [w.path for w in head.weights]
    revived.set_weights(head.get_weights())
    np.testing.assert_array_equal(np.asarray(revived(FEATURES[rank])), outputs)
