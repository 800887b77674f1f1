"""What keras_cv_attention_models computes, under the Keras that it is for.

A script for a process of its own, in an environment with tf-keras,
keras_cv_attention_models 1.4.3 and, on the path, this plugin:

    python oracle.py FOLDER davit_t:64 vit_tiny_patch16:64 ...

It writes `davit_t.npz`, the features of two images with made-up weights, and
with `--whole` also `davit_t.h5`, a model with classifier as it is published.
"""

import importlib
import json
import os
import pathlib
import sys
import traceback

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tensorflow as tf
import values

models = {
    row["name"]: row
    for row in json.loads(
        pathlib.Path(os.environ["KECAM_CATALOGUE"]).read_text("utf-8")
    )
}


def build(row, size, **arguments):
    module, _, name = row["constructor"].rpartition(".")
    kecam = importlib.import_module(f"keras_cv_attention_models.{module}")
    model = getattr(kecam, name)(
        input_shape=(size, size, 3), pretrained=None, **arguments
    )
    values.fill(model)
    return model


def features_of(model):
    """The last layer whose output has positions."""
    for layer in reversed(model.layers):
        output = layer.output
        if isinstance(output, tf.keras.layers.Layer) or isinstance(
            output, (list, tuple)
        ):
            continue
        if len(output.shape) >= 3:
            return tf.keras.Model(model.inputs, output)
    raise ValueError(model.name)


def main(folder, requests, whole):
    for request in requests:
        name, _, size = request.partition(":")
        size = int(size)
        tf.keras.backend.clear_session()
        path = pathlib.Path(folder, name)
        row = models[name]
        try:
            model = build(row, size, num_classes=0, **row.get("arguments", {}))
            if len(model.output_shape) < 3:
                model = features_of(model)
            features = model.predict(values.images(size), verbose=0)
            np.savez(path.with_suffix(".npz"), features=features, size=size)
            if whole:
                build(row, size, num_classes=10).save(
                    path.with_suffix(".h5"), include_optimizer=False
                )
            print("end", name, features.shape, flush=True)
        except Exception:
            traceback.print_exc()
            print("fail", name, flush=True)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    whole = "--whole" in arguments
    folder, *requests = [a for a in arguments if a != "--whole"]
    main(folder, requests, whole)
