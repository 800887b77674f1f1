"""Comparison of this plugin's models with what the oracle computes.

`compared.csv` lists them: one or more of every family, with an image size that
is small, and the scale of the made-up weights. `golden.json` keeps a few
values that the oracle computed for each, most of them with fewer blocks than
the network has, so that every run can compare all of them. Both are brought up
to date by

    python -m tests.plugins.kecam.parity OTHER_PYTHON [NAME[:SIZE:SCALE] ...]

in the repository's root, where the other Python is as `oracle.py` needs it. A
name that `compared.csv` lacks needs the rest, as in `davit_b:64:1`. Without
names all that it lists are compared again. With `--golden` only `golden.json`
is made again, which takes a few minutes.
"""

import argparse
import csv
import dataclasses
import json
import math
import pathlib
import tempfile

import keras
import numpy as np
from keras_transfer_kecam import catalogue
from keras_transfer_kecam import upstream
from keras_transfer_kecam.development.worker import Worker

import keras_transfer as kt
from tests.plugins.kecam import shallow
from tests.plugins.kecam import values

HERE = pathlib.Path(__file__).parent
COMPARED = HERE / "compared.csv"
GOLDEN = HERE / "golden.json"
# Above this it is not the rounding of float32.
TOLERANCE = 1e-5
# Small ones with different kinds of layers: every run compares all of them.
WHOLE = (
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
# Whose first blocks lack an operation that others of a stage have.
TWO_BLOCKS = (
    "dinat_mini",
    "efficientnet_edgetpu_small",
    "efficientnet_v1_b0",
    "efficientnet_v1_lite0",
    "efficientnet_v2_b0",
    "efficientvit_b0",
    "gcvit_xx_tiny",
    "gpvit_l1",
    "mobilevit_v2_050",
    "regnetz_b16",
    "regnetz_c16_evo",
    "repvit_m_09",
    "swin_transformer_v2_tiny_ns",
    "swin_transformer_v2_tiny_window8",
    "tinynet_e",
)
# Of the made-up kernels of few blocks, where it differs from the whole's.
SCALES = {"swin_transformer_v2_tiny_ns": 0.5}


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
        blocks: At most so many in each stage; 0 for all.
    """

    name: str
    size: int
    scale: float
    difference: float
    blocks: int = 0

    @property
    def request(self) -> str:
        """What the oracle is asked."""
        return f"{self.name}:{self.size}:{self.scale:g}:{self.blocks}"

    def reduced(self) -> "Case":
        """The network of which values are kept."""
        if self.name in WHOLE:
            return self
        return dataclasses.replace(
            self,
            blocks=2 if self.name in TWO_BLOCKS else 1,
            scale=SCALES.get(self.name, self.scale),
        )


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


def network(case: Case) -> keras.Model:
    """Builds the plugin's model."""
    changes = {"minimum_size": 1}
    if case.blocks:
        changes["stages"] = "auto"  # The declared ones have other ends.
    spec = kt.get_backbone(f"kecam/{case.name}")
    constructor = catalogue.models()[case.name].constructor
    with shallow.shallow(upstream.constructor(constructor), case.blocks):
        return kt.create_backbone(
            dataclasses.replace(spec, **changes),
            weights=None,
            input_shape=(case.size, case.size, 3),
        )


def features_of(case: Case) -> np.ndarray:
    """Computes the features of the plugin's model with made-up weights."""
    model = network(case)
    values.fill(model, case.scale)
    return keras.ops.convert_to_numpy(model(values.images(case.size)))


def expected(case: Case, worker: Worker, folder: pathlib.Path) -> dict:
    """Lets the oracle compute the features; returns all that it says."""
    worker.run(case.request, seconds=1800)
    with np.load(folder / f"{case.name}.npz") as stored:
        return dict(stored)


def difference(received: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, as a part of the largest value."""
    return np.abs(received - expected).max() / np.abs(expected).max()


def golden_values(answer: dict) -> dict:
    """What is kept of the oracle's answer."""
    features = answer["features"]
    return {
        "rescale_mode": str(answer["rescale_mode"]),
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


def main(python: str, names: list[str], only_golden: bool) -> None:
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
            asked = [case.reduced()] if only_golden else [case.reduced(), case]
            for each in dict.fromkeys(asked):
                keras.utils.clear_session()
                answer = expected(each, worker, folder)
                worst = difference(features_of(each), answer["features"])
                print(each.request, f"{worst:.1e}", flush=True)
                if each == case.reduced():
                    golden[name] = golden_values(answer)
                if each == case:
                    compared[name] = dataclasses.replace(case, difference=worst)
            write(compared, golden)
        worker.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--golden", action="store_true")
    arguments = parser.parse_intermixed_args()
    main(arguments.python, arguments.names, arguments.golden)
