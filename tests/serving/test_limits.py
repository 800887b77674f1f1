"""What a service allows."""

import pytest

from keras_transfer.serving.limits import ServiceLimits


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "8", None])
def test_counts_are_whole_numbers_of_at_least_one(value):
    with pytest.raises(ValueError, match="`max_images` must be a whole"):
        ServiceLimits(max_images=value)


@pytest.mark.parametrize("value", [-1, float("nan"), "5"])
def test_times_are_numbers_from_zero(value):
    with pytest.raises(ValueError, match="`max_wait_ms` must be a number"):
        ServiceLimits(max_wait_ms=value)


def test_nothing_needs_to_be_given():
    assert ServiceLimits() == ServiceLimits(max_batch=16, max_wait_ms=5)
