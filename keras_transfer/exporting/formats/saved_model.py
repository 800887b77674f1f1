"""TensorFlow's SavedModel, run by TensorFlow alone."""

import json

from keras_transfer.exporting.formats import saved_model_graph
from keras_transfer.exporting.formats.format import Axes
from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.format import Runner

_SIGNATURE = "serving_default"


class SavedModel(Format):
    """A folder for TensorFlow Serving; its endpoint is `serve`."""

    name = "tf_saved_model"
    suffix = ""
    packages = ("tensorflow",)
    reader = "tensorflow"

    def write(
        self, model, path, description, precision="float32", calibration=None
    ):
        model.export(path, format="tf_saved_model", verbose=False)
        # The folder that the format reserves for additions.
        folder = path / "assets.extra"
        folder.mkdir()
        (folder / "keras_transfer.json").write_text(json.dumps(description))

    def side_effects(self, path):
        return saved_model_graph.side_effects(path)

    def open(self, path):
        import tensorflow as tf

        loaded = tf.saved_model.load(path)
        if _SIGNATURE not in loaded.signatures:
            raise ValueError(f"it has no signature {_SIGNATURE!r}")
        signature = loaded.signatures[_SIGNATURE]
        inputs = signature.structured_input_signature[1]
        outputs = signature.structured_outputs
        if len(inputs) != 1 or not outputs:
            raise ValueError(
                f"its signature has {len(inputs)} inputs and {len(outputs)} "
                "outputs, expected the images and the predictions"
            )
        (image,), output = inputs, next(iter(outputs))

        def run(images):
            # Through what was loaded, which owns the weights.
            call = loaded.signatures[_SIGNATURE]
            return call(**{image: tf.constant(images)})[output].numpy()

        return Runner(run, _axes(inputs[image]), _axes(outputs[output]))

    def runtime(self):
        import tensorflow as tf

        return f"tensorflow {tf.__version__}"


def _axes(spec):
    return Axes(tuple(spec.shape), spec.dtype.name)
