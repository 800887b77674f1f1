"""What is new trains under `LinearProbe`, and nothing that a source gave."""

import pathlib
import tempfile

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import layers

import keras_transfer as kt
from keras_transfer.structure import novelty

RNG = np.random.default_rng(0)
FOLDER = pathlib.Path(tempfile.mkdtemp())
TABLE = 3


def convolutions(name, depth=2):
    image = keras.Input((6, 6, 3), name=f"{name}_image")
    x = image
    for i in range(depth):
        x = layers.Conv2D(3, 2, name=f"{name}_conv_{i}")(x)
        x = layers.BatchNormalization(name=f"{name}_bn_{i}")(x)
    return keras.Model(image, x, name=name)


def created(name):
    spec = kt.BackboneSpec(
        name=f"test/{name}",
        builder=lambda shape: convolutions(name),
        description="A network of two convolutions.",
        preprocessing="inside",
        default_size=6,
        minimum_size=2,
    )
    return kt.create_backbone(spec, weights=None, input_shape=(6, 6, 3))


def with_loaded_weights(name):
    path = FOLDER / f"{name}.weights.h5"
    if not path.exists():
        convolutions(name).save_weights(path)
    model = convolutions(name)
    kt.load_weights(model, path)
    return model


def loaded(name):
    path = FOLDER / f"{name}.keras"
    if not path.exists():
        convolutions(name).save(path)
    return kt.load_model(path)


SOURCES = {
    "created": created,
    "loaded weights": with_loaded_weights,
    "loaded": loaded,
    "elsewhere": convolutions,
}


@st.composite
def designs(draw):
    backbones = draw(
        st.lists(
            st.tuples(st.sampled_from(sorted(SOURCES)), st.booleans()),
            min_size=1,
            max_size=2,
        )
    )
    return {
        # Nothing but nesting tells that a model from elsewhere is pretrained.
        "backbones": [
            (source, is_nested or source == "elsewhere")
            for source, is_nested in backbones
        ],
        "is_backbone_shared": draw(st.booleans()),
        "is_head_shared": draw(st.booleans()),
        "has_table": draw(st.booleans()),
        "hidden": draw(st.integers(0, 2)),
        "is_head_nested": draw(st.booleans()),
        "outputs": draw(st.integers(1, 2)),
    }


def build(design):
    """Returns a model, and the weights that a source gave."""
    inputs, features, given_by_source = [], [], []
    pool = layers.GlobalAveragePooling2D()
    reduce = layers.Dense(4, name="reduce")
    for name, (source, is_nested) in zip(
        ("left", "right"), design["backbones"], strict=False
    ):
        backbone = SOURCES[source](name)
        given_by_source += backbone.weights
        calls = 2 if design["is_backbone_shared"] and is_nested else 1
        for _ in range(calls):
            image = keras.Input((6, 6, 3)) if is_nested else backbone.input
            x = backbone(image) if is_nested else backbone.output
            inputs.append(image)
            x = pool(x)
            if design["is_head_shared"]:
                x = reduce(x)
            features.append(x)
    if design["has_table"]:
        table = keras.Input((TABLE,))
        inputs.append(table)
        features.append(layers.Dense(3, activation="relu", name="table")(table))
    x = features[0]
    if len(features) > 1:
        x = layers.Concatenate()(features)
    hidden = []
    for i in range(design["hidden"]):
        hidden.append(layers.Dense(4, activation="tanh", name=f"hidden_{i}"))
        hidden.append(layers.BatchNormalization(name=f"hidden_bn_{i}"))
    if hidden and design["is_head_nested"]:
        hidden = [keras.Sequential(hidden, name="hidden")]
    for layer in hidden:
        x = layer(x)
    outputs = [
        layers.Dense(2, name=f"out_{i}")(x) for i in range(design["outputs"])
    ]
    return keras.Model(inputs, outputs), given_by_source


def trained_by(model, schedule):
    """The ids of the weights that `fit` moves."""
    model.compile(keras.optimizers.SGD(0.5), "mse")
    x = [
        RNG.normal(size=(4, *tensor.shape[1:])).astype("float32")
        for tensor in model.inputs
    ]
    y = [np.ones((4, 2), "float32") for _ in model.outputs]
    before = [keras.ops.convert_to_numpy(w).copy() for w in model.weights]
    model.fit(
        x if len(x) > 1 else x[0],
        y if len(y) > 1 else y[0],
        verbose=0,
        callbacks=[schedule],
    )
    return {
        id(weight)
        for weight, old in zip(model.weights, before, strict=True)
        if not np.array_equal(keras.ops.convert_to_numpy(weight), old)
    }


def check_that_new_weights_move(design):
    model, given_by_source = build(design)
    old = {id(weight) for weight in given_by_source}
    new = {id(weight) for weight in model.weights} - old
    paths = {id(weight): weight.path for weight in model.weights}
    # A bias before a batch normalization has no gradient but rounding.
    free = {i for i, p in paths.items() if "hidden" in p and "bias" in p}
    kt.freeze(model)
    trainable = {id(weight) for weight in model.trainable_weights}
    assert trainable == new & {
        id(v) for layer in model.layers for v in layer.trainable_variables
    }
    assert not trainable & old
    names = [part.name for part in kt.trainable_summary(model).parts]
    assert "other" not in names
    assert len(set(names)) == len(names)
    moved = trained_by(model, kt.schedules.LinearProbe())
    assert {paths[i] for i in moved & old} == set()
    assert {paths[i] for i in new - moved - free} == set()


@given(designs())
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_exactly_what_no_source_gave_moves(design):
    check_that_new_weights_move(design)


@pytest.mark.slow
@given(designs())
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_exactly_what_no_source_gave_moves_in_many_networks(design):
    check_that_new_weights_move(design)


def flat_classifier():
    return keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            layers.Conv2D(4, 3, name="conv"),
            layers.Flatten(),
            layers.Dense(5, name="hidden"),
            layers.Dense(2, name="out"),
        ]
    )


@pytest.mark.parametrize(
    "ask",
    [
        kt.freeze,
        lambda model: kt.schedules.LinearProbe().phases_for(model),
        lambda model: kt.set_trainable(model, "head"),
        lambda model: kt.schedules.ChainThaw().phases_for(model),
    ],
)
def test_what_cannot_be_known_is_asked_with_the_table_of_layers(ask):
    with pytest.raises(ValueError, match="head=") as error:
        ask(flat_classifier())
    lines = str(error.value).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["layer", "class", "weights"],
        ["conv", "Conv2D", "112"],
        ["hidden", "Dense", "325"],
        ["out", "Dense", "12"],
    ]


@pytest.mark.parametrize(
    "said",
    [
        {"head": ["hidden", "out"]},
        {"backbone": "conv"},
        {"head": ["hidden", "out"], "backbone": "con*"},
    ],
)
def test_the_user_says_what_is_new(said):
    model = flat_classifier()
    kt.freeze(model, **said)
    opened = [w.path.split("/", 1)[1] for w in model.trainable_weights]
    assert opened == [
        "hidden/kernel",
        "hidden/bias",
        "out/kernel",
        "out/bias",
    ]
    other = flat_classifier()
    other.compile("sgd", "mse")
    x, y = np.ones((2, 6, 6, 3)), np.ones((2, 2))
    probe = kt.schedules.LinearProbe(**said)
    history = other.fit(x, y, verbose=0, callbacks=[probe]).history
    assert history["trainable_params"] == [337]


def test_layers_in_both_or_neither_are_refused():
    with pytest.raises(ValueError, match="'hidden'.*neither"):
        kt.freeze(flat_classifier(), head="out", backbone="conv")
    with pytest.raises(ValueError, match="'conv'.*both"):
        kt.freeze(flat_classifier(), head="*", backbone="conv")


def test_what_was_said_last_counts():
    model = flat_classifier()
    kt.freeze(model, head="out")
    kt.freeze(model, head=["hidden", "out"])
    assert [layer.name for layer in novelty.find(model).head] == [
        "hidden",
        "out",
    ]


def test_two_backbones_give_their_names_to_stages_and_rates():
    images, features = [], []
    for name in ("left", "right"):
        images.append(keras.Input((16, 16, 3)))
        backbone = keras.Sequential(
            [
                keras.Input((16, 16, 3)),
                layers.Conv2D(2, 3, 2, name="a"),
                layers.Conv2D(2, 3, 2, name="b"),
            ],
            name=name,
        )
        x = layers.GlobalAveragePooling2D()(backbone(images[-1]))
        features.append(x)
    x = layers.Concatenate()(features)
    model = keras.Model(images, layers.Dense(2, name="out")(x))
    model.compile("sgd", "mse")
    data = [np.ones((2, 16, 16, 3))] * 2
    schedule = kt.schedules.LinearProbeThenFineTune(1)
    history = model.fit(
        data, np.ones((2, 2)), epochs=2, verbose=0, callbacks=[schedule]
    ).history
    rates = {k.partition("/")[2]: v for k, v in history.items() if "rate" in k}
    assert list(rates) == [
        "left/stem",
        "right/stem",
        "left/stage_1",
        "right/stage_1",
        "head",
    ]
    assert all(rate[0] == 0 for name, rate in rates.items() if name != "head")
    assert rates["left/stem"][1] == pytest.approx(0.1 * rates["head"][1])
    kt.set_trainable(model, ["right/stage_1", "out"])
    parts = kt.trainable_summary(model).parts
    assert [part.name for part in parts if part.trainable] == [
        "right/stage_1",
        "out",
    ]
    kt.set_trainable(model, "stage_1")
    assert len(model.trainable_weights) == 4


def test_a_checkpoint_of_the_whole_changes_nothing_that_is_known(tmp_path):
    backbone = with_loaded_weights("left")
    x = layers.GlobalAveragePooling2D()(backbone.output)
    model = keras.Model(backbone.input, layers.Dense(2, name="out")(x))
    model.save_weights(tmp_path / "checkpoint.weights.h5")
    kt.load_weights(model, tmp_path / "checkpoint.weights.h5")
    kt.freeze(model)
    assert {w.path for w in model.trainable_weights} == {
        "out/kernel",
        "out/bias",
    }


def test_what_is_added_to_a_loaded_model_is_new(tmp_path):
    classifier = kt.build_model(
        created("left"), kt.heads.LinearHead(2), name="old"
    )
    kt.save_model(classifier, tmp_path / "classifier.keras")
    again = kt.load_model(tmp_path / "classifier.keras")
    kt.freeze(again)
    assert len(again.trainable_weights) == 2
    inner = again.get_layer("left")
    x = layers.GlobalAveragePooling2D()(inner.output)
    x = layers.Dense(3, name="new")(x)
    model = keras.Model(inner.input, layers.Dense(1, name="out")(x))
    kt.freeze(model)
    assert {w.path.partition("/")[0] for w in model.trainable_weights} == {
        "new",
        "out",
    }


def test_new_layers_inside_of_a_given_backbone_are_new():
    inner = created("left")
    x = layers.GlobalAveragePooling2D()(inner(inner.input))
    body = keras.Model(inner.input, layers.Dense(4, name="projection")(x))
    model = kt.build_model(body, kt.heads.LinearHead(2))
    kt.freeze(model)
    assert len(model.trainable_weights) == 4
