"""The heat is on the ant and on the bee, on real weights and photographs.

`animals.csv` says where they are: boxes, as fractions of the image, that were
drawn by hand around the animals of every fourth validation photograph. Left
out are those whose animals fill more than half of it, where any heat would be
right, and one whose animals may be aphids.
"""

import collections
import csv
import pathlib

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import keras_transfer as kt

SIZE = 224
FOUR = (
    "ants/157401988_d0564a9d02.jpg",
    "ants/94999827_36895faade.jpg",
    "bees/149973093_da3c446268.jpg",
    "bees/44105569_16720a960c.jpg",
)


def animals():
    """Maps each photograph to the mask of its animals."""
    masks = collections.defaultdict(lambda: np.zeros((SIZE, SIZE), bool))
    table = pathlib.Path(__file__).with_name("animals.csv")
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            left, top, right, bottom = (
                round(SIZE * float(row[side]))
                for side in ("left", "top", "right", "bottom")
            )
            masks[row["photograph"]][top:bottom, left:right] = True
    return dict(masks)


def probe(assets, per_class):
    """MobileNet with the head that gradient descent would converge to."""
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, input_shape=(SIZE, SIZE, 3)
    )
    model = kt.build_model(
        backbone, kt.heads.LinearHead(2), class_names=["ants", "bees"]
    )
    folder = assets / "hymenoptera" / "train"
    paths, labels = [], []
    for number, name in enumerate(("ants", "bees")):
        found = kt.data.list_images(folder / name)[:per_class]
        paths += found
        labels += [number] * len(found)
    features = kt.embed(model, paths, progress=False).vectors
    fitted = LogisticRegression(C=0.1, max_iter=1000).fit(features, labels)
    kernel = np.stack([-fitted.coef_[0] / 2, fitted.coef_[0] / 2], axis=1)
    bias = np.array([-1, 1]) * fitted.intercept_[0] / 2
    model.get_layer("head").predictions.set_weights([kernel, bias])
    return model


def load(assets, names):
    folder = assets / "hymenoptera" / "val"
    return np.stack([kt.data.load_image(folder / name, SIZE) for name in names])


def peaks_inside(heat, masks):
    """The share of images whose strongest point is on the animal."""
    strongest = [np.unravel_index(h.argmax(), h.shape) for h in heat]
    return np.mean([m[p] for m, p in zip(masks, strongest, strict=True)])


def concentration(heat, masks):
    """The share of the heat on the animal by its share of the area."""
    pairs = zip(heat, masks, strict=True)
    return np.array([h[m].sum() / h.sum() / m.mean() for h, m in pairs])


def test_the_heat_is_where_the_animal_is(assets, imagenet):
    model = probe(assets, per_class=50)
    masks = [animals()[name] for name in FOUR]
    images = load(assets, FOUR)
    labels = [name.partition("/")[0] for name in FOUR]
    assert kt.predict_labels(model, images) == labels
    heat = kt.layer_cam(model, images)
    assert peaks_inside(heat, masks) == 1
    assert min(concentration(heat, masks)) > 1.3
    smooth = kt.saliency(model, images, samples=4)
    assert min(concentration(smooth, masks)) > 1.3


@pytest.mark.slow
def test_the_strongest_point_is_on_the_animal_in_most_photographs(
    assets, imagenet
):
    model = probe(assets, per_class=None)
    masks = animals()
    images = load(assets, masks)
    layer_cam = kt.layer_cam(model, images)
    grad_cam = kt.grad_cam(model, images)
    found = {
        heat: (peaks_inside(maps, masks.values()), np.median(gain))
        for heat, maps in (("layer_cam", layer_cam), ("grad_cam", grad_cam))
        for gain in [concentration(maps, masks.values())]
    }
    print(found, "chance", np.mean([m.mean() for m in masks.values()]))
    assert found["layer_cam"][0] > 0.75
    assert found["layer_cam"][1] > 1.5
    # The coarse maps of the last layer find the animal far less often.
    assert found["grad_cam"][0] < 0.6
