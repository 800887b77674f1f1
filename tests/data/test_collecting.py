"""Photographs of other sources, through the libraries that read these."""

import io
import shutil
import tarfile
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_transfer as kt
from keras_transfer.data import sources
from tests.data.photos import class_folders
from tests.data.photos import photo


@pytest.fixture
def photos(tmp_path):
    return class_folders(tmp_path / "photos", {"ants": 3, "bees": 3})


def _read(folder):
    train, validation = kt.data.from_directory(folder, image_size=4)
    assert train.class_names == ["ants", "bees"]
    return len(train.file_paths) + len(validation.file_paths)


def test_an_address_of_files(photos, tmp_path):
    (photos / "ants" / "notes.txt").write_text("x")
    folder = kt.data.collect(photos.as_uri(), tmp_path / "copy", progress=False)
    assert _read(folder) == 6
    assert not list(folder.rglob("*.txt"))


def test_an_archive_at_an_address(photos, tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in sorted(photos.rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path))
    address = f"zip://photos::{(tmp_path / 'photos.zip').as_uri()}"
    assert _read(kt.data.collect(address, tmp_path / "copy")) == 6


def test_memory_stands_for_any_store(photos, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    for path in sorted(photos.rglob("*.png")):
        place = f"/bucket/photos/{path.relative_to(photos).as_posix()}"
        store.pipe_file(place, path.read_bytes())
    folder = kt.data.collect("memory://bucket/photos", tmp_path / "copy")
    assert _read(folder) == 6


def test_what_is_there_is_not_fetched_again(photos, tmp_path, monkeypatch):
    folder = kt.data.collect(photos.as_uri(), tmp_path / "copy")
    gone = folder / "bees" / "1.png"
    gone.unlink()
    cut = folder / "ants" / "0.png"
    cut.write_bytes(cut.read_bytes()[:20])
    fetched, reader = [], sources._reader

    def recorded(system, path):
        read = reader(system, path)
        return lambda: fetched.append(path) or read()

    monkeypatch.setattr(sources, "_reader", recorded)
    kt.data.collect(photos.as_uri(), folder)
    assert sorted(path[-10:] for path in fetched) == [
        "ants/0.png",
        "bees/1.png",
    ]
    assert cut.read_bytes() == (photos / "ants" / "0.png").read_bytes()


def _tar(path, names, photos, extras):
    with tarfile.open(path, "w") as archive:
        for name in names:
            kind, number = name.split("_")
            image = (photos / kind / f"{number}.png").read_bytes()
            for ending, contents in {"png": image, **extras(kind)}.items():
                member = tarfile.TarInfo(f"{name}.{ending}")
                member.size = len(contents)
                archive.addfile(member, io.BytesIO(contents))


@pytest.mark.parametrize(
    "extras",
    [
        lambda kind: {"cls": str(int(kind == "bees")).encode()},
        lambda kind: {"json": f'{{"label": "{kind}"}}'.encode()},
    ],
    ids=["cls", "json"],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tars_of_web_dataset(photos, tmp_path, extras):
    pytest.importorskip("webdataset")
    names = [f"{kind}_{n}" for kind in ("ants", "bees") for n in range(3)]
    shards = [tmp_path / "a-000.tar", tmp_path / "a-001.tar"]
    for shard, part in zip(shards, (names[:4], names[4:]), strict=True):
        _tar(shard, part, photos, extras)
    table = kt.data.collect(
        shards, tmp_path / "copy", class_names=["ants", "bees"], progress=False
    )
    train, validation = kt.data.from_table(table, label="label", image_size=4)
    assert train.class_names == ["ants", "bees"]
    for part in (train, validation):
        for path, label in zip(part.file_paths, part.labels, strict=True):
            assert train.class_names[label] in path


@pytest.fixture
def hugging_face(photos):
    datasets = pytest.importorskip("datasets")
    files = sorted(photos.rglob("*.png"))
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "species": datasets.ClassLabel(names=["ants", "bees"]),
            "tags": datasets.List(datasets.ClassLabel(names=["big", "old"])),
            "weight": datasets.Value("float32"),
        }
    )
    records = {
        "image": [str(path) for path in files],
        "species": [int(path.parent.name == "bees") for path in files],
        "tags": [[], [0], [0, 1]] * 2,
        "weight": [0.5 * number for number in range(6)],
    }
    return datasets.Dataset.from_dict(records, features)


def test_data_sets_of_hugging_face(hugging_face, tmp_path):
    table = kt.data.collect(hugging_face, tmp_path / "copy", progress=False)
    train, validation = kt.data.from_table(table, label="species", image_size=4)
    assert train.class_names == ["ants", "bees"]
    assert len(train.file_paths) + len(validation.file_paths) == 6
    several, _ = kt.data.from_table(
        table, labels="tags", separator="|", image_size=4
    )
    assert several.class_names == ["big", "old"]
    numbers, _ = kt.data.from_table(table, target="weight", image_size=4)
    assert numbers.targets["names"] == ["weight"]


def test_splits_of_hugging_face_are_parts(hugging_face, tmp_path):
    import datasets

    both = datasets.DatasetDict(
        {
            "train": hugging_face.select([0, 1, 3, 4]),
            "test": hugging_face.select([2, 5]),
        }
    )
    table = kt.data.collect(both, tmp_path / "copy", progress=False)
    train, validation = kt.data.from_table(
        table, label="species", split="split", image_size=4
    )
    assert (len(train.file_paths), len(validation.file_paths)) == (2, 2)
    assert len(train.test.file_paths) == 2


@pytest.mark.parametrize("form", ["pairs", "dictionaries"])
def test_examples_as_tfds_returns_them(tmp_path, form):
    images = np.random.default_rng(0).integers(0, 256, (8, 5, 6, 3), "uint8")
    labels = np.arange(8) % 2
    examples = (images, labels)
    if form == "dictionaries":
        examples = {"image": images, "label": labels}
    source = tf.data.Dataset.from_tensor_slices(examples)
    table = kt.data.collect(
        source, tmp_path / "copy", class_names=["no", "yes"], progress=False
    )
    first = np.asarray(Image.open(table.parent / "00000000.png"))
    np.testing.assert_array_equal(first, images[0])
    train, _ = kt.data.from_table(table, label="label", image_size=4)
    assert train.class_names == ["no", "yes"]


def test_a_finished_copy_is_not_made_again(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), "uint8")
    source = tf.data.Dataset.from_tensor_slices((images, np.arange(4) % 2))
    table = kt.data.collect(source, tmp_path / "copy", progress=False)
    shutil.rmtree(tmp_path / "copy")
    table.parent.mkdir()
    table.write_text("file,label\n")
    assert kt.data.collect(source, tmp_path / "copy") == table
    assert not list(table.parent.glob("*.png"))


def test_names_cannot_leave_the_folder(photos, tmp_path):
    pytest.importorskip("fsspec")
    from keras_transfer.data.collecting import _safe

    assert _safe("../../etc/x.png") == "etc/x.png"
    assert _safe("a\\..\\b:c.png") == "a/b_c.png"
    with pytest.raises(ValueError, match="without a name"):
        _safe("../..")


def test_what_cannot_be_read_is_one_sentence(photos, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    with pytest.raises(TypeError, match="Files on this machine need no copy"):
        kt.data.collect(str(photos), copy)
    with pytest.raises(ValueError, match="There is nothing at"):
        kt.data.collect((tmp_path / "gone").as_uri(), copy)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no photograph"):
        kt.data.collect((tmp_path / "empty").as_uri(), copy)
    batches = tf.data.Dataset.from_tensors(np.zeros((2, 4, 4, 3), "uint8"))
    with pytest.raises(ValueError, match=r"dataset\.unbatch\(\)"):
        kt.data.collect(batches.map(lambda x: (x, 0)), copy)
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(ImportError, match=r"keras-transfer\[sources\]"):
        kt.data.collect(photos.as_uri(), copy)


def test_a_column_of_another_name_is_asked_for(hugging_face, tmp_path):
    renamed = hugging_face.rename_column("image", "photo")
    with pytest.raises(ValueError, match="no column 'image'; it has"):
        kt.data.collect(renamed, tmp_path / "copy")
    photo(tmp_path / "x.png")
