"""Five kinds of flowers, and what happens if the head has room for four.

Somebody adds a class of photographs and forgets the head. In plain Keras the
loss then has no entry for the fifth label: depending on the device training
stops with an error from deep inside a kernel, or goes on and the loss is `nan`.
Here it is one sentence, before the first step:

    python examples/recipes/flowers_and_a_head_too_narrow.py
    python examples/recipes/flowers_and_a_head_too_narrow.py --data photos/
    python examples/recipes/flowers_and_a_head_too_narrow.py --check

Reference: [Howard et al., 2017](https://arxiv.org/abs/1704.04861)
"""

import material

import keras_transfer as kt

IMAGE_SIZE = 128


def build_model(num_classes, weights="imagenet", class_names=None):
    backbone = kt.create_backbone(
        "mobilenet",
        weights=weights,
        input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
        alpha=0.75,
    )
    head = kt.heads.LinearHead(num_classes=num_classes, dropout=0.2)
    model = kt.build_model(backbone, head, class_names=class_names)
    # The loss, the metrics and the checks of the data follow from the head.
    return kt.compile_for_transfer(model, "adam", learning_rate=0.003)


def main(argv=None):
    arguments = material.parse(__doc__, argv, epochs=5)
    train, validation = material.photographs(
        arguments,
        "flowers",
        num_classes=5,
        image_size=IMAGE_SIZE,
        checked_batch=32,
    )
    weights = material.weights(arguments, material.MOBILENET)
    num_classes = len(train.class_names)

    # One class too few. The labels of a whole data set are not looked through,
    # only those of its first batch: it nearly always holds every class.
    too_narrow = build_model(num_classes - 1, weights)
    try:
        too_narrow.fit(train)
    except ValueError as error:
        print(f"The narrow head: {error}")
    else:
        raise SystemExit("The first batch happened to hold no label too many.")

    # Tell the model the names of its classes, and the mistake cannot even be
    # built.
    try:
        build_model(num_classes - 1, weights, train.class_names)
    except ValueError as error:
        print(f"The narrow head with names: {error}")

    # The right width comes from the data, not from memory.
    model = build_model(num_classes, weights, train.class_names)
    model.fit(
        train,
        validation_data=validation,
        epochs=arguments.epochs,
        callbacks=[kt.schedules.LinearProbe()],
    )


if __name__ == "__main__":
    main()
