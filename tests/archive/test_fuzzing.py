"""Damaged files are refused by our error, or load as the model they were."""

import pytest

from . import fuzzing

SEED = 20261125


def test_damaged_bytes_are_refused_or_harmless(tmp_path):
    tally = fuzzing.fuzz_bytes(SEED, 200, tmp_path)
    assert tally.changed == 0
    assert tally.refused > 150


def test_damaged_members_raise_no_other_error(tmp_path):
    tally = fuzzing.fuzz_parts(SEED, 40, tmp_path)
    assert tally.refused > 15


@pytest.mark.slow  # 20,000 and 2,000 files: `pytest -m slow -n 0` of this file.
def test_twenty_thousand_damaged_files(tmp_path):
    tally = fuzzing.fuzz_bytes(SEED + 1, 20_000, tmp_path)
    assert tally.changed == 0
    assert tally.refused + tally.identical == 20_000
    parts = fuzzing.fuzz_parts(SEED + 1, 2000, tmp_path)
    assert parts.refused > 500
