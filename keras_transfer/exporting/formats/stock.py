"""A `.keras` file of stock layers, run by Keras alone."""

import json
import zipfile

from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.runner import Axes
from keras_transfer.exporting.formats.runner import Runner

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
        from keras_transfer.structure.output_records import output_names

        def run(images):
            outputs = keras.tree.flatten(model(images, training=False))
            return [keras.ops.convert_to_numpy(output) for output in outputs]

        inputs, outputs = (
            tuple(Axes(tuple(t.shape), t.dtype) for t in tensors)
            for tensors in (model.inputs, model.outputs)
        )
        names = tuple(str(name) for name in output_names(model))
        return Runner(run, inputs[0], outputs, names)

    def runtime(self):
        import keras

        return f"keras {keras.__version__}"
