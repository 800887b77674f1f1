import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

import keras_transfer as kt
from keras_transfer.cli import words


def build(input_shape, alpha=1.0, depth=3, wide=False, mode="plain", cap=None):
    return None


SPEC = kt.BackboneSpec(build, name="test/options")


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.booleans(),
    st.text("abcdefgh", min_size=1),
)
def test_options_written_as_text_come_back(alpha, depth, wide, mode):
    pairs = [
        words.key_and_value(f"{key}={value}")
        for key, value in (
            ("alpha", alpha),
            ("depth", depth),
            ("wide", wide),
            ("mode", mode),
        )
    ]
    options = words.backbone_options(SPEC, pairs)
    assert options == {
        "alpha": alpha,
        "depth": depth,
        "wide": wide,
        "mode": mode,
    }
    assert [type(value) for value in options.values()] == [
        float,
        int,
        bool,
        str,
    ]


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        (("alpha", "1"), 1.0),
        (("wide", "true"), True),
        (("wide", "False"), False),
        (("cap", "none"), None),
        (("cap", "(1, 2)"), (1, 2)),
        (("mode", "3"), "3"),
        (("other", "x=y"), "x=y"),
    ],
)
def test_values_take_the_type_of_the_default(pair, value):
    (option,) = words.backbone_options(SPEC, [pair]).values()
    assert option == value
    assert type(option) is type(value)


@pytest.mark.parametrize("word", ["alpha", "=1", "alpha=", ""])
def test_what_is_no_pair_is_refused(word):
    with pytest.raises(argparse.ArgumentTypeError, match="NAME=VALUE"):
        words.key_and_value(word)


@given(st.lists(st.integers(1, 4096), min_size=1))
def test_units_written_as_text_come_back(units):
    assert words.units(", ".join(map(str, units))) == tuple(units)


@pytest.mark.parametrize("word", ["", "8,", "0", "8;4", "-1"])
def test_what_is_no_width_is_refused(word):
    with pytest.raises(argparse.ArgumentTypeError, match="at least 1"):
        words.units(word)


@given(st.floats())
def test_numbers_lie_between_their_bounds(number):
    convert = words.number_between(0, 1, includes_low=True)
    if 0 <= number < 1:
        assert convert(str(number)) == number
    else:
        with pytest.raises(argparse.ArgumentTypeError, match="below 1"):
            convert(str(number))
