"""Factories of `keras.applications` turned into parts of a `BackboneSpec`."""

from keras_transfer import WeightsFile

PUBLISHED = "https://storage.googleapis.com/tensorflow/keras-applications/"

# What Keras's documentation of the applications says of the weights.
APACHE = "Apache-2.0"
BSD = "BSD-3-Clause"
CC_BY = "CC-BY-4.0"
MIT = "MIT"
UNSTATED = "see https://keras.io/api/applications"


def builder_of(factory: str, name: str, **arguments):
    """Makes the builder of a backbone that has no options.

    Args:
        factory: Name of the function in `keras.applications`.
        name: Name of the model.
        **arguments: Further arguments of the factory.

    Returns:
        A function `build(input_shape)`.
    """

    def build(input_shape):
        return build_features(factory, name, input_shape, **arguments)

    return build


def build_features(factory: str, name: str, input_shape: tuple, **arguments):
    """Builds the part of an application before its classifier.

    Args:
        factory: Name of the function in `keras.applications`.
        name: Name of the model.
        input_shape: `(height, width, channels)`; sizes may be `None`.
        **arguments: Further arguments of the factory.

    Returns:
        A Functional `keras.Model` with random weights.
    """
    import keras

    # Given a tensor, Keras does not warn of unusual numbers of channels; but
    # then some factories make a list of the input, hence the new model over
    # the same layers.
    images = keras.Input(input_shape)
    model = getattr(keras.applications, factory)(
        include_top=False, weights=None, input_tensor=images, **arguments
    )
    return keras.Model(images, model.output, name=name)


def imagenet_file(
    path: str, digest: str | None, license: str, **fields
) -> WeightsFile:
    """Describes a file of ImageNet weights that Keras publishes.

    Args:
        path: Address below `PUBLISHED`, or a full one.
        digest: MD5 or SHA-256, told apart by length as Keras does, or `None`
            where Keras checks none.
        license: License of the weights.
        **fields: Further fields of `WeightsFile`.
    """
    url = path if path.startswith("https:") else PUBLISHED + path
    algorithm = "sha256" if digest and len(digest) == 64 else "md5"
    return WeightsFile(url, license=license, **{algorithm: digest}, **fields)


def name_stages(stem: str | None, *last_layers: str) -> tuple:
    """Names stages: `stem` where there is one, then `stage_1` and so on.

    Args:
        stem: Last layer of the stem, or `None`.
        *last_layers: Last layer of each stage.
    """
    stages = () if stem is None else (("stem", stem),)
    numbered = enumerate(last_layers, start=1)
    return (*stages, *((f"stage_{i}", layer) for i, layer in numbered))


def licenses(weights: str) -> str:
    """Words the license of a specification: Keras's code, these weights."""
    return f"code Apache-2.0; weights {weights}"
