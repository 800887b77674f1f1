"""What each application is declared to do to images is what Keras does.

The networks are built up to their first convolution only.
"""

import inspect

import keras
import numpy as np
import pytest

import keras_transfer as kt

from .conftest import registered


class Reached(Exception):
    """Ends the building of a network; holds what the convolution is given."""


def before_first_convolution(build, shape, monkeypatch):
    """Returns a model of what a network does before its first convolution.

    Args:
        build: Builds the network on a symbolic batch of images.
        shape: Of an image.
        monkeypatch: The fixture.
    """

    def stop(layer, inputs):
        raise Reached(inputs)

    images = keras.Input(shape)
    with monkeypatch.context() as patch:
        for first in (keras.layers.Conv2D, keras.Sequential):  # ConvNeXt's.
            patch.setattr(first, "__call__", stop)
        with pytest.raises(Reached) as reached:
            build(images)
    return keras.Model(images, reached.value.args[0])


@pytest.mark.parametrize("name", sorted(registered()))
def test_images_arrive_as_keras_prepares_them(name, monkeypatch):
    spec = kt.get_backbone(name)
    shape = (spec.minimum_size, spec.minimum_size, 3)
    factory = getattr(keras.applications, registered()[name])
    module = inspect.getmodule(factory).__name__.rpartition(".")[2]
    prepare = getattr(keras.applications, module).preprocess_input
    theirs = before_first_convolution(
        lambda images: factory(
            include_top=False, weights=None, input_tensor=images
        ),
        shape,
        monkeypatch,
    )

    def build(images):
        # The builder makes an input of its own; hand it ours.
        with monkeypatch.context() as patch:
            patch.setattr(keras, "Input", lambda *args, **options: images)
            spec.builder(shape)

    ours = before_first_convolution(build, shape, monkeypatch)
    pixels = np.random.default_rng(0).integers(0, 256, (2, *shape))
    pixels = pixels.astype("float32")
    if spec.preprocessing == "inside":
        received = ours(pixels)
    else:
        received = ours(spec.preprocessing(pixels.copy()))
    expected = theirs(prepare(pixels.copy()))
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-4)
