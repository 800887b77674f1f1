"""Fashion-MNIST with and without dropout, by dense layers or convolutions.

70,000 pictures of clothes, 28 by 28 pixels, are enough for a first network and
too many to learn by heart at once, so over-fitting comes slowly. Two networks
are trained twice, without dropout and with it:

- dense layers of 256, 128 and 64 units, which see 784 numbers;
- three convolutions, which see a picture, with two fifths of the weights.

    python examples/recipes/fashion_mnist_with_dropout.py
    python examples/recipes/fashion_mnist_with_dropout.py --data pictures/
    python examples/recipes/fashion_mnist_with_dropout.py --check

Reference: [Xiao et al., 2017](https://arxiv.org/abs/1708.07747)
"""

import keras
import material
import tensorflow as tf
from rich.console import Console
from rich.table import Table

import keras_transfer as kt

SHAPE = (28, 28, 1)
CLASS_NAMES = (
    "t-shirt trouser pullover dress coat sandal shirt sneaker bag boot".split()
)


def build_dense_network(class_names, dropout):
    # A network of dense layers is a head alone: its backbone hands the pixels
    # on as they are, scaled to 0-1.
    head = kt.heads.MLPHead(
        num_classes=len(class_names),
        hidden_units=(256, 128, 64),
        pooling="flatten",
        dropout=dropout,
    )
    backbone = kt.create_backbone("identity", weights=None, input_shape=SHAPE)
    return kt.build_model(backbone, head, class_names=class_names)


def build_convnet(class_names, dropout):
    backbone = kt.create_backbone(
        "simple_convnet",
        weights=None,
        input_shape=SHAPE,
        filters=(32, 64, 64),
        padding="valid",
        final_pooling=False,
    )
    head = kt.heads.MLPHead(
        num_classes=len(class_names),
        hidden_units=(64,),
        pooling="flatten",
        dropout=dropout,
    )
    return kt.build_model(backbone, head, class_names=class_names)


def check_figures():
    # Dropout has no weights: with or without, the figures are the same.
    for build, parameters in (
        (build_dense_network, 242_762),
        (build_convnet, 93_322),
    ):
        for dropout in (0.0, 0.2):
            summary = kt.trainable_summary(build(CLASS_NAMES, dropout))
            assert summary.parameters == parameters
        print(f"{summary}\n")


def load_data(arguments):
    if arguments.check or arguments.data:
        train, validation = material.photographs(
            arguments,
            None,
            num_classes=10,
            image_size=SHAPE[:2],
            color_mode="grayscale",
        )
        return train, validation, train.class_names
    train, validation = keras.datasets.fashion_mnist.load_data()
    return _batches(*train), _batches(*validation), CLASS_NAMES


def _batches(images, labels):
    # Pixels stay as they are, 0 to 255: the scaling is in the model.
    data = tf.data.Dataset.from_tensor_slices((images[..., None], labels))
    return data.shuffle(len(labels), seed=0).batch(128).prefetch(2)


def main(argv=None):
    arguments = material.parse(__doc__, argv, epochs=20)
    if arguments.check:
        check_figures()

    train, validation, class_names = load_data(arguments)
    table = Table("network", "dropout", "training", "validation", "gap")
    for build in (build_dense_network, build_convnet):
        for dropout in (0.0, 0.2):
            keras.utils.set_random_seed(0)
            model = build(class_names, dropout)
            kt.compile_for_transfer(model)
            model.fit(
                train, validation_data=validation, epochs=arguments.epochs
            )

            # While a network trains, dropout is at work and its weights move;
            # so the accuracy in training is measured once more, afterwards.
            network = build.__name__.removeprefix("build_").replace("_", " ")
            learned = model.evaluate(train, verbose=0)[1]
            accuracy = model.evaluate(validation, verbose=0)[1]
            table.add_row(
                network,
                f"{dropout}",
                f"{learned:.1%}",
                f"{accuracy:.1%}",
                f"{learned - accuracy:.1%}",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
