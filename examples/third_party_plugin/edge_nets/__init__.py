"""EdgeNet, a small network with a layer and pretrained weights of its own."""

import pathlib

import keras

import keras_transfer as kt


@keras.saving.register_keras_serializable("edge_nets")
class ChannelGate(keras.layers.Layer):
    """Scales each channel by how much the image as a whole calls for it.

    Args:
        ratio: How many times narrower the hidden layer is. Defaults to 4.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape: `(batch, height, width, channels)`, float.
    Output shape: the same.

    Reference: [Hu et al., 2017](https://arxiv.org/abs/1709.01507)
    """

    def __init__(self, ratio=4, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        self.squeeze = keras.layers.Dense(
            channels // self.ratio, "relu", name="squeeze"
        )
        self.excite = keras.layers.Dense(channels, "sigmoid", name="excite")
        self.squeeze.build((input_shape[0], channels))
        self.excite.build((input_shape[0], channels // self.ratio))

    def call(self, features):
        mean = keras.ops.mean(features, axis=(1, 2))
        gates = self.excite(self.squeeze(mean))
        return features * gates[:, None, None, :]

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}


def build_edge_net(input_shape, width=8):
    """Builds the network, with random weights.

    Args:
        input_shape: `(height, width, channels)` in pixels.
        width: Number of channels of the first convolution. Defaults to 8.
    """
    image = keras.Input(input_shape)
    x = image
    for number in (1, 2, 3):
        x = keras.layers.Conv2D(
            width * number, 3, 2, "same", name=f"conv_{number}"
        )(x)
        x = keras.layers.BatchNormalization(name=f"norm_{number}")(x)
        x = keras.layers.ReLU(name=f"relu_{number}")(x)
        x = ChannelGate(name=f"gate_{number}")(x)
    return keras.Model(image, x, name="edge_net")


EdgeNet = kt.BackboneSpec(
    build_edge_net,
    default_size=64,
    minimum_size=8,
    preprocessing=kt.Preprocessing.of_mode("tf"),
    stages=(("stem", "gate_1"), ("stage_1", "gate_2"), ("stage_2", "gate_3")),
    weights={
        "edges": kt.WeightsFile(
            pathlib.Path(__file__).with_name("edges.weights.h5").as_uri(),
            sha256="1718cb808f94fa85396d3b5f6cb975ad3382f6700bec63009b2ab0f25b389bb3",
            license="Apache-2.0",
        )
    },
    license="Apache-2.0",
    description="three gated convolutions that begin with edge filters",
)
