"""AlexNet or GoogLeNet from scratch, for images unlike all photographs.

Under a microscope nothing looks like ImageNet, and what counts is fine texture.
There a network from random weights may do as well as a borrowed one, given some
thousand images. Two classical ones for images of 280 pixels:

- a compact AlexNet, whose first convolution looks at 13 by 13 pixels every
  third pixel, so that texture survives, and whose dense layers are small;
- GoogLeNet, 22 layers deep. Gradients from the top hardly reach its bottom,
  so two auxiliary classifiers halfway up send some of their own. They count
  0.3 each in the loss, and vanish when training is over.

    python examples/recipes/from_scratch_with_auxiliary_heads.py --data cells/
    python examples/recipes/from_scratch_with_auxiliary_heads.py --network googlenet
    python examples/recipes/from_scratch_with_auxiliary_heads.py --check

Without `--data` the public images of horses and humans stand in, which a
computer drew at 300 pixels.

References: [Krizhevsky, 2014](https://arxiv.org/abs/1404.5997),
[Szegedy et al., 2014](https://arxiv.org/abs/1409.4842)
"""  # noqa: E501

import material

import keras_transfer as kt

IMAGE_SIZE = 280


def build_alexnet(class_names):
    backbone = kt.create_backbone("alexnet_compact", weights=None)
    # Half of what each dense layer says is dropped in training: this is where
    # AlexNet made dropout known.
    head = kt.heads.MLPHead(
        num_classes=1,
        hidden_units=(128, 128),
        pooling="flatten",
        dropout=0.5,
    )
    return kt.build_model(backbone, head, class_names=class_names)


def build_googlenet(class_names):
    backbone = kt.create_backbone(
        "googlenet", weights=None, input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3)
    )
    head = kt.heads.LinearHead(num_classes=1, dropout=0.4)
    return kt.build_model(backbone, head, class_names=class_names)


def add_auxiliary_heads(model):
    # To `fit`, `evaluate` and metrics the result is a model with one output;
    # the labels are given once.
    return kt.with_auxiliary_heads(
        model,
        {
            "inception_4a": kt.heads.AuxiliaryHead(num_classes=1),
            "inception_4d": kt.heads.AuxiliaryHead(num_classes=1),
        },
        weight=0.3,
    )


def check_figures():
    alexnet = build_alexnet(["healthy", "ill"])
    print(f"Compact AlexNet:\n{kt.trainable_summary(alexnet)}\n")
    assert kt.trainable_summary(alexnet).parameters == 7_742_721

    googlenet = build_googlenet(["healthy", "ill"])
    print(f"GoogLeNet:\n{kt.trainable_summary(googlenet)}\n")
    backbone = googlenet.get_layer("googlenet")
    assert backbone.count_params() == 5_973_552
    module_3a = [la for la in backbone.layers if "inception_3a" in la.name]
    assert sum(layer.count_params() for layer in module_3a) == 163_696

    # The auxiliary heads come and go; the network is the same.
    training = add_auxiliary_heads(googlenet)
    print(f"In training:\n{kt.trainable_summary(training)}\n")
    bare = kt.without_auxiliary_heads(training)
    assert bare.count_params() == googlenet.count_params()


def main(argv=None):
    arguments = material.parse(
        __doc__,
        argv,
        epochs=30,
        network={"choices": ["alexnet", "googlenet"], "default": "alexnet"},
    )
    if arguments.check:
        check_figures()

    # A cell has no upright position: turn it by any angle.
    train, validation = material.photographs(
        arguments,
        "horses_or_humans",
        image_size=IMAGE_SIZE,
        augment=kt.data.augmentation(rotation=180, shear=0, zoom=0.1),
    )

    if arguments.network == "alexnet":
        model = build_alexnet(train.class_names)
    else:
        model = add_auxiliary_heads(build_googlenet(train.class_names))
    # Neither network has BatchNormalization, which would forgive a larger
    # rate.
    kt.compile_for_transfer(model, "adam", learning_rate=2e-4)
    model.fit(train, validation_data=validation, epochs=arguments.epochs)


if __name__ == "__main__":
    main()
