"""The drawing of one view for each photograph in each epoch."""

from typing import Any

import tensorflow as tf


def draw_views(dataset: Any, views: int) -> tf.data.Dataset:
    """Yields row numbers, numbers of views and labels, batch by batch.

    Args:
        dataset: What `build_pipeline` returns.
        views: Number of views to draw from, anew in every epoch; the seed of
            the data set decides the draws.
    """
    draws = tf.data.Dataset.random(
        seed=dataset.seed, rerandomize_each_iteration=True
    )

    def draw(batch, number):
        row, label = batch
        view = tf.random.stateless_uniform(
            tf.shape(row), [dataset.seed, number], 0, views, row.dtype
        )
        return row, view, label

    return tf.data.Dataset.zip(dataset.rows, draws).map(draw)
