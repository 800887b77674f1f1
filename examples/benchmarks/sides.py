"""The trainings that `cached_fit.py` compares, each as a function.

Each builds everything and returns what trains; only that is timed. It returns
the last validation accuracy.
"""

import json
import pathlib
import sys

ALPHA, HEAD_RATE, DROPOUT, BATCH, CLASSES = 0.75, 1e-3, 0.2, 32, 2


def plain_keras(folder, size, epochs, schedule, seed):
    """The script that Keras's own guide to transfer learning teaches."""
    import keras

    shape = (size, size)
    train, validation = (
        keras.utils.image_dataset_from_directory(
            pathlib.Path(folder, part), image_size=shape, seed=seed
        )
        for part in ("train", "val")
    )
    base = keras.applications.MobileNet(
        alpha=ALPHA, include_top=False, input_shape=(*shape, 3)
    )
    base.trainable = False
    image = keras.Input((*shape, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = base(x, training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(DROPOUT)(x)
    outputs = keras.layers.Dense(CLASSES, "softmax")(x)
    model = keras.Model(image, outputs)
    model.compile(
        keras.optimizers.Adam(HEAD_RATE),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return lambda: last_accuracy(
        model.fit(train, validation_data=validation, epochs=epochs, verbose=0)
    )


def uncached(**task):
    """This library, as Keras trains."""
    return _ours(False, **task)


def cached(**task):
    """This library, with what is frozen computed once."""
    return _ours("memory", **task)


def cached_on_disk(**task):
    """The same, with the features in a new folder."""
    import tempfile

    return _ours(tempfile.mkdtemp(), **task)


def _ours(cache, folder, size, epochs, schedule, seed):
    import keras_transfer as kt

    train, validation = kt.data.from_directory(
        folder, image_size=size, batch_size=BATCH, seed=seed
    )
    backbone = kt.create_backbone(
        "mobilenet", alpha=ALPHA, input_shape=(size, size, 3)
    )
    model = kt.build_model(
        backbone,
        kt.heads.LinearHead(CLASSES, dropout=DROPOUT),
        class_names=train.class_names,
    )
    kt.compile_for_transfer(model, learning_rate=HEAD_RATE)
    phases = kt.schedules.LinearProbe()
    if schedule == "gradual":
        every = epochs // 3
        phases = kt.schedules.GradualUnfreeze(
            every=every, start=every, learning_rate_multiplier=slice(0.01, 1.0)
        )
    return lambda: last_accuracy(
        kt.fit(
            model,
            train,
            validation_data=validation,
            epochs=epochs,
            callbacks=[phases],
            cache=cache,
            verbose=0,
        )
    )


def last_accuracy(history):
    """Returns the accuracy on the validation data after the last epoch."""
    return history.history["val_accuracy"][-1]


def _main(side, arguments):
    import resource
    import time

    import keras

    keras.utils.set_random_seed(arguments["seed"])
    run = _maker(side)(**arguments)
    start, work = time.perf_counter(), time.process_time()
    accuracy = run()
    figures = {
        "seconds": time.perf_counter() - start,
        "processor_seconds": time.process_time() - work,
        "val_accuracy": float(accuracy),
        # Kibibytes on Linux.
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    print(json.dumps(figures))


def _maker(side):
    if side in globals():
        return globals()[side]
    import peers

    return getattr(peers, side)


if __name__ == "__main__":
    _main(sys.argv[1], json.loads(sys.argv[2]))
