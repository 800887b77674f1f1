"""The check that a freeze schedule keeps its contract."""

import json
from typing import Any

import keras
import numpy as np

from keras_transfer import compat
from keras_transfer import heads
from keras_transfer.models import transfer
from keras_transfer.testing import persistence
from keras_transfer.testing.building import ConformanceError
from keras_transfer.testing.building import require
from keras_transfer.training import compiling

_HOW_TO_CHANGE = (
    "subclass kt.schedules.Schedule, or change flags inside "
    "kt.transition(model, change)."
)


def check_schedule(
    schedule: keras.callbacks.Callback, *, epochs: int = 6
) -> None:
    """Checks that a callback freezes and thaws for real, in every run.

    It trains a small network of three stages with a head, twice with the same
    instance, and once more with one made from its `get_config`, if it has one.

    Args:
        schedule: The callback.
        epochs: Number of epochs of each run, at least as many as the schedule
            needs. Defaults to 6.

    Raises:
        ConformanceError: Says what is wrong and how to mend it.

    Example:
    >>> import keras_transfer as kt
    >>> kt.testing.check_schedule(kt.schedules.LinearProbe(), epochs=1)
    """
    name = type(schedule).__name__
    require(
        isinstance(schedule, keras.callbacks.Callback),
        f"{name} must be a subclass of keras.callbacks.Callback.",
    )
    config = _config(schedule)
    weights = _model().get_weights()
    # A compiled step alone shows a change of flags that has no effect.
    first = _run(schedule, weights, epochs, run_eagerly=False)
    require(
        not first.moved_while_frozen,
        f"Weights that {name} has frozen move, such as "
        f"{sorted(first.moved_while_frozen)[:1]}: {_HOW_TO_CHANGE}",
    )
    stuck = sorted(first.opened - first.moved)
    require(
        first.opened and not stuck,
        f"Layers that {name} has opened do not train, such as {stuck[:1]}: "
        + _HOW_TO_CHANGE,
    )
    second = _run(schedule, weights, epochs, run_eagerly=True)
    require(
        second.course == first.course,
        f"The second run with one instance of {name} freezes otherwise than "
        "the first: reset all state in on_train_begin.",
    )
    require(
        _config(schedule) == config,
        f"Training changes the get_config of {name}: store arguments "
        "unchanged.",
    )
    if config is not None:
        revived = _revive(schedule, config)
        require(
            _config(revived) == config,
            f"The from_config of {name} does not give back what get_config "
            "returned.",
        )
        third = _run(revived, weights, epochs, run_eagerly=True)
        require(
            third.course == first.course,
            f"The {name} made from its get_config freezes otherwise than the "
            "first: let get_config return all arguments.",
        )


class _Recorder(keras.callbacks.Callback):
    """Notes what is open in each step, with what moves in it."""

    def __init__(self):
        super().__init__()
        self.course: list[Any] = []
        self.opened: set[str] = set()
        self.moved: set[str] = set()
        self.moved_while_frozen: set[str] = set()

    def on_train_batch_begin(self, batch, logs=None):
        trained = {id(v) for v in self.model.trainable_variables}
        self._may_move = trained | _statistics(self.model)
        self._before = self.model.get_weights()
        paths = [w.path for w in self.model.weights if id(w) in trained]
        self.opened |= {path.rpartition("/")[0] for path in paths}
        self.course.append(paths)

    def on_train_batch_end(self, batch, logs=None):
        weights = self.model.weights
        for weight, value in zip(weights, self._before, strict=True):
            if persistence.equal(weight, value):
                continue
            self.moved.add(weight.path.rpartition("/")[0])
            if id(weight) not in self._may_move:
                self.moved_while_frozen.add(weight.path)


def _statistics(model):
    """Ids of what open layers update by themselves, such as averages."""
    found = set()
    for layer in compat.sublayers(model):
        if layer.trainable:
            by_gradient = compat.own_trainable_variables(layer)
            known = {id(variable) for variable in by_gradient}
            own = {id(variable) for variable in compat.own_variables(layer)}
            found |= own - known
    return found


def _run(schedule, weights, epochs, run_eagerly):
    model = _model()
    model.set_weights(weights)
    recorder = _Recorder()
    compiling.compile_for_transfer(
        model, keras.optimizers.Adam(0.01), run_eagerly=run_eagerly
    )
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (8, 16, 16, 3)).astype("float32")
    labels = np.arange(8) % 2
    model.fit(
        images,
        labels,
        batch_size=4,
        epochs=epochs,
        shuffle=False,
        validation_data=(images, labels),
        verbose=0,
        callbacks=[schedule, recorder],
    )
    return recorder


def _model():
    with compat.canonical_names():
        image = keras.Input((16, 16, 3))
        x = keras.layers.Rescaling(1 / 255)(image)
        for number in (1, 2, 3):
            x = keras.layers.Conv2D(
                4, 3, 2, "same", use_bias=False, name=f"conv_{number}"
            )(x)
            x = keras.layers.BatchNormalization(name=f"norm_{number}")(x)
            x = keras.layers.Activation("tanh", name=f"tanh_{number}")(x)
        backbone = keras.Model(image, x, name="backbone")
    return transfer.build_model(backbone, heads.LinearHead(2))


def _config(schedule):
    if not hasattr(schedule, "get_config"):
        return None
    try:
        return json.loads(json.dumps(schedule.get_config()))
    except TypeError as error:
        raise ConformanceError(
            f"The get_config of {type(schedule).__name__} holds more than "
            f"JSON values: {error}."
        ) from error


def _revive(schedule, config):
    if hasattr(schedule, "from_config"):
        return type(schedule).from_config(config)
    return type(schedule)(**config)
