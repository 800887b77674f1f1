"""VGG16 frozen, then its last block fine-tuned.

The head that we put on a backbone begins at random, and so do the gradients
that it sends down. Would they reach good weights, they would spoil them. So we
train in two phases: the head alone, on a frozen VGG16; then, slowly, the last
block of convolutions with it. One callback does both:

    python examples/recipes/vgg16_frozen_then_fine_tuned.py
    python examples/recipes/vgg16_frozen_then_fine_tuned.py --frozen
    python examples/recipes/vgg16_frozen_then_fine_tuned.py --frozen \\
        --backbone mobilenet --alpha 0.75 --data photos/
    python examples/recipes/vgg16_frozen_then_fine_tuned.py --check

Reference: [Simonyan and Zisserman, 2014](https://arxiv.org/abs/1409.1556)
"""

import material

import keras_transfer as kt


def build_model(class_names, backbone):
    # Flattened, the 7 by 7 positions stay apart: this head knows where in the
    # image something was, at the price of 25.7 million weights.
    head = kt.heads.MLPHead(
        num_classes=1, hidden_units=(1024,), pooling="flatten"
    )
    return kt.build_model(backbone, head, class_names=class_names)


def build_model_of_many_classes(class_names, backbone):
    # Averaged over all positions, the features are 512 numbers and the head a
    # fiftieth of the size. Prefer it when there are few images per class.
    head = kt.heads.MLPHead(
        num_classes=len(class_names), hidden_units=(1024,), pooling="avg"
    )
    return kt.build_model(backbone, head, class_names=class_names)


def check_figures(backbone):
    model = build_model(["cat", "dog"], backbone)
    kt.freeze(model)
    print(f"Frozen:\n{kt.trainable_summary(model)}\n")
    assert kt.trainable_summary(model).parameters == 40_406_849
    assert kt.trainable_summary(model).trainable == 25_692_161

    # The last four layers are the last block: three convolutions and a
    # pooling. As in a list, they can be counted from the end ...
    kt.set_trainable(backbone, slice(-4, None))
    print(f"Fine-tuned:\n{kt.trainable_summary(model)}\n")
    assert kt.trainable_summary(model).trainable == 32_771_585
    # ... or called by their name, which says what is meant.
    kt.set_trainable(model, ["stage_5", "head"])
    assert kt.trainable_summary(model).trainable == 32_771_585

    kt.set_trainable(backbone, [])
    model = build_model_of_many_classes([*"abcdefghijk"], backbone)
    print(f"Eleven classes:\n{kt.trainable_summary(model)}\n")
    assert kt.trainable_summary(model).parameters == 15_251_275
    kt.set_trainable(backbone, "*")


def main(argv=None):
    arguments = material.parse(
        __doc__,
        argv,
        epochs=10,
        checked_epochs=2,
        frozen={
            "action": "store_true",
            "help": "leave the backbone frozen to the end",
        },
        backbone={"default": "vgg16", "metavar": "NAME"},
        alpha={
            "type": float,
            "help": "width of a MobileNet, such as 0.75",
        },
        image_size={"type": int, "default": 224},
    )
    size = arguments.image_size
    options = {"alpha": arguments.alpha} if arguments.alpha else {}
    backbone = kt.create_backbone(
        arguments.backbone,
        weights=material.weights(arguments),
        input_shape=(size, size, 3),
        **options,
    )
    if arguments.check:
        check_figures(backbone)

    train, validation = material.photographs(
        arguments, "cats_vs_dogs", image_size=size
    )
    build = build_model
    if len(train.class_names) > 2:
        build = build_model_of_many_classes
    model = build(train.class_names, backbone)
    kt.compile_for_transfer(model, "adam", learning_rate=1e-4)

    # In Keras the second phase takes flags to be set, a `compile` that forgets
    # what the optimizer knows, and a second `fit` whose epochs begin at 0. A
    # schedule needs none of that: it opens the top stage in the middle of
    # `fit`, at a tenth of the rate.
    schedule = kt.schedules.LinearProbe()
    if not arguments.frozen:
        schedule = kt.schedules.LinearProbeThenFineTune(
            probe_epochs=max(1, arguments.epochs // 2), stages=1
        )
    print(schedule.describe(model, epochs=arguments.epochs))
    return model.fit(
        train,
        validation_data=validation,
        epochs=arguments.epochs,
        callbacks=[schedule],
    )


if __name__ == "__main__":
    main()
