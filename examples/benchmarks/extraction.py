"""Cost of extracting all stages, against one forward pass of the model.

Passes of a classifier and passes of its extractor alternate on the same batch;
the ratio of medians is printed. Weights make no difference to the time:

    python examples/benchmarks/extraction.py --rounds 15
"""

import argparse
import statistics
import time

import keras
import numpy as np

import keras_transfer as kt


def main(arguments):
    keras.utils.set_random_seed(0)
    size = arguments.size
    backbone = kt.create_backbone(
        "mobilenet",
        alpha=0.75,
        weights=arguments.weights,
        input_shape=(size, size, 3),
    )
    model = kt.build_model(backbone, kt.heads.LinearHead(2))
    stages = [stage.name for stage in kt.stages_of(backbone)]
    extractor = kt.build_extractor(model, [*stages, "head"])
    print(f"extracting {', '.join(extractor.paths.values())}")
    shape = (arguments.batch, size, size, 3)
    images = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")

    passes = {"model": model, "extractor": extractor}
    for network in passes.values():  # Traces are not what is measured.
        network.predict_on_batch(images)
    times = {name: [] for name in passes}
    for number in range(arguments.rounds):
        pair = list(passes.items())
        for name, network in pair if number % 2 else reversed(pair):
            start = time.perf_counter()
            network.predict_on_batch(images)
            times[name].append(time.perf_counter() - start)
    for name, seconds in times.items():
        milliseconds = 1000 * statistics.median(seconds)
        print(f"{name:>10}: {milliseconds:6.1f} ms per pass (median)")
    ratios = sorted(
        b / a for a, b in zip(times["model"], times["extractor"], strict=True)
    )
    ratio = statistics.median(times["extractor"]) / statistics.median(
        times["model"]
    )
    middle = statistics.median(ratios)
    print(f"     ratio: {ratio:.3f} of medians; {middle:.3f} median by round")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--weights", default=None)
    main(parser.parse_args())
