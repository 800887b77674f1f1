"""Batches of what comes in at about the same time."""

import threading

import numpy as np
import pytest

from keras_transfer.serving.micro_batches import MicroBatches


class Gate:
    """Computes doubles, each batch only once it is let through."""

    def __init__(self):
        self.sizes = []
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, items):
        self.has_begun.set()
        assert self.may_end.wait(30)
        self.sizes.append(len(items))
        return 2 * items


def test_what_comes_while_the_model_computes_is_computed_together():
    gate = Gate()
    batches = MicroBatches(gate, max_batch=4, max_wait=0)
    first = batches.submit(np.float32(0))
    assert gate.has_begun.wait(30)
    others = [batches.submit(np.float32(i)) for i in range(1, 7)]
    gate.may_end.set()
    rows = [future.result(30) for future in [first, *others]]
    assert rows == [0, 2, 4, 6, 8, 10, 12]
    assert gate.sizes == [1, 4, 2]
    batches.close()


def test_a_batch_waits_for_more_but_not_for_ever():
    sizes = []
    batches = MicroBatches(lambda x: x, 3, max_wait=30, observe=sizes.append)
    rows = [batches.submit(np.int64(i)) for i in range(3)]
    # Far sooner than thirty seconds: a full batch waits no longer.
    assert [row.result(10) for row in rows] == [0, 1, 2]
    batches.close()
    assert sizes == [3]
    batches = MicroBatches(lambda x: x, 3, max_wait=0.01)
    assert batches.submit(np.int64(7)).result(10) == 7
    batches.close()


def test_a_failure_reaches_those_who_wait_and_nobody_else():
    def compute(items):
        if (items < 0).any():
            raise ArithmeticError("no roots of these")
        return items

    batches = MicroBatches(compute, 1, 0)
    bad, good = (batches.submit(np.int64(i)) for i in (-1, 4))
    with pytest.raises(ArithmeticError, match="no roots"):
        bad.result(10)
    assert good.result(10) == 4
    batches.close()


def test_what_nobody_wants_any_more_is_not_computed():
    gate = Gate()
    batches = MicroBatches(gate, 4, 0)
    first = batches.submit(np.int64(1))
    assert gate.has_begun.wait(30)
    unwanted, wanted = (batches.submit(np.int64(i)) for i in (2, 3))
    assert unwanted.cancel()
    gate.may_end.set()
    assert [first.result(10), wanted.result(10)] == [2, 6]
    batches.close()
    assert gate.sizes == [1, 1]


def test_closing_computes_what_is_waiting():
    batches = MicroBatches(lambda x: x + 1, 2, 0)
    rows = [batches.submit(np.int64(i)) for i in range(5)]
    batches.close()
    assert [row.result(0) for row in rows] == [1, 2, 3, 4, 5]


def test_closing_waits_no_longer_than_it_is_told():
    gate = Gate()
    batches = MicroBatches(gate, 1, 0)
    row = batches.submit(np.int64(4))
    assert gate.has_begun.wait(30)
    batches.close(seconds=0.1)
    assert not row.done()
    gate.may_end.set()
    assert row.result(10) == 8
