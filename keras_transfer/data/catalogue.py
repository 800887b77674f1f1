"""What is known of the photographs that a pipeline reads."""

import dataclasses
from collections.abc import Callable
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
        labels: Class numbers in the same order, int32.
        class_names: All classes; a label is a place in this list.
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

        draws = tf.data.Dataset.random(
            seed=self.seed, rerandomize_each_iteration=True
        )

        def draw(batch, number):
            row, label = batch
            view = tf.random.stateless_uniform(
                tf.shape(row), [self.seed, number], 0, views, row.dtype
            )
            return row, view, label

        return tf.data.Dataset.zip(self.rows, draws).map(draw)
