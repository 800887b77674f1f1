"""Comparison of this plugin's models with what the oracle computes.

`compared.csv` lists them: one or more of every family, with an image size that
is small, and the scale of the made-up weights. `golden.json` keeps a few
values of some. Both are brought up to date by

    python -m tests.plugins.kecam.parity OTHER_PYTHON [NAME[:SIZE:SCALE] ...]

in the repository's root, where the other Python is as `oracle.py` needs it. A
name that `compared.csv` lacks needs the rest, as in `davit_b:64:1`. Without
names all that it lists are compared again.
"""

import csv
import dataclasses
import json
import math
import pathlib
import sys
import tempfile

import keras
import numpy as np
from keras_transfer_kecam import catalogue
from keras_transfer_kecam.development.worker import Worker

import keras_transfer as kt
from tests.plugins.kecam import values

HERE = pathlib.Path(__file__).parent
COMPARED = HERE / "compared.csv"
GOLDEN = HERE / "golden.json"
# Above this it is not the rounding of float32.
TOLERANCE = 1e-5
# Small ones with different kinds of layers: they are compared in every run.
KEPT = (
    "botnet26t",
    "convnext_v2_atto",
    "edgenext_xx_small",
    "fasternet_t0",
    "ghostnet_050",
    "lcnet_050",
    "levit128s",
    "mobilevit_xxs",
    "vit_tiny_patch16",
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A model to compare.

    Args:
        name: Its name.
        size: Height and width of the images.
        scale: What the made-up kernels are multiplied with. Where attention
            sharpens rounding into other features at 1, it is less.
        difference: The largest that was measured, as a part of the largest
            feature.
    """

    name: str
    size: int
    scale: float
    difference: float

    @property
    def request(self) -> str:
        """What the oracle is asked."""
        return f"{self.name}:{self.size}:{self.scale:g}"


def cases() -> dict[str, Case]:
    """Returns what is compared, by name."""
    with COMPARED.open(encoding="utf-8", newline="") as file:
        return {
            row["name"]: Case(
                row["name"],
                int(row["size"]),
                float(row["scale"]),
                float(row["difference"]),
            )
            for row in csv.DictReader(file)
        }


def oracle(python: str, folder: pathlib.Path) -> Worker:
    """Starts the other Python; it leaves the features in the folder."""
    table = pathlib.Path(catalogue.__file__).with_name("catalogue.json")
    script = HERE / "oracle.py"
    return Worker([python, str(script), str(folder), str(table)])


def features_of(case: Case) -> np.ndarray:
    """Computes the features of the plugin's model with made-up weights."""
    spec = kt.get_backbone(f"kecam/{case.name}")
    model = kt.create_backbone(
        dataclasses.replace(spec, minimum_size=1),
        weights=None,
        input_shape=(case.size, case.size, 3),
    )
    values.fill(model, case.scale)
    return keras.ops.convert_to_numpy(model(values.images(case.size)))


def expected_features(
    case: Case, worker: Worker, folder: pathlib.Path
) -> np.ndarray:
    """Lets the oracle compute them."""
    worker.run(case.request, seconds=1800)
    with np.load(folder / f"{case.name}.npz") as stored:
        return stored["features"]


def difference(received: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, as a part of the largest value."""
    return np.abs(received - expected).max() / np.abs(expected).max()


def golden_values(features: np.ndarray) -> dict:
    """What is kept of features."""
    return {
        "shape": list(features.shape),
        "largest": float(np.abs(features).max()),
        "values": [float(v) for v in values.sample(features)],
    }


def write(compared: dict[str, Case], golden: dict[str, dict]) -> None:
    """Writes both files."""
    rows = [
        f"{c.name},{c.size},{c.scale:g},{c.difference:.1e}"
        for c in compared.values()
    ]
    header = "name,size,scale,difference"
    COMPARED.write_text("\n".join([header, *rows, ""]))
    lines = [f'"{n}": {json.dumps(golden[n])}' for n in sorted(golden)]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main(python: str, names: list[str]) -> None:
    """Compares models and writes what was found, one after the other."""
    compared = cases()
    golden = json.loads(GOLDEN.read_text())
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        worker = oracle(python, folder)
        for name in names or list(compared):
            name, *rest = name.split(":")
            if rest:
                case = Case(name, int(rest[0]), float(rest[1]), math.inf)
            else:
                case = compared[name]
            keras.utils.clear_session()
            expected = expected_features(case, worker, folder)
            worst = difference(features_of(case), expected)
            print(name, f"{worst:.1e}", flush=True)
            compared[name] = dataclasses.replace(case, difference=worst)
            if name in KEPT:
                golden[name] = golden_values(expected)
            write(compared, golden)
        worker.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
