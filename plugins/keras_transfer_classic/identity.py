"""No backbone at all: the images themselves are the features.

With `pooling="flatten"` a dense network is a head alone.
"""

from keras_transfer import BackboneSpec
from keras_transfer import Preprocessing


def _build(input_shape):
    import keras

    images = keras.Input(input_shape)
    return keras.Model(
        images, keras.layers.Identity(name="features")(images), name="identity"
    )


Identity = BackboneSpec(
    _build,
    default_size=28,
    minimum_size=1,
    preprocessing=Preprocessing.of_mode("unit"),
    stages=(("stage_1", "features"),),
    license="code Apache-2.0; no weights",
    reference="https://doi.org/10.1038/323533a0",
    description="No backbone: the head sees the pixels",
)
