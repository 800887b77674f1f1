"""check_head: a sound head passes, wrong ones are told what to mend."""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.testing import ConformanceError
from keras_transfer.testing import check_head


@pytest.fixture(autouse=True)
def _own_custom_objects():
    """Forgets the classes that a test registers."""
    known = keras.saving.get_custom_objects()
    before = dict(known)
    yield
    known.clear()
    known.update(before)


class Sound(keras.layers.Layer):
    def __init__(self, num_classes, scale=1.0, name="head", **kwargs):
        super().__init__(name=name, **kwargs)
        self.num_classes = num_classes
        self.scale = scale
        self.dense = keras.layers.Dense(num_classes, name="predictions")

    def build(self, input_shape):
        self.dense.build((input_shape[0], input_shape[-1]))

    def call(self, inputs):
        return self.dense(keras.ops.mean(inputs, axis=(1, 2)) * self.scale)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_classes)

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "scale": self.scale,
        }


def registered(head_class):
    return keras.saving.register_keras_serializable("tests")(head_class)


def refuses(head, sentence):
    with pytest.raises(ConformanceError, match=sentence):
        check_head(head)


def test_a_sound_head_passes_as_class_and_as_instance():
    check_head(registered(Sound))
    check_head(Sound(5, scale=0.5))


def test_our_heads_pass_with_other_arguments():
    check_head(kt.heads.MLPHead(3, hidden_units=(4,), pooling="flatten"))
    check_head(kt.heads.LinearHead(2, dropout=0.9, activation="softmax"))


def test_tokens_are_features_too():
    check_head(kt.heads.AttentionPoolHead, feature_shape=(6, 8))


def test_what_is_no_layer_is_refused():
    refuses(dict, "dict must be a subclass of keras.layers.Layer")


def test_a_head_that_is_not_registered():
    refuses(type("Fresh", (Sound,), {}), "Fresh is not registered: decorate it")


def test_another_leading_argument():
    class Wrong(Sound):
        def __init__(self, units, num_classes=2, **kwargs):
            super().__init__(num_classes, **kwargs)

    refuses(registered(Wrong), "first argument of Wrong must be `num_classes`")


def test_another_number_of_outputs():
    class Wrong(Sound):
        def call(self, inputs):
            return super().call(inputs)[:, :1]

    refuses(registered(Wrong), r"num_classes=2\) gives outputs of .* \(2, 1\)")


def test_an_output_shape_that_is_not_true():
    class Wrong(Sound):
        def compute_output_spec(self, inputs):
            return keras.KerasTensor((None, self.num_classes))

        def compute_output_shape(self, input_shape):
            return (*input_shape[:-1], self.num_classes)

    refuses(registered(Wrong), r"announces \(None, 4, 4, 1\) instead of \(None")


def test_outputs_that_are_no_numbers():
    class Wrong(Sound):
        def call(self, inputs):
            return keras.ops.log(-keras.ops.abs(super().call(inputs)) - 1)

    refuses(registered(Wrong), "gives NaN or infinite outputs")


def test_a_config_that_lacks_an_argument():
    class Wrong(Sound):
        def get_config(self):
            config = super().get_config()
            del config["scale"]
            return config

    refuses(registered(Wrong), r"get_config of Wrong lacks .*\['scale'\]")


def test_a_config_that_is_not_json():
    class Wrong(Sound):
        def get_config(self):
            return {**super().get_config(), "scale": np.ones(2)}

    refuses(registered(Wrong), "get_config of Wrong holds more than JSON")


def test_an_argument_that_is_rewritten():
    class Wrong(Sound):
        def __init__(self, num_classes, scale=1.0, **kwargs):
            super().__init__(num_classes, scale + 1, **kwargs)

    refuses(registered(Wrong), r"does not keep \['scale'\] through get_config")


def test_weights_without_names():
    class Wrong(Sound):
        def __init__(self, num_classes, **kwargs):
            super().__init__(num_classes, **kwargs)
            self.dense = keras.layers.Dense(num_classes)

    refuses(registered(Wrong), "weights of Wrong need names that differ")


def test_a_head_that_does_not_keep_its_weights():
    class Wrong(Sound):
        def build(self, input_shape):
            super().build(input_shape)
            self.bias = self.add_weight(
                shape=(), initializer="random_normal", name="bias"
            )

        def call(self, inputs):
            return super().call(inputs) + self.bias

        def load_own_variables(self, store):
            pass

    refuses(registered(Wrong), "head Wrong computes something else after it")


def test_a_prediction_that_varies():
    class Wrong(Sound):
        def __init__(self, num_classes, **kwargs):
            super().__init__(num_classes, **kwargs)
            self.drop = keras.layers.Dropout(0.5)

        def call(self, inputs):
            return super().call(self.drop(inputs, training=True))

    refuses(registered(Wrong), "Wrong predicts something else each time")


def test_a_weight_that_does_not_train():
    class Wrong(Sound):
        def build(self, input_shape):
            super().build(input_shape)
            self.unused = self.add_weight(shape=(2,), name="unused")

        def call(self, inputs):
            return super().call(inputs) + 0 * keras.ops.sum(self.unused)

    refuses(registered(Wrong), r"does not move the weights \['head/unused'\]")
