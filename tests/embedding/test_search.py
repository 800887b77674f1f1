"""Search agrees with brute force, whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from keras_transfer.embedding import search as module
from keras_transfer.embedding.search import search
from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.feature_store.memory import MemoryStore
from keras_transfer.feature_store.store_writer import StoreWriter


def kept(rows):
    return MemoryStore({"vectors": ArraySpec.of(rows)}, {"vectors": rows})


def brute_force(queries, rows, k, metric):
    queries, rows = queries.astype("float64"), rows.astype("float64")
    if metric == "l2":
        scores = -np.linalg.norm(queries[:, None] - rows, axis=-1)
    else:
        norms = np.linalg.norm(rows, axis=-1) * np.linalg.norm(
            queries, axis=-1, keepdims=True
        )
        scores = queries @ rows.T / np.where(norms == 0, 1, norms)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order, np.abs(np.take_along_axis(scores, order, 1))


@pytest.mark.parametrize("metric", ["cosine", "l2"])
@pytest.mark.parametrize("block", [1, 1000, 2**25])
def test_it_is_brute_force(metric, block, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", block * 4)
    random = np.random.default_rng(0)
    rows = random.normal(size=(300, 16)).astype("float32")
    queries = random.normal(size=(4, 16)).astype("float32")
    found, scores = search(queries, kept(rows), 7, metric)
    wanted, wanted_scores = brute_force(queries, rows, 7, metric)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(scores, wanted_scores, atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(data=st.data(), metric=st.sampled_from(["cosine", "l2"]))
def test_equal_rows_keep_their_order(data, metric):
    """Small whole numbers make many exact ties, and rows of zeros."""
    count = data.draw(st.integers(1, 30))
    numbers = st.lists(st.integers(0, 2), min_size=2, max_size=2)
    rows = np.array(
        data.draw(st.lists(numbers, min_size=count, max_size=count)), "float32"
    )
    query = np.array([data.draw(numbers)], "float32")
    k = data.draw(st.integers(1, count))
    found, scores = search(query, kept(rows), k, metric)
    _, wanted = brute_force(query, rows, k, metric)
    np.testing.assert_allclose(scores, wanted, atol=1e-12)
    for number in range(1, k):
        if scores[0, number] == scores[0, number - 1]:
            assert found[0, number] > found[0, number - 1]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_on_disk_is_searched(tmp_path, dtype):
    rows = np.random.default_rng(0).normal(size=(50, 8))
    with StoreWriter(
        tmp_path, {"vectors": ArraySpec((8,), dtype)}, rows=50
    ) as writer:
        writer.write({"vectors": rows})
        store = writer.finish()
    found, _ = search(rows[:3], store, 4)
    wanted, _ = brute_force(rows[:3], np.asarray(store["vectors"]), 4, "cosine")
    np.testing.assert_array_equal(found, wanted)


def test_near_duplicates_far_from_the_origin_are_told_apart():
    """Where the float32 product is all rounding."""
    rows = np.full((10, 4), 1000, "float32")
    rows[:, 0] += np.arange(10) / 100
    found, distances = search(rows[3:4], kept(rows), 3, "l2")
    assert found.tolist() == [[3, 2, 4]] or found.tolist() == [[3, 4, 2]]
    assert distances[0, 0] == 0
