"""Metrics of several labels, each with a threshold of its own."""

import math
from collections.abc import Sequence

import keras
from keras import ops


def label_metrics(
    thresholds: Sequence[float], from_logits: bool, is_flat: bool = True
) -> list[keras.metrics.Metric]:
    """Returns the metrics of several labels at once.

    Args:
        thresholds: For each label the probability from which on it is
            predicted.
        from_logits: Whether outputs are logits.
        is_flat: Whether outputs have the shape `(batch, labels)`. Defaults to
            `True`; for others only accuracy is measured.
    """
    if from_logits:
        thresholds = [_logit(threshold) for threshold in thresholds]
    accuracy = LabelAccuracy(thresholds)
    if not is_flat:
        return [accuracy]
    precision = keras.metrics.AUC(
        curve="PR",
        multi_label=True,
        num_labels=len(thresholds),
        from_logits=from_logits,
        name="mean_average_precision",
    )
    return [accuracy, precision, LabelF1(thresholds)]


def _logit(probability):
    if probability in (0, 1):
        return math.copysign(1e30, probability - 0.5)
    return math.log(probability / (1 - probability))


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="LabelAccuracy"
)
class LabelAccuracy(keras.metrics.BinaryAccuracy):
    """How often labels are predicted rightly, each from a threshold on.

    Args:
        thresholds: One for each label, of probabilities or of logits.
        name: Name of the metric. Defaults to `"accuracy"`.
        dtype: Dtype of the metric.

    Example:
    >>> metric = LabelAccuracy([0.25, 0.5])
    >>> metric.update_state([[1, 1]], [[0.3, 0.3]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, thresholds, name="accuracy", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.thresholds = thresholds

    def update_state(self, y_true, y_pred, sample_weight=None):
        chosen = _above(y_pred, self.thresholds)
        return super().update_state(y_true, chosen, sample_weight)

    def get_config(self):
        return {
            "name": self.name,
            "dtype": self.dtype,
            "thresholds": list(self.thresholds),
        }


@keras.saving.register_keras_serializable(
    package="keras_transfer", name="LabelF1"
)
class LabelF1(keras.metrics.F1Score):
    """Mean of the F1 scores of labels, each predicted from a threshold on.

    Args:
        thresholds: One for each label, of probabilities or of logits.
        name: Name of the metric. Defaults to `"f1"`.
        dtype: Dtype of the metric.

    Example:
    >>> metric = LabelF1([0.25, 0.5])
    >>> metric.update_state([[1, 1], [0, 1]], [[0.3, 0.3], [0.1, 0.9]])
    >>> round(float(metric.result()), 3)
    0.833
    """

    def __init__(self, thresholds, name="f1", dtype=None):
        super().__init__("macro", threshold=0.5, name=name, dtype=dtype)
        self.thresholds = thresholds

    def update_state(self, y_true, y_pred, sample_weight=None):
        chosen = _above(y_pred, self.thresholds)
        return super().update_state(y_true, chosen, sample_weight)

    def get_config(self):
        return {
            "name": self.name,
            "dtype": self.dtype,
            "thresholds": list(self.thresholds),
        }


def _above(outputs, thresholds):
    outputs = ops.convert_to_tensor(outputs)
    bounds = ops.convert_to_tensor(list(thresholds), dtype=outputs.dtype)
    return ops.cast(outputs >= bounds, "float32")
