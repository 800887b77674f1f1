"""Every callback of Keras does with us what it does without us.

Each row is a set of callbacks, each column a way to train. What plain Keras
reports, computes and writes is found again, bit for bit; ours may add to it.
"""

import csv
import http.server
import json
import pathlib
import threading
from importlib import util

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer import schedules as ks

EPOCHS = 3
RNG = np.random.default_rng(0)
X = RNG.uniform(0, 255, (8, 8, 8, 3)).astype("float32")
Y = np.arange(8) % 2
V = RNG.uniform(0, 255, (4, 8, 8, 3)).astype("float32"), np.arange(4) % 2
FIT = {"batch_size": 4, "shuffle": False, "verbose": 0, "validation_data": V}


class Kept(keras.callbacks.Callback):
    """The weights and the learning rate as each epoch leaves them."""

    def on_train_begin(self, logs=None):
        self.weights = getattr(self, "weights", [])
        self.rates = getattr(self, "rates", [])

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append([np.array(w) for w in self.model.get_weights()])
        rate = self.model.optimizer.learning_rate
        self.rates.append(float(keras.ops.convert_to_numpy(rate)))


class Calls:
    """Which functions Keras called, with which numbers."""

    def __init__(self):
        self.made = []

    def callback(self):
        return keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: self.made.append(epoch),
            on_epoch_end=lambda epoch, logs: self.made.append(-epoch),
            on_train_batch_end=lambda batch, logs: self.made.append(
                (batch, float(logs["loss"]))
            ),
        )


@pytest.fixture(scope="module")
def monitor():
    """A server that takes what `RemoteMonitor` sends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers["Content-Length"])
            self.server.received.append(json.loads(self.rfile.read(size)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.received = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def build():
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(4, 3, 2, activation="relu", name="conv")(x)
    return kt.build_model(keras.Model(image, x), kt.heads.LinearHead(2))


def compile_stock(model, optimizer):
    model.compile(
        optimizer,
        "sparse_categorical_crossentropy",
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )


def plain(model, optimizer, callbacks):
    compile_stock(model, optimizer)
    return model.fit(X, Y, epochs=EPOCHS, callbacks=callbacks, **FIT).history


def plain_frozen(model, optimizer, callbacks):
    kt.freeze(model)
    return plain(model, optimizer, callbacks)


def plain_in_two_stages(model, optimizer, callbacks):
    """What `fine_tune` does where nothing but weights is carried over."""
    kt.freeze(model)
    compile_stock(model, optimizer)
    history = model.fit(X, Y, epochs=1, callbacks=callbacks, **FIT).history
    kt.set_trainable(model, "*")
    compile_stock(
        model, keras.optimizers.SGD.from_config(optimizer.get_config())
    )
    rest = model.fit(
        X, Y, epochs=EPOCHS, initial_epoch=1, callbacks=callbacks, **FIT
    ).history
    return {name: [*history[name], *rest[name]] for name in rest}


def wrapped(model, optimizer, callbacks):
    kt.compile_for_transfer(model, optimizer)
    return model.fit(X, Y, epochs=EPOCHS, callbacks=callbacks, **FIT).history


def scheduled(model, optimizer, callbacks):
    schedule = ks.FreezeSchedule([ks.Phase("*")])
    return plain(model, optimizer, [*callbacks, schedule])


def kt_fit(model, optimizer, callbacks):
    kt.freeze(model)
    compile_stock(model, optimizer)
    return kt.fit(
        model, X, Y, epochs=EPOCHS, callbacks=callbacks, **FIT
    ).history


def fine_tune(model, optimizer, callbacks):
    compile_stock(model, optimizer)
    options = {name: FIT[name] for name in ("batch_size", "shuffle", "verbose")}
    return kt.fine_tune(
        model,
        (X, Y),
        V,
        epochs=EPOCHS,
        probe_epochs=1,
        learning_rate_multiplier=1.0,
        warmup_steps=0,
        callbacks=callbacks,
        **options,
    ).history


# What plain Keras does, and the ways to train that must do the same.
COLUMNS = {
    plain: (wrapped, scheduled),
    plain_frozen: (kt_fit,),
    plain_in_two_stages: (fine_tune,),
}
columns = pytest.mark.parametrize("theirs", COLUMNS, ids=lambda f: f.__name__)


def compared(theirs, optimizer, callbacks, tmp_path):
    """Trains in all ways; yields the folders that callbacks wrote to.

    History, weights and rates of every epoch must be those of plain Keras.

    Returns:
        For each of our ways: it, the folder of plain Keras, and its own.
    """
    histories, kept, folders = [], [], []
    for way in (theirs, *COLUMNS[theirs]):
        folder = tmp_path / way.__name__
        folder.mkdir()
        kept.append(Kept())
        added = [*callbacks(folder), kept[-1]]
        histories.append(way(build(), optimizer(), added))
        folders.append(folder)
    for history, seen in zip(histories, kept, strict=True):
        assert histories[0] == {name: history[name] for name in histories[0]}
        assert kept[0].rates == seen.rates
        for pair in zip(kept[0].weights, seen.weights, strict=True):
            assert_same(*pair)
    return [
        (ours, folders[0], folder)
        for ours, folder in zip(COLUMNS[theirs], folders[1:], strict=True)
    ]


def assert_same(weights, others):
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(one, other)


def sgd(**options):
    return lambda: keras.optimizers.SGD(0.1, **options)


def weights_in(path):
    if path.suffix == ".keras":
        return kt.load_model(path).get_weights()
    model = build()
    model.load_weights(path)
    return model.get_weights()


def scalars(folder):
    tf = pytest.importorskip("tensorflow")
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("events*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                if value.tag.startswith("epoch_"):
                    key = path.parent.name, value.tag, event.step
                    found[key] = float(tf.make_ndarray(value.tensor))
    return found


def rows_of(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def assert_within(rows, others):
    for row, more in zip(rows, others, strict=True):
        assert row == {name: more[name] for name in row}


@columns
def test_those_that_watch_and_save(theirs, monitor, tmp_path):
    calls, sent = [], []
    monitor.received.clear()
    kinds = keras.callbacks
    has_board = util.find_spec("tensorboard") and util.find_spec("tensorflow")

    def callbacks(folder):
        calls.append(Calls())
        sent.append(len(monitor.received))
        root = f"http://127.0.0.1:{monitor.server_port}"
        save = kinds.ModelCheckpoint
        return [
            kinds.CSVLogger(folder / "log.csv"),
            kinds.TerminateOnNaN(),
            kinds.EarlyStopping(patience=9, restore_best_weights=True),
            kinds.RemoteMonitor(root, send_as_json=True),
            calls[-1].callback(),
            save(folder / "best.keras", save_best_only=True),
            save(folder / "{epoch}.weights.h5", save_weights_only=True),
            save(folder / "s.weights.h5", save_freq=3, save_weights_only=True),
            *([kinds.TensorBoard(folder / "logs")] if has_board else []),
        ]

    pairs = compared(theirs, sgd(), callbacks, tmp_path)
    told = [monitor.received[i : i + EPOCHS] for i in sent]
    assert len(monitor.received) == EPOCHS * len(sent)
    for number, (ours, there, here) in enumerate(pairs, start=1):
        assert calls[0].made == calls[number].made
        assert_within(told[0], told[number])
        # The second stage of plain Keras writes its log anew.
        if theirs is not plain_in_two_stages:
            assert_within(rows_of(there / "log.csv"), rows_of(here / "log.csv"))
        files = ["best.keras", "s.weights.h5"]
        files += [f"{epoch}.weights.h5" for epoch in range(1, EPOCHS + 1)]
        for name in files:
            assert_same(weights_in(there / name), weights_in(here / name))
        if has_board:
            expected, found = scalars(there), scalars(here)
            assert {key: found.get(key) for key in expected} == expected
            tags = {tag for _, tag, _ in found}
            is_grouped = ours in (scheduled, fine_tune)
            assert ("epoch_learning_rate/head" in tags) == is_grouped
            assert "epoch_learning_rate" in tags


def steering(folder):
    return [keras.callbacks.LearningRateScheduler(lambda e, r: 0.1 / (e + 1))]


def reducing(folder):
    return [
        keras.callbacks.ReduceLROnPlateau(
            "loss", factor=0.5, patience=1, min_delta=9.0
        )
    ]


@pytest.mark.parametrize(
    ("row", "theirs"),
    # `ReduceLROnPlateau` forgets its count between two calls of `fit`.
    [(steering, way) for way in COLUMNS]
    + [(reducing, plain), (reducing, plain_frozen)],
)
def test_those_that_steer_the_rate(row, theirs, tmp_path):
    # Momentum is lost between the two stages, as plain Keras compiles anew.
    momentum = 0.0 if theirs is plain_in_two_stages else 0.9
    compared(theirs, sgd(momentum=momentum), row, tmp_path)


@pytest.mark.parametrize("swap_on_epoch", [False, True])
@pytest.mark.parametrize("theirs", [plain, plain_frozen])
def test_averages_are_swapped(theirs, swap_on_epoch, tmp_path):
    save = keras.callbacks.ModelCheckpoint

    def callbacks(folder):
        return [
            keras.callbacks.SwapEMAWeights(swap_on_epoch),
            save(folder / "{epoch}.weights.h5", save_weights_only=True),
        ]

    optimizer = sgd(momentum=0.9, use_ema=True, ema_momentum=0.5)
    for _, there, here in compared(theirs, optimizer, callbacks, tmp_path):
        for epoch in range(1, EPOCHS + 1):
            name = f"{epoch}.weights.h5"
            assert_same(weights_in(there / name), weights_in(here / name))


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_averages_are_swapped_across_a_transition(swap_on_epoch):
    """Layers that are thawed or frozen keep their own weights."""
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch)
    phases = [
        ks.Phase("head", until=ks.Epochs(1)),
        ks.Phase("stage_1", until=ks.Epochs(1)),
        ks.Phase("*"),
    ]
    seen, weights = [], []
    for added in ([], [swap]):
        model, kept = build(), Kept()
        compile_stock(model, sgd(use_ema=True, ema_momentum=0.5)())
        model.fit(
            X,
            Y,
            epochs=EPOCHS,
            callbacks=[kept, ks.FreezeSchedule(phases), *added],
            **FIT,
        )
        seen.append(kept.weights)
        weights.append(model.get_weights())
    for runs in (*zip(*seen, strict=True), weights):
        for one, other in zip(*runs, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("save_weights_only", [False, True])
@columns
def test_orbax(save_weights_only, theirs, tmp_path):
    pytest.importorskip("orbax.checkpoint")

    def callbacks(folder):
        return [
            keras.callbacks.OrbaxCheckpoint(
                str(folder / "saved"),
                monitor="loss",
                save_weights_only=save_weights_only,
                save_on_background=False,
            )
        ]

    for _, _, here in compared(theirs, sgd(), callbacks, tmp_path):
        assert {path.name for path in (here / "saved").iterdir()} >= {"2"}


@columns
def test_weights_and_biases(theirs, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    ours = pytest.importorskip("wandb.integration.keras")
    monkeypatch.setenv("WANDB_SILENT", "true")
    runs = []

    def callbacks(folder):
        wandb.finish()
        run = wandb.init(mode="offline", dir=folder)
        runs.append([])
        log = run.log

        def note(data, *arguments, **options):
            runs[-1].append(dict(data))
            log(data, *arguments, **options)

        monkeypatch.setattr(run, "log", note)
        monkeypatch.setattr(wandb, "log", note)
        return [
            ours.WandbMetricsLogger(),
            ours.WandbModelCheckpoint(folder / "{epoch}.keras"),
        ]

    compared(theirs, sgd(), callbacks, tmp_path)
    wandb.finish()
    there, *here = runs
    assert {"epoch/loss", "epoch/learning_rate"} <= there[0].keys()
    for found in here:
        assert_within(there, found)


@columns
def test_mlflow(theirs, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("mlflow.keras")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    runs = []

    def callbacks(folder):
        mlflow.end_run()
        runs.append(mlflow.start_run().info.run_id)
        return [mlflow.keras.MlflowCallback()]

    compared(theirs, sgd(), callbacks, tmp_path)
    mlflow.end_run()
    there, *here = (mlflow.get_run(run).data.metrics for run in runs)
    assert there
    for found in here:
        assert there == {name: found[name] for name in there}


@pytest.mark.parametrize("ours", [wrapped, scheduled, kt_fit, fine_tune])
def test_a_killed_training_goes_on_as_if_it_had_not_been(ours, tmp_path):
    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    whole, part = Kept(), Kept()
    ours(build(), sgd(momentum=0.9)(), [whole])
    with pytest.raises(KeyboardInterrupt):
        ours(build(), sgd(momentum=0.9)(), [backup, Kill()])
    ours(build(), sgd(momentum=0.9)(), [backup, part])
    assert len(part.weights) == 1
    assert_same(whole.weights[-1], part.weights[-1])
    assert not (tmp_path / "backup").exists()
