"""What keras_cv_attention_models computes, under the Keras that it is for.

A script for a process of its own, in an environment with tf-keras and
keras_cv_attention_models 1.4.3:

    echo davit_t:64:1:0 | python oracle.py FOLDER CATALOGUE

For each name, image size, scale and number of blocks (0 for all of them) on
standard input it writes `davit_t.npz`, the features of two images with made-up
weights.
"""

import importlib
import json
import os
import pathlib
import sys

os.environ["TF_USE_LEGACY_KERAS"] = "1"
# oneDNN refuses to normalize along the last of six axes, as HaloNet does.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import numpy as np
import shallow
import tensorflow as tf
import values


def build(row, size, scale, blocks):
    module, _, name = row["constructor"].rpartition(".")
    kecam = importlib.import_module(f"keras_cv_attention_models.{module}")
    constructor = getattr(kecam, name)
    with shallow.shallow(constructor, blocks):
        model = constructor(
            input_shape=(size, size, 3),
            pretrained=None,
            num_classes=0,
            **row.get("arguments", {}),
        )
    values.fill(model, scale)
    return model


def features_of(model):
    """The part up to the last output with positions, where there is one."""
    for layer in reversed(model.layers):
        output = layer.output
        if isinstance(output, (list, tuple)):
            continue
        if len(output.shape) > 2 and output.shape[-1] == 1:
            return model  # What was squeezed is a vector.
        if len(output.shape) > 2:
            return tf.keras.Model(model.inputs, output)
    raise ValueError(model.name)


def main(folder, catalogue):
    rows = {row["name"]: row for row in json.loads(catalogue.read_text())}
    for line in sys.stdin:
        name, size, scale, blocks = line.strip().split(":")
        tf.keras.backend.clear_session()
        made = build(rows[name], int(size), float(scale), int(blocks))
        model = made if len(made.output_shape) > 2 else features_of(made)
        # Not `predict`, which would trace every model for two images.
        features = model(values.images(int(size)), training=False)
        np.savez(
            folder / name,
            features=features.numpy(),
            # VOLO's models do not say.
            rescale_mode=getattr(made, "rescale_mode", ""),
        )
        print(f"done {line.strip()}", flush=True)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
