"""What an audit finds among real photographs with what was put among them."""

import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.evaluation.cross_validation import judge
from keras_transfer.evaluation.many_heads import Recipe
from keras_transfer.evaluation.refitting import Trainer
from keras_transfer.evaluation.suspects import wrong_labels

# 5% of 244 training photographs.
EACH = 12
KINDS = ("exact", "encoded", "resized", "mirrored", "cropped")


def changed(kind, path):
    out = path.with_name(f"{kind}__{path.name}")
    if kind == "exact":
        shutil.copy(path, out)
        return
    with Image.open(path) as image:
        image = image.convert("RGB")
    width, height = image.size
    if kind == "resized":
        image = image.resize((int(width * 0.6), int(height * 0.6)))
    if kind == "mirrored":
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if kind == "cropped":
        edges = int(width * 0.05), int(height * 0.05), width, height
        image = image.crop(edges)
    image.save(out, quality=60 if kind == "encoded" else 90)


@pytest.fixture
def backbone(imagenet):
    return kt.create_backbone(
        "mobilenet", alpha=0.75, input_shape=(224, 224, 3)
    )


def found_of(found):
    """How many of each kind are paired with what they are made of."""
    hits, false = dict.fromkeys(KINDS, 0), []
    for each in found.findings:
        if "copy" in each.problem:
            names = [pathlib.Path(p).name for p in (each.file, each.partner)]
            if len({name.rpartition("__")[2] for name in names}) > 1:
                false.append(names)
                continue
            kind = next(name for name in names if "__" in name)
            hits[kind.partition("__")[0]] += 1
    return hits, false


def test_copies_among_real_photographs_are_found(assets, backbone, tmp_path):
    folder = tmp_path / "photos"
    shutil.copytree(assets / "hymenoptera", folder)
    files = sorted(folder.rglob("*.jpg"))
    chosen = np.random.default_rng(0).choice(
        len(files), (len(KINDS), EACH), replace=False
    )
    for kind, rows in zip(KINDS, chosen, strict=True):
        for row in rows:
            changed(kind, files[row])
    by_hashes, false = found_of(kt.audit(folder))
    assert not false
    assert all(by_hashes[kind] == EACH for kind in KINDS[:-1])
    found = kt.audit(folder, backbone)
    assert len(found.material) == 397 + 5 * EACH
    # Of 104,196 pairs.
    hits, false = found_of(found)
    assert len(false) <= 1
    assert hits["exact"] == EACH
    assert all(hits[kind] / EACH >= 0.95 for kind in KINDS)


@pytest.fixture
def features(assets, backbone):
    # Which prepares the pixels for it.
    model = kt.build_model(backbone, kt.heads.LinearHead(2))
    found = kt.embed(model, assets / "hymenoptera")
    return np.asarray(found.vectors), found.labels.astype("int64")


def test_wrong_labels_among_real_photographs_are_found(features):
    vectors, labels = features
    precision, recall = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        wrong = rng.choice(len(labels), len(labels) // 20, replace=False)
        given = labels.copy()
        given[wrong] = 1 - given[wrong]
        found = wrong_labels(vectors, given)
        hits = len(set(found) & set(wrong))
        precision.append(hits / len(found))
        recall.append(hits / len(wrong))
    assert np.mean(recall) >= 0.75
    assert np.mean(precision) >= 0.55


@pytest.mark.slow
@pytest.mark.parametrize("count", [80, 120, 160])
def test_the_interval_covers_the_accuracy_on_other_photographs(features, count):
    vectors, labels = features
    trainer = Trainer(Recipe(dropout=0.5), 2)
    covered = 0
    for seed in range(100):
        order = np.random.default_rng(seed).permutation(len(labels))
        rows, rest = order[:count], order[count:]
        found = judge(
            trainer, vectors[rows], labels[rows], np.arange(count), seed=seed
        )
        (said,) = trainer.predict(vectors, labels, [(rows, rest)])
        accuracy = (said == labels[rest]).mean()
        covered += found.interval[0] <= accuracy <= found.interval[1]
    assert covered >= 92
