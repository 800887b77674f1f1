"""Damaged files are refused by our error, or load as the model they were."""

import pytest

from . import fuzz
from . import fuzzing

SEED = 20261125


def test_damaged_bytes_are_refused_or_harmless(tmp_path):
    tally = fuzzing.fuzz_bytes(SEED, 200, tmp_path)
    assert tally.changed == 0
    assert tally.refused > 150


def test_damaged_members_raise_no_other_error(tmp_path):
    tally = fuzzing.fuzz_parts(SEED, 40, tmp_path)
    assert tally.refused > 15


def test_no_forbidden_object_is_loaded(tmp_path):
    tally = fuzz.fuzz(4, SEED, tmp_path)
    assert tally["refused"] > 20


# 20,000 and 2,000 files, in parts of minutes: `pytest -m slow -n 0 -s` of this
# file.
@pytest.mark.slow
@pytest.mark.parametrize("part", range(1, 11))
def test_twenty_thousand_damaged_files(part, tmp_path):
    tally = fuzzing.fuzz_bytes(SEED + part, 2000, tmp_path)
    print(tally)
    assert tally.changed == 0
    assert tally.refused + tally.identical == 2000
    parts = fuzzing.fuzz_parts(SEED + part, 200, tmp_path)
    print(parts)
    assert parts.refused > 50
