"""Few images or many, near to ImageNet or far: four strategies compared.

How much of a borrowed network to train follows from two questions. How many
images are there? Do they look like those that the network has seen?

|      | near                                   | far                          |
| ---- | -------------------------------------- | ---------------------------- |
| few  | the head alone                         | from the top, stage by stage |
| many | the head, then all, slower below       | the head, then all           |

`kt.recommend` answers with a schedule and the reasons. It is a rule of thumb,
so here all four are tried on the same images, from the same weights:

    python examples/recipes/four_strategies_compared.py
    python examples/recipes/four_strategies_compared.py --data photos/
    python examples/recipes/four_strategies_compared.py --check

Reference: [Yosinski et al., 2014](https://arxiv.org/abs/1411.1792)
"""

import keras
import material
from rich.console import Console
from rich.table import Table

import keras_transfer as kt

FEW, MANY = 200, 20_000


def build_model(class_names, image_size, weights="imagenet"):
    # The dice of the head and of its dropout fall the same way for each
    # strategy.
    keras.utils.set_random_seed(0)
    backbone = kt.create_backbone(
        "mobilenet",
        weights=weights,
        input_shape=(image_size, image_size, 3),
        alpha=0.75,
    )
    head = kt.heads.LinearHead(num_classes=len(class_names), dropout=0.5)
    model = kt.build_model(backbone, head, class_names=class_names)
    return kt.compile_for_transfer(model, "adam", learning_rate=0.003)


def main(argv=None):
    arguments = material.parse(
        __doc__,
        argv,
        epochs=10,
        checked_epochs=4,
        image_size={"type": int, "default": 128},
    )
    train, validation = material.photographs(
        arguments, "flowers", image_size=arguments.image_size
    )
    weights = material.weights(arguments, material.MOBILENET)

    table = Table("images", "they are", "strategy", "trained", "last", "best")
    for amount, count in (("few", FEW), ("many", MANY)):
        for similarity in ("near", "far"):
            schedule, reasons = kt.recommend(
                count, len(train.class_names), similarity
            )
            model = build_model(
                train.class_names, arguments.image_size, weights
            )
            print(f"\n{reasons}\n")
            print(schedule.describe(model, epochs=arguments.epochs))

            history = model.fit(
                train,
                validation_data=validation,
                epochs=arguments.epochs,
                callbacks=[schedule],
            ).history
            table.add_row(
                amount,
                similarity,
                type(schedule).__name__,
                f"{max(history['trainable_params']):,}",
                f"{history['val_accuracy'][-1]:.1%}",
                f"{max(history['val_accuracy']):.1%}",
            )
    # The best epoch was chosen by looking at the validation images, so its
    # figure flatters; the last one does not.
    Console().print(table)


if __name__ == "__main__":
    main()
