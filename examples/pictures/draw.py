"""Draws the picture of the README.

    python examples/pictures/draw.py MODEL FOLDER

MODEL is a classifier of ants and bees that `keras-transfer fit` made, FOLDER
the validation photographs of the PyTorch transfer-learning tutorial (from
Flickr). The picture is written beside this script.
"""

import pathlib
import sys

import keras_transfer as kt

PHOTOGRAPHS = (
    "ants/157401988_d0564a9d02.jpg",
    "ants/181942028_961261ef48.jpg",
    "bees/149973093_da3c446268.jpg",
    "bees/220376539_20567395d8.jpg",
)


model = kt.load_model(sys.argv[1])
folder = pathlib.Path(sys.argv[2])
height, width, _ = kt.info(model).input_shape
photographs = [
    kt.data.load_image(folder / name, (height, width)) for name in PHOTOGRAPHS
]
labels = kt.predict_labels(model, photographs)
heat = kt.layer_cam(model, photographs, kt.Contrast())
figure = kt.plot_explanation(photographs, heat, titles=labels)
# Small enough for a README, sharp enough to see the ant.
figure.savefig(
    pathlib.Path(__file__).with_name("explanation.jpg"),
    dpi=80,
    pil_kwargs={"quality": 78},
)
