"""What keras_cv_attention_models computes, under the Keras that it is for.

A script for a process of its own, which keras_cv_attention_models 1.4.3 and
tf-keras must be installed for:

    python davit_oracle.py FOLDER davit_t 224x224 280x280

It writes `davit_t.h5`, a whole model with classifier as it is published;
`davit_t_weights.h5`, the weights of its features alone; for each size
`davit_t_224x224.npz`, facts with the features, and `davit_t_224x224.npy`, few
of the features, which is what `golden/` holds.
"""

import os
import pathlib
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
from davit_values import golden
from davit_values import images
from davit_values import values
from keras_cv_attention_models import davit


def main(folder, name, *sizes):
    build = getattr(davit, f"DaViT_{name[-1].upper()}")
    folder = pathlib.Path(folder)
    whole = build(pretrained=None)
    fill(whole)
    whole.save(folder / f"{name}.h5", include_optimizer=False)
    for size in sizes:
        height, width = map(int, size.split("x"))
        model = build((height, width, 3), num_classes=0, pretrained=None)
        fill(model)
        model.save_weights(folder / f"{name}_weights.h5")
        features = model.predict(images(height, width), verbose=0)
        np.save(folder / f"{name}_{size}.npy", golden(features))
        for layer in model.layers[:80]:
            layer.trainable = False
        np.savez(
            folder / f"{name}_{size}.npz",
            features=features,
            layers=[layer.name for layer in model.layers],
            open=[weight.name for weight in model.trainable_variables],
            weights=[weight.name for weight in model.weights],
            parameters=model.count_params(),
        )


def fill(model):
    for layer in model.layers:
        names = [weight.name.removesuffix(":0") for weight in layer.weights]
        shapes = [weight.shape for weight in layer.weights]
        layer.set_weights(list(map(values, names, shapes)))


if __name__ == "__main__":
    main(*sys.argv[1:])
