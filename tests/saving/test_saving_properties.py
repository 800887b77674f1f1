"""Saved, loaded and saved again, the files are the same."""

import functools
import os
import tempfile

import keras
import numpy as np
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import keras_transfer as kt
from keras_transfer import schedules as ks
from keras_transfer.saving import model_archive
from keras_transfer.structure import model_info
from tests.saving.test_killed_saving import weights_in

BACKBONES = {
    "identity": {"input_shape": (6, 6, 3)},
    "simple_convnet": {"input_shape": (32, 32, 3)},
    "mobilenet": {
        "input_shape": (32, 32, 3),
        "alpha": 0.25,
        "cut_at": "stage_1",
    },
}
classes = st.integers(1, 4)
dropout = st.floats(0, 1, exclude_max=True)
poolings = st.sampled_from(["avg", "max", "gem", "flatten"])
# Made in the test: layers draw random numbers when they are made.
heads = st.one_of(
    st.builds(
        functools.partial,
        st.just(kt.heads.LinearHead),
        classes,
        poolings,
        dropout,
    ),
    st.builds(
        functools.partial,
        st.just(kt.heads.MLPHead),
        classes,
        st.lists(st.integers(1, 4), max_size=2),
        pooling=poolings,
        dropout=dropout,
    ),
    st.builds(
        functools.partial,
        st.just(kt.heads.AttentionPoolHead),
        classes,
        attention_units=st.integers(1, 4),
        gated=st.booleans(),
    ),
)
count = st.integers(1, 5)
rates = st.sampled_from([1.0, 0.5, slice(0.1, 1.0), {"head": 2.0}])
phases = st.lists(
    st.builds(
        ks.Phase,
        st.sampled_from(["head", "backbone", "*", ("head", "stage_1")]),
        until=st.one_of(
            st.builds(ks.Epochs, count),
            st.builds(ks.Steps, count),
            st.builds(ks.Plateau, st.just("val_loss"), patience=count),
        ),
        learning_rate_multiplier=rates,
        batch_norm=st.sampled_from(["full", "frozen", "affine"]),
    ),
    min_size=1,
    max_size=3,
)
schedules = st.one_of(
    st.builds(ks.GradualUnfreeze, every=count, start=count),
    st.builds(ks.LinearProbeThenFineTune, count),
    st.builds(ks.UnfreezeOnPlateau, st.just("val_loss"), patience=count),
    st.builds(ks.FreezeOut, t0=st.floats(0.1, 0.9)),
    st.builds(ks.FreezeSchedule, phases),
)
policies = st.sampled_from(["full", "frozen", "statistics", "affine"])


def config_in(path):
    return without_addresses(model_archive.read_config(path))


def without_addresses(config):
    """Leaves out where objects lay in memory, which Keras writes down."""
    if isinstance(config, list):
        return [without_addresses(item) for item in config]
    if not isinstance(config, dict):
        return config
    return {
        key: without_addresses(item)
        for key, item in config.items()
        if key != "shared_object_id"
    }


@functools.cache
def backbone(name):
    return kt.create_backbone(name, weights=None, **BACKBONES[name])


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(BACKBONES)), heads, schedules, policies)
def test_saving_a_loaded_model_gives_the_same_file(
    name, head, schedule, batch_norm
):
    model = kt.build_model(backbone(name), head())
    kt.set_trainable(model, "*", batch_norm=batch_norm)
    model_info.find(model)["schedule"] = schedule.to_data()
    with tempfile.TemporaryDirectory() as folder:
        one = os.path.join(folder, "one.keras")
        other = os.path.join(folder, "other.keras")
        kt.save_model(model, one)
        loaded = keras.saving.load_model(one)
        kt.save_model(loaded, other)
        assert config_in(one) == config_in(other)
        np.testing.assert_array_equal(weights_in(one), weights_in(other))
    assert ks.of(loaded).to_data() == schedule.to_data()
