"""Training a head on frozen features: plain Keras beside `kt.fit`.

Both sides train the same head on MobileNet 0.75 with its ImageNet weights, on
the same folder of photographs; only the time of `fit` counts, which for
`kt.fit` includes computing the features. Rounds alternate:

    python examples/benchmarks/cached_fit.py photos/ --epochs 10 --rounds 5
"""

import argparse
import pathlib
import statistics
import time

import keras

import keras_transfer as kt

ALPHA, HEAD_RATE, DROPOUT = 0.75, 1e-3, 0.2


def plain_keras(arguments):
    """The script that Keras's own guide to transfer learning teaches."""
    shape = (arguments.size, arguments.size)
    train, validation = (
        keras.utils.image_dataset_from_directory(
            arguments.folder / part, image_size=shape, seed=1
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
    outputs = keras.layers.Dense(len(train.class_names), "softmax")(x)
    model = keras.Model(image, outputs)
    model.compile(
        keras.optimizers.Adam(HEAD_RATE),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return lambda: model.fit(
        train,
        validation_data=validation,
        epochs=arguments.epochs,
        verbose=0,
    )


def ours(arguments, cache):
    """The same with this library."""
    train, validation = kt.data.from_directory(
        arguments.folder, image_size=arguments.size, seed=1
    )
    backbone = kt.create_backbone(
        "mobilenet",
        alpha=ALPHA,
        input_shape=(arguments.size, arguments.size, 3),
    )
    model = kt.build_model(
        backbone,
        kt.heads.LinearHead(len(train.class_names), dropout=DROPOUT),
        class_names=train.class_names,
    )
    kt.compile_for_transfer(model, learning_rate=HEAD_RATE)
    if arguments.schedule == "probe":
        schedule = kt.schedules.LinearProbe()
    else:
        every = arguments.epochs // 3
        schedule = kt.schedules.GradualUnfreeze(
            every=every, start=every, learning_rate=slice(0.01, 1.0)
        )
    return lambda: kt.fit(
        model,
        train,
        validation_data=validation,
        epochs=arguments.epochs,
        callbacks=[schedule],
        cache=cache,
        verbose=0,
    )


def main(arguments):
    sides = {
        "plain Keras": plain_keras,
        "ours, uncached": lambda a: ours(a, False),
        "ours, cached": lambda a: ours(a, "memory"),
    }
    if arguments.schedule != "probe":
        del sides["plain Keras"]  # It would have to be written by hand.
    seconds = {name: [] for name in sides}
    accuracies = {name: [] for name in sides}
    for number in range(arguments.rounds):
        order = list(sides) if number % 2 else list(reversed(sides))
        for name in order:
            keras.utils.set_random_seed(number)
            run = sides[name](arguments)
            start = time.perf_counter()
            history = run()
            seconds[name].append(time.perf_counter() - start)
            accuracies[name].append(history.history["val_accuracy"][-1])
            keras.utils.clear_session()
    fastest = statistics.median(seconds["ours, cached"])
    for name, times in seconds.items():
        median = statistics.median(times)
        print(
            f"{name:>15}: {median:7.1f} s ({min(times):.1f} to "
            f"{max(times):.1f}), {median / fastest:5.1f} x; last validation "
            f"accuracy {statistics.median(accuracies[name]):.3f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument(
        "--schedule", choices=("probe", "gradual"), default="probe"
    )
    main(parser.parse_args())
