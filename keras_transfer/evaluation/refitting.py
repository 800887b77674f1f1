"""New heads like that of a model, trained on its features."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer.evaluation.many_heads import Recipe
from keras_transfer.evaluation.many_heads import train_heads
from keras_transfer.features.boundary import split_at_boundary
from keras_transfer.features.cache import FeatureCache
from keras_transfer.heads.classification_head import ClassificationHead
from keras_transfer.heads.linear import LinearHead
from keras_transfer.optimizer.transfer_optimizer import TransferOptimizer
from keras_transfer.structure import model_info
from keras_transfer.structure.task import task_of

Pairs = Sequence[tuple[np.ndarray, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Trainer:
    """Trains heads on features, each on rows of its own.

    Args:
        recipe: How they are trained.
        num_classes: Number of classes.
        class_names: Their names, or `None`.
        seed: Number that decides initial weights and orders.
        model: The model whose head and optimizer are made anew for each;
            `None` for linear heads with Adam, which train side by side.
    """

    recipe: Recipe
    num_classes: int
    class_names: tuple[str, ...] | None = None
    seed: int = 0
    model: Any = None

    def predict(
        self, features: np.ndarray, labels: np.ndarray, pairs: Pairs
    ) -> list[np.ndarray]:
        """Returns the classes that each head predicts for its other rows.

        Args:
            features: A row for each photograph.
            labels: Class numbers.
            pairs: Rows to train on and rows to predict, for each head.
        """
        if self.model is not None:
            return self._by_keras(features, labels, pairs)
        kernels, biases = train_heads(
            features,
            labels,
            [rows for rows, _ in pairs],
            self.num_classes,
            self.recipe,
            self.seed,
        )
        return [
            (features[rest] @ kernel + bias).argmax(-1)
            for (_, rest), kernel, bias in zip(
                pairs, kernels, biases, strict=True
            )
        ]

    def _by_keras(self, features, labels, pairs):
        """Trains one network again and again, compiled once."""
        keras.utils.set_random_seed(self.seed)
        old = _head_of(self.model)
        inputs = keras.Input(features.shape[1:], dtype=str(features.dtype))
        head = type(old).from_config(old.get_config())
        network = keras.Model(inputs, head(inputs))
        optimizer = _plain_optimizer(self.model.optimizer)
        # Small heads train before XLA would have compiled them.
        network.compile(optimizer, loss=_loss(head), jit_compile=False)
        optimizer.build(network.trainable_variables)
        start = [keras.ops.convert_to_numpy(v) for v in optimizer.variables]
        said = []
        for rows, rest in pairs:
            fresh = type(old).from_config(old.get_config())
            fresh.build((None, *features.shape[1:]))
            head.set_weights(fresh.get_weights())
            for variable, value in zip(optimizer.variables, start, strict=True):
                variable.assign(value)
            network.fit(
                features[rows],
                labels[rows],
                epochs=self.recipe.epochs,
                batch_size=self.recipe.batch_size,
                verbose=0,
            )
            outputs = network.predict(features[rest], verbose=0)
            said.append(_classes(outputs, head.output_activation))
        return said


def _classes(outputs, activation):
    if outputs.shape[-1] > 1:
        return outputs.argmax(-1)
    middle = 0.0 if activation == "linear" else 0.5
    return (outputs[:, 0] > middle).astype("int64")


def trainer_of(
    model: keras.Model, epochs: int, batch_size: int, seed: int
) -> Trainer:
    """Returns what trains heads like that of a model.

    Args:
        model: As for `cross_validate`.
        epochs: As for `cross_validate`.
        batch_size: As for `cross_validate`.
        seed: As for `cross_validate`.

    Raises:
        ValueError: As for `cross_validate`.
    """
    if not getattr(model, "optimizer", None):
        raise ValueError(
            f"The model {model.name!r} is not compiled, so there is no "
            "learning rate to train heads with. Call "
            "kt.compile_for_transfer(model) first."
        )
    kind = task_of(model).kind
    if kind not in ("classification", "ordinal"):
        raise ValueError(
            "Cross-validation tells the accuracy of classes. The task of the "
            f"model {model.name!r} is {kind!r}."
        )
    head = _head_of(model)
    split = split_at_boundary(model)
    foreign = [
        step.operation.name
        for step in split.suffix.steps
        if step.operation not in (head, *head.steps)
    ]
    if foreign or len(split.prefix.output_refs) != 1:
        raise ValueError(
            f"Cross-validation trains heads on features that do not change, "
            f"but of {model.name!r} more than the head is trained or random "
            f"({', '.join(foreign[:3])}). Freeze the rest first: "
            "kt.freeze(model)."
        )
    names = (model_info.find(model) or {}).get("class_names")
    optimizer = _plain_optimizer(model.optimizer)
    rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    is_linear = (
        isinstance(head, LinearHead)
        and head.output_activation in ("softmax", "linear")
        and head.num_classes > 1
        and kind == "classification"
        and type(optimizer) is keras.optimizers.Adam
        and len(split.prefix.output_refs[0].spec.shape) == 2
    )
    return Trainer(
        Recipe(epochs, batch_size, rate, head.dropout),
        max(head.num_classes, 2),
        names and tuple(names),
        seed,
        None if is_linear else model,
    )


def features_of(
    model: keras.Model,
    x: Any,
    y: Any,
    batch_size: int,
    cache: str | os.PathLike | None,
) -> tuple[np.ndarray, np.ndarray, list[str] | None]:
    """Returns features, class numbers, and files where there are any.

    Args:
        model: As for `cross_validate`.
        x: As for `cross_validate`.
        y: As for `cross_validate`.
        batch_size: As for `cross_validate`.
        cache: As for `cross_validate`.

    Raises:
        ValueError: For labels that are not one for each image, or data that
            cannot be read by number.
    """
    parts = list(x) if isinstance(x, list | tuple) else [x]
    paths = None
    if all(hasattr(part, "labels") for part in parts):
        labels = np.concatenate([np.asarray(part.labels) for part in parts])
        if all(hasattr(part, "file_paths") for part in parts):
            paths = [path for part in parts for path in part.file_paths]
    elif y is None:
        raise ValueError(
            "Cross-validation needs labels: pass y, or a data set of kt.data."
        )
    else:
        parts, labels = [np.asarray(x)], np.asarray(y)
    if labels.ndim == 2:
        labels = labels.argmax(-1) if labels.shape[1] > 1 else labels[:, 0]
    cached = FeatureCache(
        split_at_boundary(model), *parts, folder=cache, batch_size=batch_size
    )
    if labels.shape != (len(cached),):
        raise ValueError(
            f"Expected a class number for each of {len(cached)} images. "
            f"Received labels of shape {labels.shape}."
        )
    (features,) = cached.read(slice(None))
    return np.asarray(features), labels.astype("int64"), paths


def _head_of(model):
    heads = [
        layer for layer in model.layers if isinstance(layer, ClassificationHead)
    ]
    if len(heads) != 1:
        raise ValueError(
            "Cross-validation makes the head anew for each fold. Expected a "
            "model of kt.build_model with one head of kt.heads. Received: "
            f"{model.name!r} with {len(heads)} of them."
        )
    return heads[0]


def _plain_optimizer(optimizer):
    """A new stock optimizer of the same settings."""
    if isinstance(optimizer, TransferOptimizer):
        return optimizer.create_stock()
    return type(optimizer).from_config(optimizer.get_config())


def _loss(head):
    logits = head.output_activation == "linear"
    if head.num_classes == 1:
        return keras.losses.BinaryCrossentropy(from_logits=logits)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
