"""What keras_cv_attention_models computes, under the Keras that it is for.

A script for a process of its own, which keras_cv_attention_models 1.4.3 and
tf-keras must be installed for:

    python davit_oracle.py FOLDER davit_t 224 224

It writes `davit_t.h5`, a whole model with classifier as it is published;
`davit_t_weights.h5`, weights alone of the features; and `davit_t_224_224.npz`:
features, names of layers, and of weights left after freezing 80 layers.
"""

import os
import pathlib
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
from davit_values import images
from davit_values import values
from keras_cv_attention_models import davit


def fill(model):
    for layer in model.layers:
        kinds = [
            weight.name.partition(":")[0].rpartition("/")[2]
            for weight in layer.weights
        ]
        layer.set_weights(
            [
                values(f"{layer.name}/{kind}", weight.shape)
                for kind, weight in zip(kinds, layer.weights, strict=True)
            ]
        )


def main(folder, name, height, width):
    folder, height, width = pathlib.Path(folder), int(height), int(width)
    build = getattr(davit, f"DaViT_{name[-1].upper()}")
    shape = (height, width, 3)
    whole = build(input_shape=shape, pretrained=None)
    fill(whole)
    whole.save(folder / f"{name}.h5", include_optimizer=False)
    features = build(input_shape=shape, pretrained=None, num_classes=0)
    fill(features)
    features.save_weights(folder / f"{name}_weights.h5")
    output = features.predict(images(height, width), verbose=0)
    for layer in features.layers[:80]:
        layer.trainable = False
    np.savez(
        folder / f"{name}_{height}_{width}.npz",
        features=output,
        layers=[layer.name for layer in features.layers],
        left=[weight.name for weight in features.trainable_variables],
        parameters=features.count_params(),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
