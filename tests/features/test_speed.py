"""How long a cached epoch takes, in processor time: others may be at work."""

import statistics
import time

import keras
import numpy as np
import pytest

import keras_transfer as kt

ROWS, CHANNELS = 244, 768


@pytest.fixture
def epochs_of():
    """Returns a function that trains and tells how long each epoch took."""

    def train(run, model, *data, **options):
        times, evaluate = [], model.evaluate

        # In place of a callback of ours, for which weights would be compared.
        def timed(*arguments, **named):
            result = evaluate(*arguments, **named)
            times.append(time.process_time())
            return result

        object.__setattr__(model, "evaluate", timed)
        run(*data, epochs=22, verbose=0, **options)
        return np.diff(times)[1:]

    return train


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="it has no cache"
)
def test_a_cached_epoch_takes_little_more_than_its_head_alone(epochs_of):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (ROWS, 32, 32, 3), "uint8")
    features = rng.normal(size=(ROWS, CHANNELS)).astype("float32")
    labels = rng.integers(0, 2, ROWS)
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, weights=None, input_shape=(32, 32, 3)
    )
    ratios = []
    for _ in range(5):
        model = kt.build_model(backbone, kt.heads.LinearHead(2, dropout=0.2))
        kt.freeze(model)
        kt.compile_for_transfer(model)
        held_out = (images[:150], labels[:150])
        cached = epochs_of(
            lambda *data, model=model, **options: kt.fit(
                model, *data, cache="memory", **options
            ),
            model,
            images,
            labels,
            validation_data=held_out,
        )
        head = keras.Sequential(
            [
                keras.Input((CHANNELS,)),
                keras.layers.Dropout(0.2),
                keras.layers.Dense(2, "softmax"),
            ]
        )
        head.compile(
            "adam", "sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        alone = epochs_of(
            head.fit,
            head,
            features,
            labels,
            validation_data=(features[:150], labels[:150]),
        )
        ratios.append(statistics.median(cached) / statistics.median(alone))
    print(f"cached epoch to head alone: {sorted(ratios)}")
    assert statistics.median(ratios) < 1.5
