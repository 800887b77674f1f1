"""The `tf.data` pipeline that opens image files batch by batch."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from keras_transfer.data.catalogue import Catalogue
from keras_transfer.data.catalogue import random_numbers
from keras_transfer.data.catalogue import shuffled
from keras_transfer.data.decoded import DecodedImages
from keras_transfer.data.images import CHANNELS
from keras_transfer.data.images import decode
from keras_transfer.data.splitting import Samples

_BATCHES_AHEAD = 2


def build_pipeline(
    samples: Samples,
    *,
    class_names: list[str],
    image_size: tuple[int, int],
    color_mode: str,
    batch_size: int,
    label_mode: str,
    shuffle: bool,
    seed: int,
    augment: Callable | None = None,
    keep_decoded: bool = False,
    task: str = "classification",
    targets: dict[str, list] | None = None,
) -> tf.data.Dataset:
    """Returns batches of images with their labels.

    A file is opened when its batch is due. Batches do not depend on whether
    decoded images are kept.

    It has the attributes `class_names`, `file_paths`, `labels`, `task` and
    `targets`, and `catalogue`, by which they can be read by number.

    Args:
        samples: The files with their labels.
        class_names: All classes, labels or numbers, by name; the label of a
            class is its place in this list.
        image_size: `(height, width)` in pixels.
        color_mode: `"rgb"`, `"grayscale"` or `"rgba"`.
        batch_size: Images per batch, the last one excepted.
        label_mode: `"int"`, or `"categorical"` for one-hot labels.
        shuffle: Whether the order is drawn anew in every epoch.
        seed: Number that decides every draw.
        augment: Keras layer or function from a batch of images to another.
        keep_decoded: Whether an epoch finds the images that another decoded.
        task: What the labels are, as of heads.
        targets: Names, units, mean and std of numbers, or `None`.

    Raises:
        ValueError: `augment` returns something else.
    """
    paths, labels = samples.paths, samples.labels
    is_one_hot = label_mode == "categorical" and samples.are_classes
    weights = [] if samples.weights is None else [samples.weights]

    shape = (*image_size, CHANNELS[color_mode])

    def read(row):
        return decode(paths[row], image_size, color_mode)

    # What is read in order is not kept here: it is read to be kept elsewhere.
    read_again = (
        DecodedImages(len(paths), shape, read) if keep_decoded else read
    )

    def load(row, read):
        pixels = tf.numpy_function(read, [row], tf.uint8, stateful=False)
        pixels.set_shape(shape)
        return pixels

    def encode(label):
        return tf.one_hot(label, len(class_names)) if is_one_hot else label

    columns = (np.arange(len(paths)), labels, *weights)
    files = tf.data.Dataset.from_tensor_slices(columns)
    files = files.with_options(_fixed())
    in_order = files  # Before it is shuffled.

    def images_from(row):
        # Skipped before they are opened; whoever reads on may prefetch.
        images = in_order.skip(row).map(
            lambda row, *_: load(row, read),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        return images.batch(batch_size)

    def views_from(row, view):
        images = images_from(row).map(
            lambda pixels: (tf.cast(pixels, tf.float32),)
        )
        first = row // batch_size
        views = _augmented(images, augment, seed + 1 + view, first)
        return views.map(lambda images: images)

    if shuffle:
        files = shuffled(columns, seed).with_options(_fixed())
    dataset = files.map(
        lambda row, *known: (load(row, read_again), *known),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    dataset = dataset.batch(batch_size).map(
        lambda pixels, label, *weight: (
            tf.cast(pixels, tf.float32),
            encode(label),
            *weight,
        )
    )
    if augment is not None:
        dataset = _augmented(dataset, augment, seed)
    dataset = dataset.prefetch(_BATCHES_AHEAD)
    dataset.catalogue = Catalogue(
        paths=[str(path) for path in paths],
        labels=labels,
        class_names=list(class_names),
        image_shape=shape,
        is_one_hot=is_one_hot,
        seed=seed,
        augment=augment,
        rows=files.batch(batch_size).map(
            lambda row, label, *weight: (row, encode(label), *weight)
        ),
        images_from=images_from,
        views_from=views_from,
        task={"kind": task, "targets": targets},
    )
    dataset.class_names = dataset.catalogue.class_names if not targets else None
    dataset.file_paths = dataset.catalogue.paths
    dataset.labels = labels
    dataset.task, dataset.targets = task, targets
    return dataset


def _fixed():
    """Leaves the parallel calls at one for each core.

    The thread that would tune them sleeps for longer and longer, and whatever
    drops an iterator, as `fit` does after each epoch, may wait for it: often 2
    seconds, between epochs of 4.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def _augmented(dataset, augment, seed, first=0):
    """Maps a Keras layer so that its draws depend on seeds alone.

    The layers count their calls, prefetching runs ahead by chance: looking
    at one batch would change the whole training that follows. So each batch
    brings its own number, which takes the place of that count.
    """
    states = _random_states(augment)
    seeds = [int(keras.ops.convert_to_numpy(state)[0]) for state in states]
    options = {"training": True} if isinstance(augment, keras.Layer) else {}

    def apply(batch, draw):
        images, *known = batch
        for state, own in zip(states, seeds, strict=True):
            state.assign([own, draw])
        return augment(images, **options), *known

    draws = random_numbers(seed).skip(first)
    # One batch after the other, for the layers share their states; within a
    # batch the work is spread over the cores all the same.
    augmented = tf.data.Dataset.zip(dataset, draws).map(apply)
    expected, received = dataset.element_spec[0], augmented.element_spec[0]
    if (
        not isinstance(received, tf.TensorSpec)
        or received.dtype != expected.dtype
        or not received.shape.is_compatible_with(expected.shape)
    ):
        raise ValueError(
            "`augment` must return a batch of images of the same shape and "
            f"type, {expected}. Received: {received}"
        )
    # Random layers lose track of height, width or channels.
    return augmented.map(
        lambda images, *known: (
            tf.ensure_shape(images, expected.shape),
            *known,
        )
    )


def _random_states(augment):
    # With JAX or torch, Keras makes the layers' states anew inside the
    # pipeline, out of reach: there they are reproducible run by run.
    is_layer = isinstance(augment, keras.Layer)
    if not is_layer or keras.config.backend() != "tensorflow":
        return []
    return [
        variable
        for variable in augment.variables
        if variable.path.endswith("seed_generator_state")
    ]
