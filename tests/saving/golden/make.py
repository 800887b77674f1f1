"""Writes model files that every later version must read.

`python -m tests.saving.golden.make` adds those of the installed version to
this folder, `python tests/saving/golden/make.py stock` one of stock layers by
any version of Keras, `KERAS_BACKEND=torch python tests/saving/golden/make.py
compiled` one with an optimizer as that backend names it. What is there already
is never written again.
"""

import json
import pathlib
import sys

import keras
import numpy as np

FOLDER = pathlib.Path(__file__).parent
SIZE = 8


def images():
    return np.linspace(0, 255, 2 * SIZE * SIZE * 3).reshape(2, SIZE, SIZE, 3)


def fill(model):
    """Gives all weights values that differ, without random numbers."""
    for number, weight in enumerate(model.weights):
        size = int(np.prod(weight.shape))
        values = 0.6 + 0.4 * np.cos(np.arange(size) * 1.7 + number)
        weight.assign(values.reshape(weight.shape).astype("float32") * 0.5)


def body(name="tiny"):
    image = keras.Input((SIZE, SIZE, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 255, name="scale")(image)
    x = keras.layers.Conv2D(2, 3, 2, name="conv_1")(x)
    x = keras.layers.BatchNormalization(name="bn_1")(x)
    x = keras.layers.ReLU(name="stage_1")(x)
    return keras.Model(image, x, name=name)


def stock():
    backbone = body()
    x = keras.layers.GlobalAveragePooling2D(name="pool")(backbone.output)
    x = keras.layers.Dense(2, activation="softmax", name="dense")(x)
    model = keras.Model(backbone.input, x, name="stock")
    fill(model)
    return model


def ours():
    """Yields name and model for all that this version can write."""
    import keras_transfer as kt

    heads = {
        "linear": kt.heads.LinearHead(2),
        "one_unit": kt.heads.LinearHead(1, pooling="gem"),
        "mlp": kt.heads.MLPHead(3, hidden_units=(2,), dropout=0.5),
        "attention": kt.heads.AttentionPoolHead(2, attention_units=2),
    }
    for name, head in heads.items():
        yield name, build(head)
    model = build(kt.heads.LinearHead(2))
    kt.set_trainable(model, "*", batch_norm="affine")
    kt.compile_for_transfer(model)
    model.fit(
        images(),
        np.array([0, 1]),
        epochs=2,
        verbose=0,
        callbacks=[kt.schedules.GradualUnfreeze(every=1, start=1)],
    )
    yield "trained", model
    keras.config.set_dtype_policy("mixed_float16")
    yield "mixed", build(kt.heads.LinearHead(2))
    keras.config.set_dtype_policy("float32")
    model = build(kt.heads.MLPHead(2, hidden_units=(4,)))
    model.quantize("int8")
    yield "int8", model


def build(head):
    import keras_transfer as kt

    classes = max(head.num_classes, 2)
    names = ["ant", "bee", "cicada"][:classes]
    model = kt.build_model(body(), head, class_names=names)
    fill(model)
    return model


def write(name, model):
    path = FOLDER / f"{name}.keras"
    if path.exists():
        return
    model.save(path)
    outputs = model.predict(images(), verbose=0)
    known = json.loads((FOLDER / "outputs.json").read_text())
    known[path.name] = outputs.astype("float64").tolist()
    (FOLDER / "outputs.json").write_text(json.dumps(known, indent=1) + "\n")


def main():
    if sys.argv[1:] == ["stock"]:
        write(f"keras-{keras.__version__}-stock", stock())
        return
    if sys.argv[1:] == ["compiled"]:
        model = stock()
        model.compile("adam", "sparse_categorical_crossentropy")
        model.train_on_batch(images(), np.array([0, 1]))
        write(f"{keras.backend.backend()}-compiled", model)
        return
    import keras_transfer as kt

    for name, model in ours():
        write(f"{kt.__version__}-{name}", model)


if __name__ == "__main__":
    main()
