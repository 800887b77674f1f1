"""Loads what `measure` saved, in a process of its own, and compares.

A part of `survey`: `reload FOLDER NAME...` adds `round_trip` to each
`NAME.json`. Models of stock layers are loaded by Keras alone, while neither
kecam nor this package can be imported.
"""

import json
import pathlib
import sys

import numpy as np

HIDDEN = ("keras_cv_attention_models", "keras_transfer", "kecam")


class Hider:
    """Makes packages look as if they were not installed."""

    def find_spec(self, fullname, path=None, target=None):
        """Refuses the hidden ones."""
        if fullname.startswith(HIDDEN):
            raise ModuleNotFoundError(f"{fullname} is hidden")


def main(folder: str, names: list[str]) -> None:
    """Loads the named models, those of stock layers first."""
    rows = {
        name: json.loads(_file(folder, name, ".json").read_text())
        for name in names
    }
    hider = Hider()
    sys.meta_path.insert(0, hider)
    for name, row in rows.items():
        if not row["classes"]:
            row["round_trip"] = _compare(folder, name)
    sys.meta_path.remove(hider)
    __import__("keras_transfer")
    for name, row in rows.items():
        if row["classes"]:
            row["round_trip"] = _compare(folder, name)
        _file(folder, name, ".json").write_text(json.dumps(row))


def _compare(folder, name):
    import keras

    with np.load(_file(folder, name, ".npz")) as stored:
        inputs, expected = stored["inputs"], stored["outputs"]
    try:
        model = keras.saving.load_model(_file(folder, name, ".keras"))
        received = keras.ops.convert_to_numpy(model(inputs))
    except Exception as error:  # Whatever Keras raises.
        return f"{type(error).__name__}: {error}"[:600]
    difference = np.abs(received - expected).max()
    keras.utils.clear_session()
    return "bit-equal" if difference == 0 else f"differs by {difference:.1e}"


def _file(folder, name, suffix):
    return pathlib.Path(folder, name).with_suffix(suffix)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
