"""DaViT fine-tuned under the eyes of Keras's own callbacks.

DaViT-T is a vision transformer with 27.6 million weights: attention between
positions in turn with attention between channels. Its first layers are frozen,
the rest is fine-tuned. How long, and how fast? Nobody knows beforehand, so two
callbacks decide by the validation loss: when it has not fallen for three epochs
the rate is halved; after seven training is over, and the best epoch's weights
come back:

    python examples/recipes/transformer_with_early_stopping.py
    python examples/recipes/transformer_with_early_stopping.py --data photos/
    python examples/recipes/transformer_with_early_stopping.py --check

Reference: [Ding et al., 2022](https://arxiv.org/abs/2204.03645)
"""

import keras
import material

import keras_transfer as kt

IMAGE_SIZE = 280
# Of the backbone's 394 operations. Keras 2 counted all of them in
# `model.layers`, Keras 3 counts only layers there: recipes that say "the first
# 80 layers" mean `model.operations`, and so does a slice here.
ALL_BUT_THE_FIRST_80 = slice(80, None)


def build_model(class_names, weights="imagenet"):
    # Pretrained at 224 pixels; the weights fit any size. Larger images show
    # finer detail, and cost half as much again.
    backbone = kt.create_backbone(
        "davit_t",
        weights=weights,
        input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
    )
    head = kt.heads.LinearHead(num_classes=1)
    return kt.build_model(backbone, head, class_names=class_names)


def check_figures(model):
    assert kt.trainable_summary(model).parameters == 27_591_937
    variables = len(model.trainable_variables)
    assert variables == 212
    kt.set_trainable(model, ALL_BUT_THE_FIRST_80)
    print(f"{kt.trainable_summary(model)}\n")
    print(f"{len(model.trainable_variables)} of {variables} variables train.")
    assert len(model.trainable_variables) == 168


def main(argv=None):
    arguments = material.parse(__doc__, argv, epochs=50)
    train, validation = material.photographs(
        arguments, "cats_vs_dogs", image_size=IMAGE_SIZE, batch_size=16
    )
    model = build_model(train.class_names, material.weights(arguments))
    if arguments.check:
        check_figures(model)
    kt.set_trainable(model, ALL_BUT_THE_FIRST_80)

    # Transformers are fine-tuned at small rates: what they know is spread over
    # all their weights. (The few steps of a check are not worth the half minute
    # that it takes to trace so large a graph.)
    kt.compile_for_transfer(
        model, "adam", learning_rate=1e-4, run_eagerly=arguments.check
    )
    model.fit(
        train,
        validation_data=validation,
        epochs=arguments.epochs,
        callbacks=[
            keras.callbacks.EarlyStopping(
                patience=7, restore_best_weights=True
            ),
            keras.callbacks.ReduceLROnPlateau(
                factor=0.5, patience=3, min_lr=1e-5
            ),
        ],
    )


if __name__ == "__main__":
    main()
