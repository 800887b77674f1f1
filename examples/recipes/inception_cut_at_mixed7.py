"""Inception V3 cut at `mixed7`: take only the half that you need.

The first layers of a network that learned ImageNet see edges, the next ones
textures, then parts of things; the last ones see the thousand things of
ImageNet and little else. Horses and humans in a computer's drawings are not
among them. So we cut the network in the middle, freeze what remains, and train
a new head on what it sees:

    python examples/recipes/inception_cut_at_mixed7.py
    python examples/recipes/inception_cut_at_mixed7.py --data-set rock_paper_scissors
    python examples/recipes/inception_cut_at_mixed7.py --data photos/
    python examples/recipes/inception_cut_at_mixed7.py --check

Reference: [Szegedy et al., 2015](https://arxiv.org/abs/1512.00567)
"""  # noqa: E501

import keras
import material

import keras_transfer as kt

IMAGE_SIZE = 150


def create_backbone(weights="imagenet"):
    # `mixed7` is the last module before the network halves its maps for the
    # last time; here they have 7 by 7 positions. What follows is left out of
    # the model altogether: 9.0 of 21.8 million parameters remain.
    return kt.create_backbone(
        "inception_v3",
        weights=weights,
        input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
        cut_at="mixed7",
    )


def build_model(class_names, backbone):
    # Two classes need a single unit, which says how likely the second one is;
    # more classes need a unit each. The head chooses sigmoid or softmax.
    head = kt.heads.MLPHead(
        num_classes=1 if len(class_names) == 2 else len(class_names),
        hidden_units=(1024,),
        pooling="flatten",
        dropout=0.2,
    )
    # The preprocessing of Inception becomes a part of the model, which takes
    # pixels from 0 to 255. So nobody can forget it when the model is used.
    model = kt.build_model(backbone, head, class_names=class_names)
    kt.freeze(model)
    return model


def check_figures(backbone):
    for class_names, parameters, trainable in (
        (("horses", "humans"), 47_512_481, 38_537_217),
        (("paper", "rock", "scissors"), 47_514_531, 38_539_267),
    ):
        summary = kt.trainable_summary(build_model(class_names, backbone))
        print(f"{' or '.join(class_names)}:\n{summary}\n")
        assert summary.parameters == parameters
        assert summary.trainable == trainable


def main(argv=None):
    arguments = material.parse(
        __doc__,
        argv,
        epochs=15,
        data_set={
            "choices": ["horses_or_humans", "rock_paper_scissors"],
            "default": "horses_or_humans",
        },
    )
    backbone = create_backbone(material.weights(arguments))
    if arguments.check:
        check_figures(backbone)

    # A thousand images are few for 38 million weights. Turned, shifted,
    # slanted, magnified and mirrored they are never the same twice. Only the
    # training images are changed: validation is to measure what the camera
    # sees.
    train, validation = material.photographs(
        arguments,
        arguments.data_set,
        image_size=IMAGE_SIZE,
        augment=kt.data.augmentation(
            rotation=40,
            width_shift=0.2,
            height_shift=0.2,
            shear=0.2,
            zoom=0.2,
            horizontal_flip=True,
        ),
    )

    model = build_model(train.class_names, backbone)
    print(kt.trainable_summary(model))

    # The loss follows from the head: binary cross-entropy for the single unit,
    # categorical for three. The low rate suits the many weights of the head,
    # whose first steps would otherwise be far too long. (The few steps of a
    # check are not worth a graph of so many layers.)
    kt.compile_for_transfer(
        model,
        keras.optimizers.RMSprop(1e-4),
        run_eagerly=arguments.check,
    )
    model.fit(train, validation_data=validation, epochs=arguments.epochs)


if __name__ == "__main__":
    main()
