"""A network of three stages with a head, its data, ways to look at it."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_transfer import schedules as ks
from tests.optimizer import networks

BACKEND = keras.backend.backend()
jax_only = pytest.mark.skipif(BACKEND != "jax", reason="about JAX")
tensorflow_only = networks.tensorflow_only

OPTIMIZERS = networks.OPTIMIZERS
IMAGES = np.random.default_rng(0).random((12, 8, 8, 3), dtype="float32")
LABELS = np.random.default_rng(1).integers(0, 2, 12)
STEPS = 3

STAGES = ("stem", "stage_1", "stage_2")
ALL = ("stem", "stage_1", "stage_2", "head")

# Each schedule, the epochs it is tried for, and what is open in each epoch.
SCHEDULES = {
    "linear_probe": (ks.LinearProbe, [["head"]] * 2),
    "probe_then_fine_tune": (
        lambda: ks.LinearProbeThenFineTune(1, stages=2),
        [["head"], ["stage_1", "stage_2", "head"]],
    ),
    "gradual_unfreeze": (
        lambda: ks.GradualUnfreeze(every=1, start=1),
        [["head"], ALL[2:], ALL[1:], ALL],
    ),
    "freeze_window": (
        lambda: ks.FreezeWindow("stage_1", after=1, before=2),
        [["stem", "stage_2", "head"], ALL, ["stem", "stage_2", "head"]],
    ),
    "unfreeze_on_plateau": (
        lambda: ks.UnfreezeOnPlateau("loss", patience=1, min_delta=100.0),
        [["head"], ["head"], ALL[2:], ALL[2:], ALL[1:]],
    ),
    "chain_thaw": (
        ks.ChainThaw,
        [["head"], ["stem"], ["stage_1"], ["stage_2"], ALL],
    ),
    "freeze_out": (
        lambda: ks.FreezeOut(t0=0.25, cubic=False, batch_norm="frozen"),
        [ALL, ALL[1:], ALL[2:], ["head"]],
    ),
    "steps": (
        lambda: ks.FreezeSchedule(
            [
                ks.Phase("head", until=ks.Steps(3)),
                ks.Phase(["stage_2", "head"], until=ks.Steps(3)),
                ks.Phase("head"),
            ]
        ),
        [["head"], ALL[2:], ["head"]],
    ),
}


def build_network(dropout=0.0, batch_norm=True):
    """Three strided convolutions and a head, the first ones nested."""
    image = keras.Input((8, 8, 3))
    x = image
    for number in (1, 2, 3):
        x = keras.layers.Conv2D(2, 2, 2, name=f"conv_{number}")(x)
        if batch_norm:
            x = keras.layers.BatchNormalization(name=f"bn_{number}")(x)
        x = keras.layers.Activation("tanh", name=f"tanh_{number}")(x)
    backbone = keras.Model(image, x, name="backbone")
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Flatten(name="flatten")(backbone(inputs))
    x = keras.layers.Dropout(dropout, seed=3, name="dropout")(x)
    x = keras.layers.Dense(2, activation="softmax", name="head")(x)
    return keras.Model(inputs, x, name="network")


def compiled(optimizer="adam", dropout=0.0, batch_norm=True, **arguments):
    keras.utils.set_random_seed(0)
    model = build_network(dropout, batch_norm)
    model.compile(
        optimizer, loss="sparse_categorical_crossentropy", **arguments
    )
    return model


def train(model, epochs, *callbacks, **arguments):
    arguments = {"shuffle": False, "verbose": 0, **arguments}
    return model.fit(
        IMAGES,
        LABELS,
        batch_size=4,
        epochs=epochs,
        callbacks=list(callbacks),
        **arguments,
    ).history


def expected_changes(parts, batch_norm="frozen"):
    """Names of the weights that an epoch with these parts open must change."""
    names = set()
    for part in parts:
        if part == "head":
            names |= {"head/kernel", "head/bias"}
            continue
        number = STAGES.index(part) + 1
        names |= {f"conv_{number}/kernel", f"conv_{number}/bias"}
        if batch_norm in ("full", "affine"):
            names |= {f"bn_{number}/gamma", f"bn_{number}/beta"}
        if batch_norm in ("full", "statistics"):
            names |= {f"bn_{number}/moving_mean"}
            names |= {f"bn_{number}/moving_variance"}
    return names


def array(variable):
    return np.array(ops.convert_to_numpy(variable))


def values(model):
    return {
        "/".join(weight.path.split("/")[-2:]): array(weight)
        for weight in model.weights
    }


def moments(model):
    """What the optimizer keeps for each weight that ever trained, by name."""
    optimizer = model.optimizer
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    found = {}
    for cohort in optimizer.cohorts():
        state = cohort.read_state()
        for variable, slots in zip(cohort.variables, state.slots, strict=True):
            name = "/".join(variable.path.split("/")[-2:])
            for slot, value in {**slots, **state.counters}.items():
                found[f"{name}:{slot}"] = value
    found["iterations"] = array(optimizer.iterations)
    return found


def changed(before, after):
    """Names whose values differ bitwise; those that are new do not count."""
    return {n for n in before if not np.array_equal(before[n], after[n])}


def same(some, others):
    return some.keys() == others.keys() and not changed(some, others)


class Watcher(keras.callbacks.Callback):
    """Notes what each epoch changes, and what a transition changes."""

    def __init__(self):
        super().__init__()
        self.weights = None
        self.by_epoch = []
        self.by_transition = []
        self.owners = []

    def on_epoch_begin(self, epoch, logs=None):
        weights, state = values(self.model), moments(self.model)
        if self.weights is not None:
            self.by_transition.append(
                changed(self.weights, weights) | changed(self.state, state)
            )
        self.weights = weights

    def on_epoch_end(self, epoch, logs=None):
        now = values(self.model)
        self.by_epoch.append(changed(self.weights, now))
        self.weights, self.state = now, moments(self.model)
        self.owners.append(
            {k.rpartition(":")[0] for k in self.state if ":" in k}
        )
