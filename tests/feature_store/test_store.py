"""A feature store: what is written is what is read, through everything."""

import json
import os
import pathlib
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import keras_transfer as kt
from keras_transfer.feature_store import array_file
from keras_transfer.feature_store import store_folder
from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.feature_store.manifest import read_notes
from keras_transfer.feature_store.memory import MemoryWriter
from keras_transfer.feature_store.store import find_store
from keras_transfer.feature_store.store import load_store
from keras_transfer.feature_store.store_writer import StoreWriter

SPECS = {
    "block/out": ArraySpec((2, 3)),
    "labels": ArraySpec((), "int32"),
}
FINGERPRINT = {"weights": "w", "options": {"pooling": "avg", "at": "x"}}


def batch(rows, seed=0):
    random = np.random.default_rng(seed)
    return {
        "block/out": random.normal(size=(rows, 2, 3)),
        "labels": np.arange(rows),
    }


def write(folder, count=10, specs=SPECS, **options):
    options = {"rows": count, "fingerprint": FINGERPRINT, **options}
    rows = batch(count)
    with StoreWriter(folder, specs, **options) as writer:
        for start in range(writer.rows_done, count, 4):
            writer.write(
                {name: rows[name][start : start + 4] for name in specs}
            )
        return writer.finish(), rows


def test_numpy_itself_reads_what_was_written(tmp_path):
    store, rows = write(tmp_path / "s")
    assert len(store) == 10
    expected = rows["block/out"].astype("float32")
    loaded = np.load(store.path_of("block/out"), mmap_mode="r")
    assert isinstance(loaded, np.memmap)
    np.testing.assert_array_equal(loaded, expected)
    np.testing.assert_array_equal(store["block/out"], expected)
    np.testing.assert_array_equal(store["labels"], np.arange(10))
    assert {path.name for path in store.folder.iterdir()} == {
        "block-out.npy",
        "labels.npy",
        "manifest.json",
        "notes.json",
    }


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_values_are_rounded_as_numpy_rounds_them(tmp_path, dtype):
    values = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    with StoreWriter(tmp_path, {"a": ArraySpec((5,), dtype)}, rows=3) as writer:
        writer.write({"a": values})
        store = writer.finish()
    expected = values.astype(ArraySpec((), dtype).type)
    assert store["a"].dtype == expected.dtype == store.read([0], "a").dtype
    np.testing.assert_array_equal(store["a"], expected)
    np.testing.assert_array_equal(store.read(slice(None), "a"), expected)


def test_bfloat16_is_kept_as_the_uint16_of_its_bits(tmp_path):
    with StoreWriter(
        tmp_path, {"a": ArraySpec((), "bfloat16")}, rows=2
    ) as writer:
        writer.write({"a": np.array([1.5, -2.0])})
        path = writer.finish().path_of("a")
    stored = np.load(path)
    assert stored.dtype == np.uint16
    assert stored.view(ml_dtypes.bfloat16).tolist() == [1.5, -2.0]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_read_is_numpy_indexing_without_a_map(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "indexed"
    store = find_store(folder) or write(folder)[0]
    number = st.integers(0, 9)
    rows = data.draw(
        st.lists(number, max_size=15)
        | st.builds(slice, number, number, st.integers(1, 3))
    )
    for name, found in store.read(rows).items():
        index = np.asarray(rows, int) if isinstance(rows, list) else rows
        np.testing.assert_array_equal(found, store[name][index])
        assert not isinstance(found, np.memmap)


def test_a_store_may_learn_its_length_at_the_end(tmp_path):
    known, rows = write(tmp_path / "known")
    unknown, _ = write(tmp_path / "unknown", rows=None)
    for name in SPECS:
        assert (
            unknown.path_of(name).read_bytes()
            == known.path_of(name).read_bytes()
        )
    assert write(tmp_path / "unknown", rows=None)[0].nbytes == unknown.nbytes


def test_half_a_store_is_refused_by_us_and_by_numpy(tmp_path):
    with StoreWriter(tmp_path, SPECS, rows=10) as writer:
        writer.write(batch(4))
    with pytest.raises(ValueError, match="holds 4 of 10 rows"):
        load_store(tmp_path)
    assert find_store(tmp_path) is None
    with pytest.raises(ValueError, match="pickle"):
        np.load(tmp_path / "labels.npy")


def test_half_a_store_of_unknown_length_is_refused(tmp_path):
    with StoreWriter(tmp_path, SPECS, rows=None) as writer:
        writer.write(batch(4))
    with pytest.raises(ValueError, match="holds 4 of an unknown number of"):
        load_store(tmp_path)


def test_no_store_at_all(tmp_path):
    assert find_store(tmp_path / "none") is None
    with pytest.raises(ValueError, match="There is no feature store in"):
        load_store(tmp_path / "none")


def test_killed_at_every_step_it_ends_with_the_same_bytes(tmp_path):
    """SIGKILL before or after each call that changes what is on disk."""
    printed = subprocess.run(
        [sys.executable, pathlib.Path(__file__).with_name("killing.py"), "."],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    lines = [line.split() for line in printed.splitlines()]
    assert len(lines) > 30
    for step, twice, same in lines:
        assert int(twice) <= 1, f"killed at step {step}"
        assert same == "True", f"killed at step {step}"


def test_rows_beyond_the_last_whole_batch_are_overwritten(tmp_path):
    expected = write(tmp_path / "whole")[0].path_of("labels").read_bytes()
    with StoreWriter(
        tmp_path / "s", SPECS, rows=10, fingerprint=FINGERPRINT
    ) as writer:
        writer.write({k: v[:4] for k, v in batch(10).items()})
    with (tmp_path / "s" / "labels.npy").open("ab") as file:
        file.write(b"torn" * 100)
    store, _ = write(tmp_path / "s")
    assert store.path_of("labels").read_bytes() == expected


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"fingerprint": {**FINGERPRINT, "weights": "v"}}, "other weights. "),
        (
            {"fingerprint": {"weights": "w", "options": {"pooling": "max"}}},
            r"other options \(pooling was 'avg', is now 'max', at was 'x', is "
            r"now None\)\. Pass rebuild=True",
        ),
        ({"count": 11}, r"other arrays \(rows was 10, is now 11\)"),
        (
            {"specs": {**SPECS, "labels": ArraySpec((), "int64")}},
            r"other arrays \(labels was '\(\) int32', is now '\(\) int64'\)",
        ),
    ],
)
def test_a_stale_store_is_refused_with_what_has_changed(
    tmp_path, change, sentence
):
    write(tmp_path / "s")
    with pytest.raises(kt.StaleFeaturesError, match=sentence):
        write(tmp_path / "s", **change)
    store, _ = write(tmp_path / "s", **change, rebuild=True)
    assert len(store) == change.get("count", 10)
    with pytest.raises(kt.StaleFeaturesError):
        write(tmp_path / "s")


def test_reading_compares_fingerprints_too(tmp_path):
    write(tmp_path / "s")
    assert len(load_store(tmp_path / "s", FINGERPRINT)) == 10
    for read in (load_store, find_store):
        with pytest.raises(kt.StaleFeaturesError, match="other weights"):
            read(tmp_path / "s", {**FINGERPRINT, "weights": "v"})


def test_a_whole_store_is_not_written_again(tmp_path):
    store, _ = write(tmp_path / "s")
    before = store.path_of("labels").stat().st_mtime_ns
    with StoreWriter(
        tmp_path / "s", SPECS, rows=10, fingerprint=FINGERPRINT
    ) as writer:
        assert writer.complete
        assert writer.rows_done == 10
        with pytest.raises(ValueError, match="10 rows, of which 10 are done"):
            writer.write(batch(1))
        writer.finish()
    assert store.path_of("labels").stat().st_mtime_ns == before


def test_a_rebuild_leaves_nothing_of_the_old_store(tmp_path):
    write(tmp_path, specs={"labels": SPECS["labels"]})
    write(tmp_path, specs={"block/out": SPECS["block/out"]}, rebuild=True)
    assert not (tmp_path / "labels.npy").exists()


def test_a_rebuild_touches_no_folder_that_is_no_store(tmp_path):
    (tmp_path / "labels.npy").write_text("mine")
    for rebuild in (False, True):
        with pytest.raises(ValueError, match="holds 'labels.npy'. Name a new"):
            write(tmp_path, rebuild=rebuild)
    assert (tmp_path / "labels.npy").read_text() == "mine"


def test_names_that_would_share_a_file_do_not(tmp_path):
    specs = {name: ArraySpec(()) for name in ("a/b", "a-b", "A:b", "/")}
    with StoreWriter(tmp_path, specs, rows=1) as writer:
        writer.write({name: [i] for i, name in enumerate(specs)})
        store = writer.finish()
    assert [store[name][0] for name in specs] == [0, 1, 2, 3]


def test_a_full_disk_is_noticed_before_anything_is_written(tmp_path):
    specs = {"a": ArraySpec((10**9,))}
    with pytest.raises(
        ValueError, match=r"4\.0 PB are to be written to '.*', where .* are"
    ):
        StoreWriter(tmp_path / "s", specs, rows=10**6)
    assert not (tmp_path / "s").exists()
    store_folder.check_disk_space(tmp_path, 1)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ("{", "is damaged or not the record"),
        ("[]", "is damaged or not the record"),
        ('{"format": "keras_transfer features", "schema": 1}', "is damaged"),
        ('{"format": "keras_transfer features", "schema": 9}', "features', 9"),
    ],
)
def test_a_record_that_cannot_be_read(tmp_path, record, sentence):
    (tmp_path / "manifest.json").write_text(record)
    with pytest.raises(ValueError, match=sentence):
        load_store(tmp_path)
    write(tmp_path, rebuild=True)
    assert len(load_store(tmp_path)) == 10


def test_a_file_that_lost_rows_is_named(tmp_path):
    store, _ = write(tmp_path)
    os.truncate(store.path_of("labels"), 150)
    with pytest.raises(ValueError, match="'.*labels.npy' is damaged: it sho"):
        load_store(tmp_path)


def test_a_file_that_lost_rows_is_not_gone_on_with(tmp_path):
    with StoreWriter(tmp_path, SPECS, rows=10, fingerprint={}) as writer:
        writer.write(batch(4))
    (tmp_path / "labels.npy").unlink()
    with pytest.raises(ValueError, match="is damaged: it should hold 4 rows"):
        StoreWriter(tmp_path, SPECS, rows=10, fingerprint={})


@pytest.mark.parametrize(
    ("rows", "kind", "sentence"),
    [
        ({"labels": [1]}, ValueError, "Expected rows of"),
        ({"block/out": np.ones((1, 2, 4))}, ValueError, "have the shape "),
        ({"block/out": np.float32(1)}, ValueError, "have the shape"),
        ({"labels": np.array([0.5])}, TypeError, "does not hold float64"),
        ({"labels": np.array([2**40])}, ValueError, "store it as int64"),
        ({"labels": np.array([0, 1])}, ValueError, "same number of rows"),
        ({"block/out": np.full((1, 2, 3), 1e300)}, ValueError, "range of flo"),
    ],
)
def test_rows_that_do_not_fit_are_refused(tmp_path, rows, kind, sentence):
    given = rows if len(rows) == 1 and sentence.startswith("Exp") else None
    with StoreWriter(tmp_path, SPECS, rows=3) as writer:
        with pytest.raises(kind, match=sentence):
            writer.write(given or {**batch(1), **rows})
        assert writer.rows_done == 0


def test_more_or_fewer_rows_than_announced_are_refused(tmp_path):
    with StoreWriter(tmp_path, SPECS, rows=3) as writer:
        with pytest.raises(ValueError, match="3 rows, of which 0 are done. Re"):
            writer.write(batch(4))
        with pytest.raises(ValueError, match="cannot be finished: 0 rows of 3"):
            writer.finish()


def test_nothing_is_no_store(tmp_path):
    with pytest.raises(ValueError, match="There is nothing to store"):
        StoreWriter(tmp_path, {}, rows=3)
    with pytest.raises(ValueError, match="There is nothing to store"):
        StoreWriter(tmp_path, SPECS, rows=0)


def test_rows_and_arrays_that_do_not_exist(tmp_path):
    store, _ = write(tmp_path)
    with pytest.raises(IndexError, match="counted from 0 to 9. Received: fr"):
        store.read([3, 10])
    with pytest.raises(KeyError, match="Did you mean 'labels'"):
        store.read([0], "label")
    assert "block/out: (2, 3) float32" in repr(store)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="it is a file. Name a folder"):
        StoreWriter(tmp_path / "file", SPECS, rows=1)
    with pytest.raises(ValueError, match="Cannot write to .*Not a"):
        StoreWriter(tmp_path / "file" / "s", SPECS, rows=1)
    with pytest.raises(ValueError, match="Cannot write to '/proc/no/store'"):
        StoreWriter("/proc/no/store", SPECS, rows=None)


def test_an_array_file_that_cannot_be_opened(tmp_path):
    with StoreWriter(tmp_path, SPECS, rows=1):
        pass
    (tmp_path / "labels.npy").unlink()
    (tmp_path / "labels.npy").mkdir()
    with pytest.raises(ValueError, match="Cannot write to '.*labels.npy'"):
        StoreWriter(tmp_path, SPECS, rows=1)


def test_specs_that_cannot_be_stored():
    with pytest.raises(ValueError, match="`dtype` must be one of"):
        ArraySpec((3,), "complex64")
    with pytest.raises(ValueError, match="must be known before"):
        ArraySpec((None, 3))
    assert ArraySpec.of(np.ones((5, 2), "float64"), "float16") == ArraySpec(
        (2,), "float16"
    )


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    store, _ = write(tmp_path)
    store.read([0])
    os.truncate(store.path_of("labels"), 150)
    with pytest.raises(EOFError, match="ends before row 8"):
        store.read([8], "labels")
    store.close()


def test_the_header_takes_the_same_space_for_any_number_of_rows():
    spec = ArraySpec((7, 7, 768))
    lengths = {len(array_file.header(spec, n)) for n in (1, 10**6, 10**12)}
    assert len(lengths) == 1


def test_notes_are_kept_beside_the_rows(tmp_path):
    names = {"paths": ["a\udcff.jpg", "b.jpg"]}
    write(tmp_path, notes=names)
    assert write(tmp_path, notes={})[0].notes == names
    assert write(tmp_path, notes={}, rebuild=True)[0].notes == {}
    (tmp_path / "notes.json").write_text("{")
    with pytest.raises(ValueError, match="notes.json' is damaged"):
        assert load_store(tmp_path).notes
    assert read_notes(tmp_path / "none") == {}


def test_in_memory_it_is_the_same(tmp_path):
    specs = {**SPECS, "block/out": ArraySpec((2, 3), "bfloat16")}
    stored, rows = write(tmp_path, specs=specs)
    with MemoryWriter(specs, rows=10, notes={"a": 1}) as writer:
        writer.write({name: values[:7] for name, values in rows.items()})
        assert writer.rows_done == 7
        with pytest.raises(ValueError, match="10 rows, of which 7 are done"):
            writer.write(rows)
        with pytest.raises(ValueError, match="7 rows of 10 are done"):
            writer.finish()
        with pytest.raises(ValueError, match="Expected rows of"):
            writer.write({"labels": [1]})
        writer.write({name: values[7:] for name, values in rows.items()})
        kept = writer.finish()
    assert (len(kept), kept.nbytes) == (len(stored), stored.nbytes)
    assert (kept.specs, kept.notes) == (stored.specs, {"a": 1})
    for name in specs:
        assert kept[name].dtype == stored[name].dtype
        np.testing.assert_array_equal(kept[name], stored[name])
        for rows in ([3, 1], slice(2, 9, 2)):
            np.testing.assert_array_equal(
                kept.read(rows, name), stored.read(rows)[name]
            )
    assert kept.read([0]).keys() == stored.read([0]).keys()


def test_the_record_tells_people_what_is_there(tmp_path):
    write(tmp_path)
    record = json.loads((tmp_path / "manifest.json").read_text())
    assert record["rows"] == record["rows_done"] == 10
    assert record["arrays"]["block/out"] == {
        "file": "block-out.npy",
        "dtype": "float32",
        "stored_as": "float32",
        "shape": [2, 3],
    }
