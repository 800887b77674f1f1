"""The table of optimizers, by the registry of the installed Keras.

Each is right (bit-equal to the plain optimizer, across changes of what trains,
and resumed from files), or refused before training for the reason given here.
"""

import inspect

import keras
import pytest

import keras_transfer as kt
from keras_transfer import schedules as ks
from keras_transfer.optimizer import unwrap_optimizer
from keras_transfer.optimizer import wrap_optimizer
from tests.optimizer import networks as net

FOUND = {
    name: member
    for name, member in vars(keras.optimizers).items()
    if inspect.isclass(member)
    and issubclass(member, keras.optimizers.Optimizer)
}
REFUSED = {
    "Ftrl": "would replace the pretrained weights",
    "ScheduleFreeAdamW": "would replace the pretrained weights",
    "MultiOptimizer": "already holds several optimizers",
    "Optimizer": "changes no weights",
}
RIGHT = sorted(set(FOUND) - set(REFUSED))


def create(name, **settings):
    if name == "LossScaleOptimizer":
        inner = keras.optimizers.Adam(1e-2, **settings)
        return keras.optimizers.LossScaleOptimizer(inner)
    if name == "MultiOptimizer":
        inner = keras.optimizers.OptimizerMap(keras.optimizers.SGD())
        return keras.optimizers.MultiOptimizer(inner)
    return FOUND[name](learning_rate=1e-2, **settings)


SETTINGS = {
    "weight decay": lambda: undecayed(create("AdamW", weight_decay=0.5)),
    "clipnorm": lambda: create("Adam", clipnorm=0.1),
    "clipvalue": lambda: create("SGD", clipvalue=0.01),
    "global_clipnorm": lambda: create("Adam", global_clipnorm=0.1),
    "accumulation": lambda: create("Adam", gradient_accumulation_steps=2),
    "loss scale": lambda: create("Adam", loss_scale_factor=8.0),
    "ema": lambda: create(
        "Adam", use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2
    ),
    "muon by layer": lambda: create("Muon", exclude_layers=["head"]),
    "amsgrad": lambda: create("Adam", amsgrad=True),
    "decaying rate": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(1e-2, 30)
    ),
    "float16": lambda: keras.optimizers.LossScaleOptimizer(
        create("Muon", gradient_accumulation_steps=2), initial_scale=4.0
    ),
}


def undecayed(optimizer):
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def made(case):
    return SETTINGS[case]() if case in SETTINGS else create(case)


def compiled(optimizer, eager=True):
    model = net.compiled_dense(optimizer)
    model.compile(optimizer, loss=net.LOSS, run_eagerly=eager)
    return model


def train(model, epochs=1, callbacks=(), **arguments):
    images, labels = net.IMAGES[:16], net.LABELS[:16]
    return model.fit(
        images,
        labels,
        batch_size=8,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
        **arguments,
    )


def phases():
    """Opens parts that share no weight, so that plain Keras can do it, too."""
    return ks.FreezeSchedule(
        [
            ks.Phase("head", until=ks.Epochs(1)),
            ks.Phase("hidden", until=ks.Epochs(1)),
            ks.Phase("head"),
        ]
    )


@pytest.mark.parametrize("name", RIGHT)
def test_wrapped_it_does_what_it_does_alone(name):
    stock, ours = create(name), wrap_optimizer(create(name))
    models = [compiled(one, eager=False) for one in (stock, ours)]
    before = net.values(models[0])
    for model in models:
        train(model)
    assert net.same_weights(*models)
    changed = net.changed(before, net.values(models[1]))
    assert {"hidden/kernel", "head/kernel"} <= changed
    assert net.number(ours.iterations) == net.number(stock.iterations) == 2


@pytest.fixture(scope="module", params=[*RIGHT, *SETTINGS])
def scheduled(request, tmp_path_factory):
    """A case, a model trained in phases with it, and the files of it."""
    folder = tmp_path_factory.mktemp("files")
    model = compiled(made(request.param))
    savers = [
        keras.callbacks.ModelCheckpoint(folder / "{epoch}.keras"),
        keras.callbacks.ModelCheckpoint(
            folder / "{epoch}.weights.h5", save_weights_only=True
        ),
    ]
    history = train(model, 3, [phases(), *savers]).history
    assert history["phase"] == [0, 1, 2]
    return request.param, model, folder


def test_each_part_trains_as_with_an_optimizer_of_its_own(scheduled):
    case, model, _ = scheduled
    if case in ("ema", "decaying rate"):
        pytest.skip("each `fit` of plain Keras ends with averages, or steps")
    plain = compiled(made(case))
    optimizers = {"head": made(case), "hidden": made(case)}
    for part in ("head", "hidden", "head"):
        for name in optimizers:
            plain.get_layer(name).trainable = name == part
        plain.compile(optimizers[part], loss=net.LOSS, run_eagerly=True)
        train(plain)
    assert net.same_weights(plain, model)


def test_resumed_in_the_middle_it_ends_as_if_uninterrupted(scheduled):
    case, model, folder = scheduled
    loaded = kt.load_model(folder / "2.keras")
    loaded.run_eagerly = True
    refilled = compiled(made(case))
    kt.load_weights(refilled, folder / "2.weights.h5")
    for resumed in (loaded, refilled):
        train(resumed, 3, [phases()], initial_epoch=2)
        assert net.same_weights(model, resumed)
        for ours, others in zip(slots(model), slots(resumed), strict=True):
            assert net.same(ours, others)


def slots(model):
    return net.states(unwrap_optimizer(model.optimizer), model.weights)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_right_is_refused_before_training(name):
    model = compiled(create(name))
    before = model.get_weights()
    with pytest.raises(ValueError, match=REFUSED[name]) as refusal:
        train(model, 3, [phases()])
    assert name in str(refusal.value)
    assert net.same(before, model.get_weights())


class Momentum(keras.optimizers.Optimizer):
    """Written by a user, in the way in which Keras's guide writes one."""

    def __init__(self, learning_rate=0.01, momentum=0.9, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum
        self.factors = [momentum]

    def build(self, variables):
        super().build(variables)
        self.velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.velocities[self._get_variable_index(variable)]
        self.assign(velocity, velocity * self.factors[0] - gradient)
        self.assign_add(variable, velocity * learning_rate)

    def get_config(self):
        own = {"momentum": self.momentum}
        return {**super().get_config(), **own}


def test_an_optimizer_of_the_users_own_does_what_it_does_alone():
    stock, ours = Momentum(momentum=0.5), wrap_optimizer(Momentum(momentum=0.5))
    models = [compiled(one) for one in (stock, ours)]
    for model in models:
        train(model)
    assert net.same_weights(*models)


class Silent(Momentum):
    def get_config(self):
        return keras.optimizers.Optimizer.get_config(self)


class Fixed(keras.optimizers.SGD):
    def __init__(self):
        super().__init__(learning_rate=0.1)


class Curt(Momentum):
    def get_config(self):
        return {"momentum": self.momentum}


class Normalizing(Momentum):
    def apply(self, grads, trainable_variables=None):
        norm = sum(keras.ops.sum(gradient**2) for gradient in grads)
        super().apply([g / norm for g in grads], trainable_variables)


@pytest.mark.parametrize(
    ("create", "sentence"),
    [
        (lambda: Silent(momentum=0.5), r"does not tell \['momentum'\]"),
        (Fixed, r"does not take \['clipnorm', .*'weight_decay'\]"),
        (Curt, r"does not tell \['clipnorm', .*'weight_decay'\]"),
        (Normalizing, "depends on the gradients of others"),
    ],
)
def test_an_optimizer_that_cannot_be_divided_is_refused(create, sentence):
    with pytest.raises(ValueError, match=sentence):
        wrap_optimizer(create())


def test_what_no_file_tells_need_not_be_told_if_it_is_the_default():
    assert wrap_optimizer(Silent()).name == "transfer_optimizer"


def run(model, *parts):
    for part in parts:
        kt.set_trainable(model, part)
        kt.transition(model)
        train(model)


def owned(model):
    """Names of the layers whose weights have slots."""
    cohorts = model.optimizer.cohorts()
    return {v.path.split("/")[-2] for c in cohorts for v in c.variables}


@pytest.mark.parametrize("dropping", [False, True])
def test_slots_of_what_is_frozen_again_are_dropped_on_request(
    dropping, tmp_path
):
    model = compiled(wrap_optimizer("adam", drop_frozen_slots=dropping))
    run(model, "head", "hidden")
    assert owned(model) == {"hidden"} | (set() if dropping else {"head"})
    count = len(model.optimizer.variables)
    assert count == (8 if dropping else 14)
    model.save(tmp_path / "model.keras")
    loaded = kt.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.drop_frozen_slots is dropping
    assert len(loaded.optimizer.variables) == count
    for one in (model, loaded):
        run(one, "head")
        cohort = one.optimizer.cohort_of(one.get_layer("head").kernel)
        assert net.number(cohort.inner.iterations) == (2 if dropping else 4)
    assert net.same_weights(model, loaded)


@pytest.mark.parametrize("dropping", [False, True])
def test_files_with_and_without_such_slots_load_either_way(dropping, tmp_path):
    model = compiled(wrap_optimizer("adam", drop_frozen_slots=not dropping))
    run(model, "head", "hidden")
    model.save_weights(tmp_path / "model.weights.h5")
    other = compiled(wrap_optimizer("adam", drop_frozen_slots=dropping))
    kt.set_trainable(other, "hidden")
    kt.load_weights(other, tmp_path / "model.weights.h5")
    # Of either, only the open part is left: the file lacks the rest, or it is
    # given up.
    assert owned(other) == {"hidden"}
    for one in (model, other):
        run(one, "hidden")
    assert net.same_weights(model, other)
