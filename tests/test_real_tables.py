"""Tables of real photographs, from the command line to its predictions."""

import json

import numpy as np
import pandas as pd
import pytest

import keras_transfer as kt
from keras_transfer.cli import main

SIZE = 96


@pytest.fixture(scope="module")
def photographs(assets):
    """A row for each of 80 photographs, without the labels to learn."""
    rows = []
    for name in ("ants", "bees"):
        folder = assets / "hymenoptera" / "train" / name
        for path in sorted(folder.glob("*.jpg"))[:40]:
            pixels = kt.data.load_image(path, 64)
            rows.append(
                {
                    "file": f"{name}/{path.name}",
                    "species": name,
                    "ants": int(name == "ants"),
                    "bees": int(name == "bees"),
                    "tags": f"insect {name}",
                    "brightness": float(pixels.mean()),
                }
            )
    table = pd.DataFrame(rows)
    # A part that is never trained on: every fifth of each species.
    table["part"] = ["test" if n % 5 == 4 else "train" for n in range(80)]
    return assets / "hymenoptera" / "train", table


@pytest.fixture
def run(photographs, imagenet, tmp_path, monkeypatch, capsys):
    """Trains on the table; returns what was printed, and what of the test."""
    folder, table = photographs
    monkeypatch.chdir(tmp_path)

    def run(*words, form="csv"):
        if form == "csv":
            table.to_csv("labels.csv", index=False)
        else:
            table.to_parquet("labels.parquet")
        fit = [
            "fit",
            f"labels.{form}",
            f"--images={folder}",
            "--split-column=part",
            "--backbone=mobilenet",
            "--option=alpha=0.75",
            f"--image-size={SIZE}",
            "--epochs=40",
            "--batch-size=16",
            *words,
        ]
        assert main(fit) == 0
        printed = capsys.readouterr().out
        test = table[table["part"] == "test"]
        paths = [str(folder / name) for name in test["file"]]
        assert main(["predict", "model.keras", *paths, "--json"]) == 0
        return printed, test, json.loads(capsys.readouterr().out)

    return run


def test_species(run):
    printed, test, told = run("--label=species", form="parquet")
    named = [one["classes"][0]["class"] for one in told]
    right = (np.array(named) == test["species"].to_numpy()).sum()
    assert right >= 13
    line = next(x for x in printed.splitlines() if "test accuracy" in x)
    assert f"({right} of 16)" in line


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--labels=ants,bees"], ["ants", "bees"]),
        (["--labels=tags", "--separator= "], ["ants", "bees", "insect"]),
    ],
)
def test_several_labels(run, words, names):
    printed, test, told = run(*words)
    assert "test F1" in printed
    info = kt.info(kt.load_model("model.keras"))
    assert (info.task["kind"], info.class_names) == ("multi_label", names)
    said = [{label["label"] for label in one["labels"]} for one in told]
    true = [
        {name, "insect"} & set(names) for name in test["species"].to_numpy()
    ]
    assert sum(map(set.__eq__, said, true)) >= 12


def test_a_number(run):
    printed, test, told = run(
        "--target=brightness",
        "--cut-at=stage_2",  # Deeper features know less of light.
        "--dropout=0",
        "--learning-rate=0.01",
    )
    targets = kt.info(kt.load_model("model.keras")).task["targets"]
    assert targets["names"] == ["brightness"]
    said = np.array([one["numbers"][0]["value"] for one in told])
    true = test["brightness"].to_numpy()
    error = np.abs(said - true).mean()
    # In units of the table, and better than the mean of all would be.
    assert error < np.abs(true - targets["mean"][0]).mean()
    assert f"{error:.4g}"[:3] in printed
