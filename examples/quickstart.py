"""From a folder of photographs to a model file.

Run it with a folder that holds one subfolder of images for each class:

    python examples/quickstart.py photos/
"""

import sys

import keras_transfer as kt

folder = sys.argv[1]

train, validation = kt.data.from_directory(folder, image_size=224)
backbone = kt.create_backbone(
    "mobilenet", alpha=0.75, input_shape=(224, 224, 3)
)
model = kt.build_model(
    backbone,
    kt.heads.LinearHead(num_classes=len(train.class_names), dropout=0.2),
    class_names=train.class_names,
)
kt.compile_for_transfer(model, "adam", learning_rate=0.003)
model.fit(
    train,
    validation_data=validation,
    epochs=5,
    callbacks=[kt.schedules.LinearProbe()],
)
kt.save_model(model, "model.keras")

model = kt.load_model("model.keras")
print(kt.predict_labels(model, validation.file_paths[::50]))
