"""Images per second of `kt.optimize_for_inference`, beside `model.predict`.

Both take turns, for batches of 1 and of 32; the ratio of each round counts:

    python examples/benchmarks/inference.py               # untrained MobileNet
    python examples/benchmarks/inference.py model.keras   # your own
"""

import argparse
import time

import keras
import numpy as np

import keras_transfer as kt


def untrained(size):
    """MobileNet 0.75 whose outputs vary from image to image."""
    keras.utils.set_random_seed(0)
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, weights=None, input_shape=(size, size, 3)
    )
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            layer.set_weights([3 * w for w in layer.get_weights()])
    model = kt.build_model(backbone, kt.heads.LinearHead(2, dropout=0.2))
    head = model.layers[-1].predictions
    kernel, bias = head.get_weights()
    head.set_weights([kernel * np.float32(10), bias])
    return model


def seconds(predict):
    start = time.perf_counter()
    predict()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--runtimes", nargs="+")
    arguments = parser.parse_args()
    if arguments.model is None:
        model = untrained(arguments.size)
    else:
        model = kt.load_model(arguments.model)
    fast = kt.optimize_for_inference(model, runtimes=arguments.runtimes)
    print(fast)
    shape = model.input_shape[1:]
    images = np.random.default_rng(0).uniform(0, 255, (32, *shape))
    images = images.astype("float32")
    for size in (1, 32):
        batch = images[:size]
        pair = [
            lambda batch=batch, size=size: model.predict(
                batch, batch_size=size, verbose=0
            ),
            lambda batch=batch, size=size: fast.predict(batch, batch_size=size),
        ]
        difference = np.abs(pair[0]() - pair[1]()).max()
        times = np.zeros((arguments.rounds, 2))
        for number in range(arguments.rounds):
            for which in (0, 1) if number % 2 else (1, 0):
                times[number, which] = seconds(pair[which])
        ratios = times[:, 0] / times[:, 1]
        rates = size / np.median(times, axis=0)
        print(
            f"batch {size}: {rates[0]:.1f} and {rates[1]:.1f} images/s; "
            f"ratio: {np.median(ratios):.2f} (by round from "
            f"{ratios.min():.2f} to {ratios.max():.2f}); "
            f"difference: {difference:.1g}"
        )


if __name__ == "__main__":
    main()
