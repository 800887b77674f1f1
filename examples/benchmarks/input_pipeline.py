"""Images per second of the input pipeline, beside that of Keras.

Enlarges photographs to several sizes, then reads each folder with
`kt.data.from_directory` and `keras.utils.image_dataset_from_directory`, which
take turns. Nothing is trained: only the reading is measured.

    python examples/benchmarks/input_pipeline.py photos/

`first` is an epoch that opens the files, `later` one after it, `all` the
ratio over all epochs, each also in processor time, to which it matters less
what else runs on the machine. Pixels are compared with those of Keras, for the
interpolation of the same rounds and for "area", the only one of Keras's that
averages.
"""

import argparse
import pathlib
import tempfile
import time

import keras
import numpy as np
from PIL import Image

import keras_transfer as kt


def enlarge(photographs, megapixels, folder):
    """Writes photographs of that many pixels into two class folders."""
    for number, photograph in enumerate(photographs):
        target = folder / "ab"[number % 2] / f"{number:04}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(photograph) as image:
            factor = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
            size = round(image.width * factor), round(image.height * factor)
            large = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        large.save(target, quality=90)


def keras_dataset(folder, size, interpolation="bilinear", shuffle=True):
    return keras.utils.image_dataset_from_directory(
        folder,
        image_size=(size, size),
        interpolation=interpolation,
        shuffle=shuffle,
        seed=0,
        verbose=False,
    )


def our_dataset(folder, size):
    # The smallest split there is; what it holds out is not read, nor counted.
    train, _ = kt.data.from_directory(
        folder, image_size=size, check=False, validation_split=1e-9
    )
    return train


def seconds(dataset, epochs):
    """Returns what an image took in each epoch: by clock, by processors."""
    count = len(dataset.file_paths)
    times = []
    for _ in range(epochs):
        start = time.perf_counter(), time.process_time()
        for _ in dataset:
            pass
        end = time.perf_counter(), time.process_time()
        times.append(np.subtract(end, start) / count)
    return np.array(times)


def differences(folder, size):
    """Yields the name of each reference with the differences from it."""
    files = sorted(folder.glob("*/*.jpg"))
    ours = np.stack([kt.data.load_image(file, size) for file in files])

    for name in ("bilinear", "area"):
        dataset = keras_dataset(folder, size, name, shuffle=False)
        theirs = np.concatenate([images for images, _ in dataset])
        yield f"Keras, {name!r}", np.abs(ours - theirs).mean(axis=(1, 2, 3))


def compare(folder, arguments):
    makers = {
        "Keras": lambda: keras_dataset(folder, arguments.size),
        "ours": lambda: our_dataset(folder, arguments.size),
    }
    times = {name: [] for name in makers}
    for number in range(arguments.rounds + 1):
        names = list(makers) if number % 2 else list(reversed(makers))
        for name in names:
            took = seconds(makers[name](), arguments.epochs)
            if number:  # The first round warms up the disk's cache.
                times[name].append(took)
    parts = {
        "first": lambda took: took[0],
        "later": lambda took: np.median(took[1:], axis=0),
        "all": lambda took: np.mean(took, axis=0),
    }
    for part, of in parts.items():
        theirs, ours = (np.array([*map(of, times[name])]) for name in makers)
        rates = 1 / np.median([theirs, ours], axis=1)[:, 0]
        print(f"  {part}: {rates[0]:.1f} and {rates[1]:.1f} images/s; ", end="")
        for clock, ratios in zip(
            ("ratio", "of processor time"), (theirs / ours).T, strict=True
        ):
            print(
                f"{clock} {np.median(ratios):.2f} (by round from "
                f"{ratios.min():.2f} to {ratios.max():.2f})",
                end="; " if clock == "ratio" else "\n",
            )
    for name, each in differences(folder, arguments.size):
        print(
            f"  pixels against {name}: {each.mean():.2f} of 255 on average, "
            f"{each.max():.2f} in the farthest image"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=pathlib.Path)
    parser.add_argument(
        "--megapixels", type=float, nargs="+", default=[1.2, 3, 12]
    )
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=224)
    arguments = parser.parse_args()
    found = kt.data.list_images(arguments.photographs)
    chosen = found[:: max(1, len(found) // arguments.images)]
    for megapixels in arguments.megapixels:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            enlarge(chosen[: arguments.images], megapixels, folder)
            print(f"{megapixels:g} megapixels, {arguments.epochs} epochs:")
            compare(folder, arguments)


if __name__ == "__main__":
    main()
