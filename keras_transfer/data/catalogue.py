"""What a pipeline knows of its photographs: their numbers and their order."""

import dataclasses
import itertools
from collections.abc import Callable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """The photographs behind one data set of `from_directory`, by number.

    The data set carries it as its attribute `catalogue`.

    Args:
        paths: The files, in the order before shuffling; a photograph's number
            is its place here.
        labels: Class numbers in the same order, int32; or rows of numbers,
            float32.
        class_names: All classes, of which a label is a place in this list; or
            what the numbers of a row are.
        image_shape: `(height, width, channels)`.
        is_one_hot: Whether the data set yields labels as one-hot rows.
        seed: Number that decides every draw.
        augment: What is applied to each batch of images, or `None`.
        rows: Yields numbers with labels, batch by batch, in the order in which
            the data set would yield the images.
        images_from: Takes a number; returns the images alone from there on, in
            order, uint8 and without augmentation.
        views_from: Takes a number and the number of a view; returns augmented
            images from there on, drawn anew for each view.
        task: What the labels are, as `Task.from_json` takes it: for numbers
            with `targets`, by which they were scaled.
    """

    paths: list[str]
    labels: np.ndarray
    class_names: list[str]
    image_shape: tuple[int, int, int]
    is_one_hot: bool
    seed: int
    augment: Callable | None
    rows: "tf.data.Dataset"
    images_from: Callable[[int], "tf.data.Dataset"]
    views_from: Callable[[int, int], "tf.data.Dataset"]
    task: dict[str, Any]

    @classmethod
    def of(cls, data: Any) -> "Catalogue | None":
        """Returns the photographs behind a data set; `None` for other data."""
        found = getattr(data, "catalogue", None)
        return found if isinstance(found, cls) else None

    @property
    def encoded_labels(self) -> np.ndarray:
        """All labels as the data set yields them."""
        if self.is_one_hot:
            return np.eye(len(self.class_names), dtype="float32")[self.labels]
        return self.labels

    def draw_views(self, views: int) -> "tf.data.Dataset":
        """Yields numbers, one view for each, and labels, batch by batch.

        Args:
            views: Number of views to draw from, anew in every epoch; the seed
                decides the draws.
        """
        import tensorflow as tf

        draws = random_numbers(self.seed)

        def draw(batch, number):
            row, *known = batch
            view = tf.random.stateless_uniform(
                tf.shape(row), [self.seed, number], 0, views, row.dtype
            )
            return row, view, *known

        return tf.data.Dataset.zip(self.rows, draws).map(draw)


def shuffled(columns: Sequence[np.ndarray], seed: int) -> "tf.data.Dataset":
    """Yields the rows of columns, in an order of its own in every epoch.

    The seed decides the order by itself. `Dataset.shuffle` mixes TensorFlow's
    global seed into its own: after `keras.utils.set_random_seed`, the same
    seed would give another order.

    Args:
        columns: Arrays of one length.
        seed: Number that decides the draws.
    """
    import tensorflow as tf

    epochs, count = itertools.count(), len(columns[0])

    def permutation():
        draw = np.random.default_rng([seed, next(epochs)])
        return draw.permutation(count)

    def epoch(_):
        rows = tf.numpy_function(permutation, [], tf.int64)
        rows.set_shape([count])
        return tf.data.Dataset.from_tensor_slices(
            tuple(tf.gather(column, rows) for column in columns)
        )

    dataset = tf.data.Dataset.range(1).flat_map(epoch)
    return dataset.apply(tf.data.experimental.assert_cardinality(count))


def random_numbers(seed: int) -> "tf.data.Dataset":
    """Yields numbers without end, others in every epoch, by a seed alone.

    Args:
        seed: Number that decides the draws.
    """
    import tensorflow as tf

    epochs = itertools.count()

    def first():
        state = np.random.SeedSequence([seed, next(epochs)]).generate_state(1)
        return np.int64(state[0])

    def epoch(_):
        start = tf.numpy_function(first, [], tf.int64)
        return tf.data.Dataset.counter(start=tf.ensure_shape(start, []))

    numbers = tf.data.Dataset.range(1).flat_map(epoch)
    endless = tf.data.experimental.assert_cardinality(
        tf.data.INFINITE_CARDINALITY
    )
    return numbers.apply(endless)
