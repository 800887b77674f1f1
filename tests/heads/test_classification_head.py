import keras
import numpy as np
import pytest

from keras_transfer.heads.classification_head import ClassificationHead


class FirstPosition(ClassificationHead):
    """The smallest head that one may write."""

    def __init__(self, num_classes, **kwargs):
        super().__init__(num_classes, **kwargs)
        self.crop = keras.layers.Cropping1D((0, 2), name="crop")
        self.flatten = keras.layers.Flatten(name="flatten")

    @property
    def steps(self):
        return [self.crop, self.flatten, self.predictions]


def test_a_new_head_names_its_steps_and_is_complete():
    tokens = np.arange(2 * 3 * 4, dtype="float32").reshape(2, 3, 4)
    head = FirstPosition(5, activation=None)
    head.build(tokens.shape)
    kernel, bias = (np.asarray(w) for w in head.predictions.weights)
    np.testing.assert_allclose(
        head(tokens), tokens[:, 0] @ kernel + bias, atol=1e-5
    )
    revived = FirstPosition.from_config(head.get_config())
    assert revived.get_config() == head.get_config()


def test_a_head_without_steps_is_explained():
    with pytest.raises(NotImplementedError, match="must define the property"):
        ClassificationHead(2).build((None, 4))


def test_half_precision_throughout_still_ends_in_float32():
    head = FirstPosition(5, dtype="bfloat16")
    assert head(np.ones((1, 3, 4))).dtype == "float32"


def test_double_precision_is_kept():
    head = FirstPosition(5, dtype="float64")
    assert head(np.ones((1, 3, 4))).dtype == "float64"
