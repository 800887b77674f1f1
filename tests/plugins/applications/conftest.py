"""Each application built once, small, with random weights."""

import dataclasses
import gc
import importlib.metadata
import inspect
from typing import Any

import keras
import numpy as np
import pytest

import keras_transfer as kt

GROUP = "keras_transfer.backbones"

# The smallest size, in pixels, at which each weight still matters; for the
# MobileNets one of those for which weights are published.
SIZES = {
    "InceptionV3": 96,
    "InceptionResNetV2": 96,
    "Xception": 96,
    "MobileNet": 128,
    "MobileNetV2": 96,
    "MobileNetV3Small": 224,
    "MobileNetV3Large": 224,
}


# The smallest of each family: the others differ in depth, width or residual
# connections alone, and are built by the slow run.
SMALLEST = {
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_v2_b0",
    "inception_v3",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "nasnet_mobile",
    "resnet50",
    "resnet50_v2",
    "vgg16",
    "xception",
}


def factories():
    """Names of the functions of keras.applications that build models."""
    return [
        name
        for name, value in inspect.getmembers(keras.applications)
        if inspect.isfunction(value)
    ]


def registered():
    """Maps the full name of a backbone to the name of its factory."""
    return {
        point.name.replace(".", "/", 1): point.attr
        for point in importlib.metadata.entry_points(group=GROUP)
        if point.name.startswith("applications.")
    }


def smallest_first():
    """All backbones; those beyond the smallest of their family are slow."""
    return [
        name
        if name.partition("/")[2] in SMALLEST
        else pytest.param(name, marks=pytest.mark.slow)
        for name in sorted(registered())
    ]


@dataclasses.dataclass
class Application:
    """A backbone, the factory that Keras has for it, a classifier of both."""

    name: str
    factory: str
    size: int
    backbone: Any
    model: Any
    images: np.ndarray
    features: np.ndarray
    outputs: np.ndarray

    @property
    def spec(self):
        return kt.get_backbone(self.name)

    @property
    def both(self):
        """The classifier with the backbone's features as a second output."""
        return keras.Model(
            self.model.input, [self.model.layers[-1].input, self.model.output]
        )


def imitate_pretraining(backbone):
    """Gives statistics of images to the layers that files give them to."""
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Normalization):
            mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
            layer.set_weights(
                [np.array(mean), np.square(deviation), np.array(0)]
            )
            layer.finalize_state()


@pytest.fixture(scope="session", params=smallest_first())
def application(request):
    keras.utils.set_random_seed(0)
    factory = registered()[request.param]
    size = SIZES.get(factory, 64)
    backbone = kt.create_backbone(
        request.param, weights=None, input_shape=(size, size, 3)
    )
    imitate_pretraining(backbone)
    model = kt.build_model(backbone, kt.heads.LinearHead(3, activation=None))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, size, size, 3), "uint8")
    built = Application(
        request.param, factory, size, backbone, model, images, None, None
    )
    built.features, built.outputs = map(np.asarray, built.both(images))
    yield built
    # Two large models do not fit into memory side by side with the next one.
    del backbone, model, built
    keras.utils.clear_session()
    gc.collect()
