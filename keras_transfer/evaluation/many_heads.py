"""Linear heads trained side by side on stored features."""

import dataclasses
from collections.abc import Sequence

import numpy as np

# Keras's own, of Adam.
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a head is trained, as `fit` trains it.

    Args:
        epochs: Passes over the training rows.
        batch_size: Rows per step.
        learning_rate: Of Adam.
        dropout: Fraction of the features dropped.
    """

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 0.003
    dropout: float = 0.0


def train_heads(
    features: np.ndarray,
    labels: np.ndarray,
    rows_of_each: Sequence[np.ndarray],
    num_classes: int,
    recipe: Recipe,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Trains a softmax head on each of several sets of rows.

    The steps are those of Keras: Adam on the mean cross-entropy of a batch,
    Glorot's initial weights, dropout on the features, rows in a new order in
    each epoch. All heads take a step together, so that twenty cost hardly
    more than one.

    Args:
        features: Of shape `(rows, size)`.
        labels: Class numbers.
        rows_of_each: Rows that each head is trained on.
        num_classes: Number of classes.
        recipe: How they are trained.
        seed: Number that decides initial weights, orders and dropout.

    Returns:
        Kernels of shape `(heads, size, classes)` and biases of shape
        `(heads, classes)`.
    """
    rng = np.random.default_rng(seed)
    features = np.asarray(features, "float32")
    heads, size = len(rows_of_each), features.shape[1]
    limit = np.sqrt(6 / (size + num_classes))
    kernel = rng.uniform(-limit, limit, (heads, size, num_classes))
    values = [kernel.astype("float32"), np.zeros((heads, 1, num_classes), "f")]
    means = [np.zeros_like(value) for value in values]
    squares = [np.zeros_like(value) for value in values]
    targets = np.eye(num_classes, dtype="float32")[labels]
    longest = max(map(len, rows_of_each))
    step = 0
    for _ in range(recipe.epochs):
        order, is_row = _orders(rows_of_each, longest, rng)
        for start in range(0, longest, recipe.batch_size):
            part = slice(start, start + recipe.batch_size)
            step += 1
            gradients = _gradients(
                features[order[:, part]],
                targets[order[:, part]],
                is_row[:, part],
                values,
                recipe.dropout,
                rng,
            )
            rate = recipe.learning_rate * np.sqrt(1 - _BETA_2**step)
            rate /= 1 - _BETA_1**step
            for i, gradient in enumerate(gradients):
                means[i] += (gradient - means[i]) * (1 - _BETA_1)
                squares[i] += (gradient**2 - squares[i]) * (1 - _BETA_2)
                values[i] -= rate * means[i] / (np.sqrt(squares[i]) + _EPSILON)
    return values[0], values[1][:, 0]


def _orders(rows_of_each, longest, rng):
    """A new order of each head's rows, filled up to one length."""
    order = np.zeros((len(rows_of_each), longest), int)
    is_row = np.zeros(order.shape, "float32")
    for head, rows in enumerate(rows_of_each):
        order[head, : len(rows)] = rng.permutation(rows)
        is_row[head, : len(rows)] = 1
    return order, is_row


def _gradients(inputs, targets, is_row, values, dropout, rng):
    if dropout:
        kept = rng.random(inputs.shape, "float32") >= dropout
        inputs = inputs * (kept / np.float32(1 - dropout))
    logits = inputs @ values[0] + values[1]
    logits -= logits.max(-1, keepdims=True)
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(-1, keepdims=True)
    count = np.maximum(is_row.sum(-1), 1)[:, None]
    error = (probabilities - targets) * (is_row / count)[..., None]
    return [inputs.transpose(0, 2, 1) @ error, error.sum(1, keepdims=True)]
