"""What holds for a classifier that is built on a backbone."""

from typing import Any

import keras
import numpy as np

from keras_transfer import heads
from keras_transfer.freezing import freezing
from keras_transfer.models import create
from keras_transfer.models import transfer
from keras_transfer.models import truncation
from keras_transfer.models.spec import BackboneSpec
from keras_transfer.structure import stages
from keras_transfer.testing import persistence
from keras_transfer.testing.building import ConformanceError
from keras_transfer.testing.building import require


def check_preprocessing(
    spec: BackboneSpec, input_shape: tuple, declared: bool
) -> None:
    """Checks that the preprocessing can be part of a saved model."""
    if spec.preprocessing == "inside":
        return
    images = keras.Input(input_shape)
    preprocessing = spec.preprocessing
    if hasattr(preprocessing, "for_channels"):
        preprocessing = preprocessing.for_channels(input_shape[-1])
    try:
        prepared = preprocessing(images)
        # What computes nothing would make no model.
        prepared = keras.layers.Identity()(prepared)
        model = keras.Model(images, prepared)
    except Exception as error:  # Whatever a stranger's code raises.
        raise ConformanceError(
            f"The preprocessing of {spec.name!r} cannot be part of a model. "
            "Write it with Keras layers or keras.ops, or use "
            f"kt.Preprocessing. It raised {type(error).__name__}: {error}"
        ) from error
    persistence.check_saving(
        model, f"The preprocessing of {spec.name!r}", declared
    )


def check_classifier(
    spec: BackboneSpec,
    weights: str | None,
    input_shape: tuple,
    options: dict[str, Any],
) -> None:
    """Checks cutting, prediction and one step of training with a head."""
    backbone = create.create_backbone(
        spec, weights=weights, input_shape=input_shape, **options
    )
    _check_cut(spec, backbone)
    model = transfer.build_model(backbone, heads.LinearHead(2))
    _check_prediction(spec, model)
    _check_frozen(spec, backbone, model)


def _check_cut(spec, backbone):
    found = stages.stages_of(backbone)
    part = truncation.truncate(backbone, found[0].name, found)
    end = backbone.get_layer(found[0].last_layer).output
    features = keras.Model(backbone.input, end)
    inputs = persistence.random_inputs(backbone)
    require(
        persistence.equal(part(inputs), features(inputs)),
        f"{spec.name!r}, cut at {found[0].name!r}, does not compute what the "
        "whole network has there: let its layers compute from their weights "
        "and arguments alone, without values kept beside them.",
    )


def _check_prediction(spec, model):
    images = persistence.random_inputs(model)
    outputs = model.predict(images, verbose=0)
    require(
        np.isfinite(outputs).all(),
        f"{spec.name!r} gives NaN or infinite features for images of 0-255: "
        "declare the preprocessing that it needs.",
    )
    require(
        np.array_equal(outputs, model.predict(images, verbose=0)),
        f"{spec.name!r} predicts something else each time: layers that draw "
        "random numbers must do so only when `training` is true.",
    )


def _check_frozen(spec, backbone, model):
    freezing.freeze(model)
    # Eagerly: tracing a large network for one step takes far longer.
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    before = backbone.get_weights()
    images = persistence.random_inputs(model)
    model.fit(images, np.array([0, 1]), verbose=0)
    moved = [
        weight.path
        for weight, value in zip(backbone.weights, before, strict=True)
        if not persistence.equal(weight, value)
    ]
    require(
        not moved,
        f"{len(moved)} weights of {spec.name!r}, such as {moved[:1]}, move "
        "in training although they are frozen: a layer may assign to its "
        "weights only where `self.trainable` is true.",
    )
