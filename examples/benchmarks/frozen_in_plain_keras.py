"""The frozen variant of the VGG16 recipe in plain Keras, to compare with.

It does what `recipes/vgg16_frozen_then_fine_tuned.py --frozen --backbone
mobilenet --alpha 0.75` does, by Keras's documented road:

    python examples/benchmarks/frozen_in_plain_keras.py photos/ --epochs 10

The folder holds `train` and `val`, each with two folders of photographs.
"""

import argparse
import pathlib

import keras


def load_data(folder, size, seed):
    return [
        keras.utils.image_dataset_from_directory(
            pathlib.Path(folder, part),
            image_size=(size, size),
            batch_size=32,
            label_mode="binary",
            shuffle=part == "train",
            seed=seed,
        )
        for part in ("train", "val")
    ]


def build_model(size, weights="imagenet"):
    backbone = keras.applications.MobileNet(
        alpha=0.75,
        include_top=False,
        weights=weights,
        input_shape=(size, size, 3),
    )
    backbone.trainable = False
    image = keras.Input((size, size, 3))
    x = keras.applications.mobilenet.preprocess_input(image)
    x = backbone(x, training=False)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(1024, activation="relu")(x)
    outputs = keras.layers.Dense(1, activation="sigmoid")(x)
    model = keras.Model(image, outputs)
    model.compile(
        keras.optimizers.Adam(1e-4),
        "binary_crossentropy",
        metrics=["accuracy"],
    )
    return model


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--weights", default="imagenet", metavar="FILE")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    keras.utils.set_random_seed(arguments.seed)
    train, validation = load_data(
        arguments.folder, arguments.image_size, arguments.seed
    )
    model = build_model(arguments.image_size, arguments.weights)
    return model.fit(
        train,
        validation_data=validation,
        epochs=arguments.epochs,
        shuffle=False,  # The data set shuffles itself, and Keras would warn.
    )


if __name__ == "__main__":
    main()
