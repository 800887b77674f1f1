"""Outputs as names of classes."""

import numpy as np
import pytest

from keras_transfer.serving.ranking import probabilities_of
from keras_transfer.serving.ranking import rank


@pytest.mark.parametrize("activation", [None, "linear"])
def test_logits_become_probabilities_however_large(activation):
    rows = probabilities_of(np.array([[1e4, 0, -1e4], [1, 1, 1]]), activation)
    np.testing.assert_allclose(rows, [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]])
    rows = probabilities_of(np.array([[1e4], [0], [-1e4]]), activation)
    np.testing.assert_allclose(rows, [[0, 1], [0.5, 0.5], [1, 0]])


def test_probabilities_stay_as_they_are():
    np.testing.assert_array_equal(
        probabilities_of(np.array([[0.25, 0.75]]), "softmax"), [[0.25, 0.75]]
    )
    np.testing.assert_array_equal(
        probabilities_of(np.array([[0.25]]), "sigmoid"), [[0.75, 0.25]]
    )


def test_the_best_come_first_and_ties_in_the_order_of_the_classes():
    (best,) = rank(np.array([[0.2, 0.4, 0.4]]), None, 9)
    assert [p.label for p in best] == ["1", "2", "0"]
    (best,) = rank(np.array([[0.2, 0.4, 0.4]]), ["a", "b", "c"], 1)
    assert [(p.label, p.probability) for p in best] == [("b", 0.4)]
