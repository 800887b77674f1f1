"""TensorFlow's SavedModel, run by TensorFlow alone."""

import json

from keras_transfer.exporting.formats.format import Format


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
        # The place that the format keeps for what others want to add.
        folder = path / "assets.extra"
        folder.mkdir()
        (folder / "keras_transfer.json").write_text(json.dumps(description))

    def open(self, path):
        import tensorflow as tf

        loaded = tf.saved_model.load(path)
        return lambda images: loaded.serve(images).numpy()

    def runtime(self):
        import tensorflow as tf

        return f"tensorflow {tf.__version__}"
