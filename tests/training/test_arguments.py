"""`kt.fit` and `kt.fine_tune` take what `model.fit` takes."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_transfer as kt
from tests.features.networks import build_residual
from tests.features.networks import photographs

X, Y = photographs(12)
HELD_OUT = photographs(6)
WEIGHTS = np.linspace(0.5, 1.5, 12)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, number):
        part = slice(4 * number, 4 * number + 4)
        # Whoever looks at a batch leaves NumPy's generator as it was.
        return X[part] + np.random.normal(size=X[part].shape), Y[part]


def generator():
    for _ in range(3):
        for first in range(0, 12, 4):
            yield X[first : first + 4], Y[first : first + 4]


def dataset(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays).batch(4)


def loader():
    data = pytest.importorskip("torch.utils.data")
    torch = pytest.importorskip("torch")
    arrays = torch.as_tensor(X), torch.as_tensor(Y)
    return data.DataLoader(data.TensorDataset(*arrays), batch_size=4)


class Quiet(keras.callbacks.Callback):
    pass


# What `fit` takes, and what `fine_tune` takes for the same.
FORMS = {
    "arrays": lambda: {"x": X, "y": Y},
    "labels in a column": lambda: {"x": X, "y": Y[:, None]},
    "tensors": lambda: {"x": tf.constant(X), "y": tf.constant(Y)},
    "lists of one": lambda: {"x": [X], "y": [Y]},
    "sample weights": lambda: {"x": X, "y": Y, "sample_weight": WEIGHTS},
    "class weights": lambda: {"x": X, "y": Y, "class_weight": {0: 1, 2: 3.0}},
    "batch size": lambda: {"x": X, "y": Y, "batch_size": 5},
    "shuffled batches": lambda: {"x": X, "y": Y, "shuffle": "batch"},
    "in order": lambda: {"x": X, "y": Y, "shuffle": False},
    "steps": lambda: {"x": X, "y": Y, "steps_per_epoch": 2},
    "pair": lambda: {"x": X, "y": Y, "validation_data": HELD_OUT},
    "list of two": lambda: {"x": X, "y": Y, "validation_data": [*HELD_OUT]},
    "held-out weights": lambda: {
        "x": X,
        "y": Y,
        "validation_data": (*HELD_OUT, WEIGHTS[:6]),
        "validation_batch_size": 2,
        "validation_steps": 2,
        "validation_freq": [2],
    },
    "held-out dataset": lambda: {
        "x": X,
        "y": Y,
        "validation_data": dataset(*HELD_OUT),
    },
    "split": lambda: {"x": X, "y": Y, "validation_split": 0.25},
    "dataset": lambda: {"x": dataset(X, Y)},
    "weighted dataset": lambda: {"x": dataset(X, Y, WEIGHTS)},
    "dataset and class weights": lambda: {
        "x": dataset(X, Y),
        "class_weight": {0: 2.0},
    },
    "generator": lambda: {"x": generator(), "steps_per_epoch": 3},
    "PyDataset": lambda: {"x": Batches()},
    "DataLoader": lambda: {"x": loader()},
    "one callback": lambda: {"x": X, "y": Y, "callbacks": Quiet()},
    "no callbacks": lambda: {"x": X, "y": Y, "callbacks": None},
    "tuple of callbacks": lambda: {"x": X, "y": Y, "callbacks": (Quiet(),)},
    "nested callbacks": lambda: {"x": X, "y": Y, "callbacks": [[Quiet()]]},
}
on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="there Keras refuses it"
)
cached = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="it has no cache"
)
# Keras takes a class that is left out for one that is not there.
KERAS_REFUSES = {"dataset and class weights"}
EPOCHS = {"epochs": 2, "verbose": 0}


def build():
    keras.utils.set_random_seed(0)
    model = kt.build_model(build_residual(1), kt.heads.LinearHead(3))
    kt.freeze(model)
    model.compile(
        keras.optimizers.SGD(0.01),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def trained(fit, form):
    model = build()
    arguments = FORMS[form]()
    keras.utils.set_random_seed(1)
    return fit(model, **arguments, **EPOCHS).history


@functools.cache
def plainly_trained(form):
    return trained(lambda model, **given: model.fit(**given), form)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(
            form,
            marks=[on_tensorflow]
            if form in ("lists of one", "nested callbacks")
            else [],
        )
        for form in sorted(set(FORMS) - KERAS_REFUSES)
    ],
)
@pytest.mark.parametrize("cache", [False, "auto"])
@pytest.mark.filterwarnings(
    "ignore:`shuffle=True` was passed",
    "ignore:The structure of `inputs`",
)
def test_fit_takes_what_keras_takes(form, cache):
    def fit(model, **arguments):
        return kt.fit(model, cache=cache, **arguments)

    wanted, found = plainly_trained(form), trained(fit, form)
    assert found.keys() == wanted.keys()
    for name, values in found.items():
        if cache is False:
            assert values == wanted[name], name
        else:
            assert values == pytest.approx(wanted[name], rel=1e-4), name


@pytest.mark.parametrize(
    "form",
    [
        "sample weights",
        "dataset and class weights",
        "held-out weights",
        "split",
        "generator",
        "PyDataset",
        "DataLoader",
        "one callback",
    ],
)
def test_fine_tune_takes_what_keras_takes(form):
    """The probe, which is what `fit` does to a model with a frozen backbone."""
    wanted = trained(
        lambda model, **given: kt.fit(
            model,
            cache=False,
            **{
                **given,
                "callbacks": kt.schedules.LinearProbeThenFineTune(
                    1,
                    learning_rate_multiplier=slice(0.001, 0.1),
                    warmup_steps=20,
                ),
            },
        ),
        form,
    )

    def tune(model, x, y=None, sample_weight=None, **given):
        parts = [each for each in (x, y, sample_weight) if each is not None]
        train = tuple(parts) if len(parts) > 1 else x
        return kt.fine_tune(model, train, **given)

    found = trained(tune, form)
    assert found.keys() == wanted.keys()
    for name, values in found.items():
        assert values == pytest.approx(wanted[name], rel=1e-3), name


def test_fit_takes_positional_arguments_in_the_order_of_keras():
    wanted = build().fit(X, Y, 4, 2, 0, [Quiet()], 0.25).history
    assert kt.fit(build(), X, Y, 4, 2, 0, [Quiet()], 0.25).history == wanted


def test_a_list_of_images_is_one_array():
    wanted = build().fit(X, Y, **EPOCHS).history
    found = kt.fit(build(), [*X], [*Y], cache=False, **EPOCHS).history
    assert found == wanted


def classes():
    model = kt.build_model(
        build_residual(1),
        kt.heads.LinearHead(3),
        class_names=["ant", "bee", "cat"],
    )
    return kt.compile_for_transfer(model)


@pytest.mark.parametrize("cache", [False, "auto"])
def test_class_weights_go_by_name(cache):
    def run(weights):
        keras.utils.set_random_seed(0)
        return kt.fit(
            classes(), X, Y, class_weight=weights, cache=cache, **EPOCHS
        ).history

    assert run({"bee": 3.0}) == run({1: 3.0}) != run({})


def no_labels():
    return tf.data.Dataset.from_tensor_slices(X).batch(4)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"x": X}, "The data have no labels, and the loss"),
        ({"x": [X]}, "The data have no labels, and the loss"),
        ({"x": no_labels()}, "The data have no labels, and the loss"),
        ({"x": (X, Y)}, r"as in kt.fit\(model, x, y\)"),
        ({"x": (b for b in [X])}, "The data have no labels"),
        ({"x": (b for b in [])}, "The generator yields no batch"),
        ({"validation_data": X}, "The validation data have no labels"),
        ({"validation_data": (X,)}, "The validation data have no labels"),
        ({"validation_data": no_labels()}, "The validation data have no"),
        ({"class_weight": {7: 1.0}}, "weight for 7, which is no class"),
        ({"class_weight": {-1: 1.0}}, "weight for -1, which is no class"),
        ({"class_weight": {0.5: 1.0}}, "weight for 0.5, which is no class"),
        ({"class_weight": {"bea": 1.0}}, "no class.*Did you mean 'bee'"),
        ({"class_weight": [1, 2, 3]}, "must be a dictionary from classes"),
        ({"class_weight": {0: "1"}}, "must be finite numbers of at least 0"),
        ({"class_weight": {0: -1}}, "must be finite numbers of at least 0"),
        ({"class_weight": {0: np.nan}}, "must be finite numbers of at least"),
        (
            {"x": [X[0], X[1, :8]], "y": Y[:2]},
            "`x` is a list of arrays of different shapes",
        ),
    ],
)
def test_a_mistake_is_told_before_any_work(given, words):
    model = classes()
    kt.freeze(model)
    before = model.get_weights()
    arguments = {"x": X, "y": Y, **given}
    if "x" in given and "y" not in given:
        del arguments["y"]
    for fit in (model.fit, lambda **given: kt.fit(model, **given)):
        with pytest.raises(ValueError, match=words):
            fit(**arguments, **EPOCHS)
        if hasattr(arguments["x"], "send"):
            break  # It can be used once.
    for weight, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_misspelt_arguments_are_told():
    with pytest.raises(TypeError, match="'epoch'.*Did you mean 'epochs'"):
        kt.fit(build(), X, Y, epoch=3)
    with pytest.raises(TypeError, match="must be instances of"):
        kt.fit(build(), X, Y, callbacks=["early"])


@on_tensorflow
def test_a_loss_without_labels_needs_none():
    class Norm(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(keras.ops.mean(keras.ops.square(inputs)))
            return inputs

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), Norm()])
    model.compile("sgd")
    history = kt.fit(model, np.ones((8, 4)), epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            {"train": (X, Y), "validation": HELD_OUT}
            | {"validation_data": HELD_OUT},
            "two names of the same argument",
        ),
        ({"train": (X, Y, Y, Y)}, "Received: a tuple of 4"),
        ({}, "Expected the data either as `train`"),
        ({"train": (X, Y), "x": X}, "Expected the data either as `train`"),
        ({"train": X, "validation": Y}, "The data have no labels"),
    ],
)
def test_data_of_fine_tune_that_contradict_are_told(data, words):
    with pytest.raises(ValueError, match=words):
        kt.fine_tune(build(), **data, **EPOCHS)


def test_fine_tune_takes_the_names_of_keras():
    def run(*train, **data):
        keras.utils.set_random_seed(0)
        return kt.fine_tune(classes(), *train, **data, **EPOCHS).history

    wanted = run((X, Y, WEIGHTS), HELD_OUT)
    assert run([X, Y, WEIGHTS], validation_data=HELD_OUT) == wanted
    named = {"y": Y, "sample_weight": WEIGHTS, "validation_data": HELD_OUT}
    assert run(X, **named) == run(x=X, **named) == wanted
    callbacks = keras.callbacks.CallbackList([Quiet()])
    assert run((X, Y, WEIGHTS), HELD_OUT, callbacks=callbacks) == wanted


OUTPUTS = {
    "dictionary": lambda a, b: {"b": b, "a": a},
    "list": lambda a, b: [b, a],
    "tuple": lambda a, b: (b, a),
    "one in a dictionary": lambda a, b: {"a": a},
    "one in a list": lambda a, b: [a],
}
NUMBERS = np.linspace(-1, 1, 12)[:, None]


@cached
@pytest.mark.parametrize(
    ("structure", "schedule"),
    [
        *((structure, None) for structure in OUTPUTS),
        ("dictionary", "GradualUnfreeze"),
    ],
)
def test_several_outputs_train_on_features(structure, schedule):
    def run(fit, **options):
        keras.utils.set_random_seed(0)
        backbone = build_residual(1)
        image = keras.Input((16, 16, 3))
        x = keras.layers.GlobalAveragePooling2D()(backbone(image))
        pack = OUTPUTS[structure]
        outputs = pack(
            keras.layers.Dense(3, "softmax", name="a")(x),
            keras.layers.Dense(1, name="b")(x),
        )
        model = keras.Model(image, outputs)
        kt.freeze(model)
        losses = pack("sparse_categorical_crossentropy", "mse")
        model.compile(keras.optimizers.SGD(1e-5), loss=losses)
        callbacks = [getattr(kt.schedules, schedule)()] if schedule else []
        return fit(
            model,
            X,
            pack(Y, NUMBERS),
            validation_data=(X[:5], pack(Y[:5], NUMBERS[:5])),
            shuffle=False,
            callbacks=callbacks,
            epochs=3,
            verbose=0,
            **options,
        ).history

    wanted = run(keras.Model.fit)
    assert run(kt.fit, cache="memory") == wanted


@cached
@pytest.mark.parametrize(
    ("structure", "data"),
    [
        (lambda a, b: [b, a], lambda a, b: {"left": a, "right": b}),
        (
            lambda a, b: {"left": a, "right": b},
            lambda a, b: {"right": b, "left": a},
        ),
        (lambda a, b: (b, a), lambda a, b: (b, a)),
    ],
)
def test_several_inputs_may_come_by_name(structure, data):
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 8, 4))

    def run(fit, **options):
        keras.utils.set_random_seed(0)
        a, b = keras.Input((4,), name="left"), keras.Input((4,), name="right")
        dense = [keras.layers.Dense(3, trainable=False)(x) for x in (a, b)]
        x = keras.layers.Concatenate()(dense)
        model = keras.Model(structure(a, b), keras.layers.Dense(2)(x))
        model.compile("sgd", "mse")
        labels = np.ones((8, 2))
        return fit(
            model, data(one, other), labels, shuffle=False, **options, **EPOCHS
        ).history

    wanted = run(keras.Model.fit)
    assert run(kt.fit, cache="memory") == wanted


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="strategies are its own"
)
def test_a_strategy_trains_the_ordinary_way(capsys):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        model = build()
    kt.fit(model, X, Y, epochs=1, verbose=2)
    assert "a strategy distributes the training" in capsys.readouterr().err
    data = strategy.experimental_distribute_dataset(dataset(X, Y))
    history = kt.fine_tune(model, data, steps_per_epoch=3, **EPOCHS).history
    assert history["phase"] == [0, 1]


@cached
def test_a_subclassed_model_trains_the_ordinary_way(capsys):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.backbone = build_residual(1)
            self.pool = keras.layers.GlobalAveragePooling2D()
            self.out = keras.layers.Dense(3, "softmax")

        def call(self, inputs):
            return self.out(self.pool(self.backbone(inputs)))

    def make():
        keras.utils.set_random_seed(0)
        model = Own()
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    wanted = make().fit(X, Y, shuffle=False, **EPOCHS).history
    found = kt.fit(make(), X, Y, shuffle=False, epochs=2, verbose=2).history
    assert found == wanted
    assert "has no graph that could be divided" in capsys.readouterr().err
    with pytest.raises(ValueError, match="Call it on a batch of data"):
        kt.fine_tune(make(), (X, Y), **EPOCHS)
    model = make()
    model(X[:1])
    assert kt.fine_tune(model, (X, Y), **EPOCHS).history["phase"] == [0, 1]
