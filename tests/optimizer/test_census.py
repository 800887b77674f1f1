import types

from hypothesis import given
from hypothesis import strategies as st

from keras_transfer.optimizer.saved_state import Census

paths = st.lists(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
)


def weights(paths):
    return [types.SimpleNamespace(path=path) for path in paths]


@given(paths)
def test_everyone_is_found_again(paths):
    everyone = weights(paths)
    census = Census.of(everyone, everyone)
    assert census.find(everyone, everyone) == dict(enumerate(everyone))


@given(paths, st.data())
def test_nobody_is_mistaken_for_somebody_else(paths, data):
    everyone = weights(paths)
    census = Census.of(everyone, [])
    kept = data.draw(
        st.lists(st.booleans(), min_size=len(paths), max_size=len(paths))
    )
    present = [w for w, keep in zip(everyone, kept, strict=True) if keep]
    if len(present) < len(everyone):
        for place, weight in census.find(present, []).items():
            assert weight is everyone[place]


def test_prefixes_and_numbers_that_keras_changes_do_not_matter():
    census = Census.of(weights(["body/dense/kernel", "head/bias"]), [])
    now = weights(["dense_7/kernel", "other/head/bias"])
    assert census.find(now, []) == dict(enumerate(now))


def test_trainable_weights_are_found_without_the_others():
    then = weights(["body/a/kernel", "body/b/kernel"])
    census = Census.of(then, then[1:])
    now = weights(["b/kernel"])
    assert census.find(now, now) == {1: now[0]}


def test_one_of_two_namesakes_is_not_guessed():
    census = Census.of(weights(["a/kernel", "a/kernel"]), [])
    assert census.find(weights(["a/kernel"]), []) == {}
    assert census.find(weights(["b/kernel"] + ["a/kernel"] * 3), []) == {}
