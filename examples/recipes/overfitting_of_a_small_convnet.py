"""Over-fitting seen as two curves, then held back by augmentation with dropout.

A network with more weights than photographs can learn each of them by heart.
Then accuracy in training goes to 1 while that of validation stands still: the
gap between the two curves is over-fitting. Here the small convolutional network
that courses begin with is trained twice on the same photographs, once as they
are, once with photographs that are never the same and neurons that are not
always there:

    python examples/recipes/overfitting_of_a_small_convnet.py
    python examples/recipes/overfitting_of_a_small_convnet.py --data photos/
    python examples/recipes/overfitting_of_a_small_convnet.py --check

The curves are written to `overfitting.png`.

Reference: [Srivastava et al., 2014](https://jmlr.org/papers/v15/srivastava14a.html)
"""

import keras
import material
from matplotlib.figure import Figure

import keras_transfer as kt

IMAGE_SIZE = 150


def build_model(class_names, dropout=0.0):
    # Four times the same: a convolution, then a pooling that halves the map.
    # From 150 pixels 7 by 7 positions are left. There is nothing to borrow:
    # `weights=None` is how we say that we mean it.
    backbone = kt.create_backbone(
        "simple_convnet",
        weights=None,
        input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
        filters=(32, 64, 128, 128),
        padding="valid",
    )
    head = kt.heads.MLPHead(
        num_classes=1 if len(class_names) == 2 else len(class_names),
        hidden_units=(512,),
        pooling="flatten",
        dropout=dropout,
    )
    return kt.build_model(backbone, head, class_names=class_names)


def build_shallow_model(class_names):
    """The other one of the courses, with fewer poolings: it is far larger."""
    backbone = kt.create_backbone(
        "simple_convnet",
        weights=None,
        input_shape=(160, 160, 3),
        filters=(16, 32, 64),
        padding="same",
    )
    head = kt.heads.MLPHead(
        num_classes=len(class_names), hidden_units=(512,), pooling="flatten"
    )
    return kt.build_model(backbone, head, class_names=class_names)


def check_figures():
    # Nearly all the weights are in the one dense layer behind the maps, which
    # is why another pooling makes a network smaller.
    for build, parameters in (
        (build_model, 3_453_121),
        (build_shallow_model, 13_132_322),
    ):
        summary = kt.trainable_summary(build(["cat", "dog"]))
        print(f"{summary}\n")
        assert summary.parameters == parameters


def train_model(arguments, title, augment=None, dropout=0.0):
    print(f"\n{title}")
    # The same first weights both times, so that only what we change differs.
    keras.utils.set_random_seed(0)
    train, validation = material.photographs(
        arguments,
        "cats_vs_dogs",
        image_size=IMAGE_SIZE,
        batch_size=16,
        augment=augment,
    )
    model = build_model(train.class_names, dropout)
    kt.compile_for_transfer(model, "adam", learning_rate=1e-3)
    return model.fit(
        train, validation_data=validation, epochs=arguments.epochs
    ).history


def draw(path, histories):
    figure = Figure(figsize=(9.6, 4), layout="constrained")
    panels = figure.subplots(1, len(histories), sharey=True)
    for axes, (title, history) in zip(panels, histories.items(), strict=True):
        train, validation = history["accuracy"], history["val_accuracy"]
        epochs = range(1, len(train) + 1)
        axes.plot(epochs, train, "o-", ms=3, color="#4477aa", label="training")
        axes.plot(
            epochs,
            validation,
            "o-",
            ms=3,
            color="#ee6677",
            label="validation",
        )
        axes.fill_between(
            epochs,
            train,
            validation,
            color="0.5",
            alpha=0.15,
            lw=0,
            label="the gap",
        )
        axes.set(title=title, xlabel="epoch", ylim=(0.4, 1.02))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("accuracy")
    panels[0].legend(frameon=False, loc="upper left")
    figure.savefig(path, dpi=130)


def main(argv=None):
    arguments = material.parse(
        __doc__, argv, epochs=40, picture={"default": "overfitting.png"}
    )
    if arguments.check:
        check_figures()

    histories = {
        "photographs as they are": train_model(arguments, "As they are"),
        "augmented, with dropout": train_model(
            arguments,
            "Augmented, with dropout",
            augment=kt.data.augmentation(),
            dropout=0.5,
        ),
    }
    draw(arguments.picture, histories)
    for title, history in histories.items():
        gap = history["accuracy"][-1] - history["val_accuracy"][-1]
        print(f"{title}: training is ahead of validation by {gap:.1%}")
    print(f"Written to {arguments.picture}.")


if __name__ == "__main__":
    main()
