"""Embeddings as a Parquet table."""

import sys

import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.embedding import parquet
from tests.conftest import build_tiny

pyarrow_parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def shared():
    """One model for all tests: most of their time would go into tracing."""
    return kt.build_model(build_tiny((16, 16, 3)), kt.heads.LinearHead(2))


@pytest.fixture
def model(shared):
    weights = shared.get_weights()
    yield shared
    shared.set_weights(weights)


@pytest.fixture
def photos(tmp_path):
    random = np.random.default_rng(0)
    for number in range(7):
        name = ("ants", "bees")[number % 2]
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (20, 30, 3), "uint8")
        path = tmp_path / "photos" / name / f"{number}.png"
        Image.fromarray(pixels).save(path)
    return tmp_path / "photos"


def test_the_table_holds_paths_classes_and_vectors(
    model, photos, tmp_path, monkeypatch
):
    monkeypatch.setattr(parquet, "_ROW_GROUP", 3 * 4 * 12)
    in_memory = kt.embed(model, photos, batch_size=2)
    out = tmp_path / "x.parquet"
    written = kt.embed(model, photos, batch_size=2, out=out)
    table = pyarrow_parquet.read_table(out)
    assert table.column_names == ["path", "label", "vectors"]
    assert table["path"].to_pylist() == in_memory.paths
    assert table["label"].to_pylist() == ["ants"] * 4 + ["bees"] * 3
    np.testing.assert_array_equal(
        np.array(table["vectors"].to_pylist(), "float32"), in_memory.vectors
    )
    assert pyarrow_parquet.ParquetFile(out).num_row_groups == 3
    for found in (written, kt.load_embeddings(out)):
        np.testing.assert_array_equal(found.vectors, in_memory.vectors)
        assert found.paths == in_memory.paths
        assert found.labels.tolist() == in_memory.labels.tolist()
        assert found.class_names == in_memory.class_names
    assert {path.name for path in tmp_path.iterdir()} == {"photos", out.name}


def test_the_table_is_used_again_until_something_changes(
    model, photos, tmp_path
):
    out = tmp_path / "x.parquet"
    kt.embed(model, photos, out=out, dtype="float16")
    before = out.stat().st_mtime_ns
    kt.embed(model, photos, out=out, dtype="float16")
    assert out.stat().st_mtime_ns == before
    with pytest.raises(
        kt.StaleFeaturesError, match="dtype was 'float16', is now"
    ):
        kt.embed(model, photos, out=out)
    with pytest.raises(
        kt.StaleFeaturesError, match="pooling was 'avg', is now"
    ):
        kt.embed(model, photos, out=out, pooling="max")
    (photos / "ants" / "0.png").unlink()
    with pytest.raises(kt.StaleFeaturesError, match="files was 7, is now 6"):
        kt.embed(model, photos, out=out)
    rebuilt = kt.embed(model, photos, out=out, rebuild=True)
    assert len(rebuilt) == 6
    assert rebuilt.vectors.dtype == "float32"


def test_pixels_have_neither_path_nor_class(model, tmp_path):
    pixels = np.random.default_rng(0).random((3, 16, 16, 3)) * 255
    found = kt.embed(model, pixels, out=tmp_path / "x.parquet")
    table = pyarrow_parquet.read_table(tmp_path / "x.parquet")
    assert table.column_names == ["vectors"]
    assert found.paths is found.labels is None


def test_what_was_begun_goes_on(model, photos, tmp_path):
    """As after a kill between the last row and the table."""
    out = tmp_path / "x.parquet"
    whole = kt.embed(model, photos, out=parquet.folder_of(out)).vectors.copy()
    assert parquet.folder_of(out).is_dir()
    np.testing.assert_array_equal(
        kt.embed(model, photos, out=out).vectors, whole
    )
    assert not parquet.folder_of(out).exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"dtype": "bfloat16"}, "holds vectors of float32 or float16. Rec"),
        ({"pooling": None}, r"Received: rows of shape \(2, 2, 12\), float32"),
        ({"out": "no/x.parquet"}, "the folder 'no' does not exist"),
        ({"out": "text.parquet"}, "is damaged or no Parquet file"),
        ({"out": "other.parquet"}, "was not written by `embed`"),
    ],
)
def test_what_a_table_cannot_be(
    model, photos, tmp_path, monkeypatch, options, sentence
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.parquet").write_text("text")
    pyarrow = sys.modules["pyarrow"]
    pyarrow_parquet.write_table(
        pyarrow.table({"a": [1]}), tmp_path / "other.parquet"
    )
    with pytest.raises(ValueError, match=sentence):
        kt.embed(model, photos, **{"out": "x.parquet", **options})


def test_a_missing_table(tmp_path):
    with pytest.raises(ValueError, match="There is no file '.*x.parquet'"):
        kt.load_embeddings(tmp_path / "x.parquet")


def test_without_pyarrow_it_says_what_to_install(
    model, photos, tmp_path, monkeypatch
):
    monkeypatch.setattr(parquet.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"keras-transfer\[parquet\]"):
        kt.embed(model, photos, out=tmp_path / "x.parquet")
