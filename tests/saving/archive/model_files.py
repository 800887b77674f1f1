"""A small model file, and what is needed to make others of it."""

import io
import json
import zipfile

import h5py
import keras

import keras_transfer as kt


def write_model(path):
    """Saves a small classifier of ours, backbone nested, compiled."""
    image = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(image)
    x = keras.layers.Conv2D(4, 3, name="conv", activation="relu")(x)
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    backbone = keras.Model(image, x, name="backbone")
    kt.set_trainable(backbone, "depthwise")
    model = kt.build_model(
        backbone, kt.heads.LinearHead(2), class_names=["ant", "bee"]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    # Keras warns of an optimizer that has no state yet when it is loaded.
    model.optimizer.build(model.trainable_variables)
    model.save(path)
    return model


class Parts:
    """The members of a model file, to be changed and written elsewhere."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self.members = {n: archive.read(n) for n in archive.namelist()}
        self.config = json.loads(self.members["config.json"])

    def layer(self, name):
        """The entry of a layer, wherever it is nested."""
        pending = [self.config]
        while pending:
            item = pending.pop()
            if isinstance(item, dict):
                config = item.get("config")
                if isinstance(config, dict) and config.get("name") == name:
                    return item
                pending += item.values()
            elif isinstance(item, list):
                pending += item
        raise KeyError(name)

    def add_layer(self, **entry):
        """Lets the backbone list one more layer."""
        entry.setdefault("name", entry["config"].get("name", "added"))
        entry.setdefault("inbound_nodes", [])
        self.layer("backbone")["config"]["layers"].append(entry)

    def change_weights(self, change):
        """Calls a function with the open weights file."""
        buffer = io.BytesIO(self.members["model.weights.h5"])
        with h5py.File(buffer, "a") as file:
            change(file)
        self.members["model.weights.h5"] = buffer.getvalue()

    def write(self, path, compression=zipfile.ZIP_STORED):
        self.members["config.json"] = json.dumps(self.config).encode()
        return self.write_members(path, compression)

    def write_members(self, path, compression=zipfile.ZIP_STORED):
        """Writes the members as they are, `config.json` included."""
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in self.members.items():
                archive.writestr(name, content)
        return path
