"""A `.keras` file of stock layers, run by Keras alone."""

import json
import zipfile

from keras_transfer.exporting.formats.format import Axes
from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.format import Runner

MEMBER = "keras_transfer.json"


class Stock(Format):
    """One file for Keras users, of the model that `to_stock` returns.

    The description is an additional member of the archive, which Keras ignores
    and drops when it saves the model again.
    """

    name = "stock"
    suffix = ".keras"
    reader = "keras"
    backends = ("tensorflow", "jax", "torch")
    tolerance = 1e-6
    keeps_layers = True

    def write(
        self, model, path, description, precision="float32", calibration=None
    ):
        model.save(path)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(MEMBER, json.dumps(description))

    def open(self, path):
        import keras

        model = keras.saving.load_model(path, compile=False)
        return Runner(
            lambda images: keras.ops.convert_to_numpy(
                model(images, training=False)
            ),
            *(
                Axes(tuple(tensor.shape), tensor.dtype)
                for tensor in (model.inputs[0], model.outputs[0])
            ),
        )

    def runtime(self):
        import keras

        return f"keras {keras.__version__}"
