"""The heat is on the ant and on the bee, on real weights and photographs."""

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import keras_transfer as kt

# Where the animal is: left, top, right, bottom as fractions of the image.
ANIMALS = {
    "ants/157401988_d0564a9d02.jpg": (0.45, 0.33, 0.62, 0.6),
    "ants/181942028_961261ef48.jpg": (0.3, 0.0, 0.65, 0.95),
    "bees/149973093_da3c446268.jpg": (0.08, 0.4, 0.6, 0.85),
    "bees/220376539_20567395d8.jpg": (0.4, 0.3, 0.7, 0.75),
}


@pytest.fixture
def model(assets, imagenet):
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, input_shape=(224, 224, 3)
    )
    model = kt.build_model(
        backbone, kt.heads.LinearHead(2), class_names=["ants", "bees"]
    )
    folder = assets / "hymenoptera" / "train"
    paths = [
        path
        for name in ("ants", "bees")
        for path in kt.data.list_images(folder / name)[:50]
    ]
    pixels = np.stack([kt.data.load_image(path) for path in paths])
    extractor = kt.build_extractor(model, "backbone", pooling="avg")
    features = extractor.predict(pixels, verbose=0)["backbone"]
    # What gradient descent on the head converges to, in a second.
    probe = LogisticRegression(C=0.1, max_iter=1000)
    probe.fit(features, np.repeat([0, 1], 50))
    head = model.get_layer("head").predictions
    kernel = np.stack([-probe.coef_[0] / 2, probe.coef_[0] / 2], axis=1)
    bias = np.array([-1, 1]) * probe.intercept_[0] / 2
    head.set_weights([kernel, bias])
    return model


def test_the_heat_is_where_the_animal_is(model, assets):
    folder = assets / "hymenoptera" / "val"
    images = np.stack([kt.data.load_image(folder / name) for name in ANIMALS])
    labels = kt.predict_labels(model, images)
    assert labels == [name.partition("/")[0] for name in ANIMALS]
    heat = kt.layer_cam(model, images, at="stage_3")
    smooth = kt.saliency(model, images, samples=4)
    for one, fine, box in zip(heat, smooth, ANIMALS.values(), strict=True):
        left, top, right, bottom = (round(224 * side) for side in box)
        row, column = np.unravel_index(one.argmax(), one.shape)
        assert left <= column <= right
        assert top <= row <= bottom
        area = (right - left) * (bottom - top) / 224**2
        for found in (one, fine):
            inside = found[top:bottom, left:right].sum() / found.sum()
            assert inside > 1.3 * area
    head = keras.ops.convert_to_numpy(
        model.get_layer("head").predictions.kernel
    )
    np.testing.assert_allclose(head[:, 0], -head[:, 1], atol=1e-7)
