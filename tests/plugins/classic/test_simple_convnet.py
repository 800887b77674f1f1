import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

import keras_transfer as kt


@pytest.mark.parametrize(
    ("input_shape", "options", "head", "parameters"),
    [
        (
            (28, 28, 1),
            {
                "filters": (32, 64, 64),
                "padding": "valid",
                "final_pooling": False,
            },
            (10, (64,)),
            93_322,
        ),
        (
            (150, 150, 3),
            {"filters": (32, 64, 128, 128), "padding": "valid"},
            (1, (512,)),
            3_453_121,
        ),
        ((160, 160, 3), {"filters": (16, 32, 64)}, (2, (512,)), 13_132_322),
    ],
)
def test_the_networks_of_courses(input_shape, options, head, parameters):
    backbone = kt.create_backbone(
        "simple_convnet", weights=None, input_shape=input_shape, **options
    )
    model = kt.build_model(backbone, kt.heads.MLPHead(*head, pooling="flatten"))
    assert model.count_params() == parameters


def test_the_last_of_them_is_the_default():
    backbone = kt.create_backbone("simple_convnet", weights=None)
    assert backbone.input_shape == (None, 160, 160, 3)
    assert backbone.output_shape == (None, 20, 20, 64)


def test_each_convolution_is_a_stage():
    backbone = kt.create_backbone(
        "simple_convnet",
        weights=None,
        input_shape=(32, 32, 3),
        filters=[4, 5, 6],
        final_pooling=False,
    )
    assert [(s.name, s.last_layer) for s in kt.stages_of(backbone)] == [
        ("stem", "conv_1"),
        ("stage_1", "conv_2"),
        ("stage_2", "conv_3"),
    ]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    depth=st.integers(1, 3),
    kernel=st.integers(1, 5),
    padding=st.sampled_from(["same", "valid"]),
    final_pooling=st.booleans(),
)
def test_the_least_size_leaves_one_position(
    depth, kernel, padding, final_pooling
):
    def build(size):
        return kt.create_backbone(
            "simple_convnet",
            weights=None,
            input_shape=(size, size, 1),
            filters=(2,) * depth,
            kernel_size=kernel,
            padding=padding,
            final_pooling=final_pooling,
        )

    declared = kt.get_backbone("simple_convnet").minimum_size
    size = next(n for n in range(declared, 99) if _builds(build, n))
    features = build(size).output_shape[1]
    assert features == 1 or size == declared
    if size > declared:
        with pytest.raises(ValueError, match=f"at least {size}x{size} pixels"):
            build(size - 1)


def _builds(build, size):
    try:
        build(size)
    except ValueError as error:
        if "pixels. Received" not in str(error):
            raise  # Keras's own, of a size that ours let through.
        return False
    return True


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"filters": 32}, TypeError, "must be a list or tuple.*filters=32"),
        ({"filters": ()}, ValueError, "at least one convolution"),
        ({"filters": (8, 0)}, ValueError, r"`filters\[1\]` must be at least 1"),
        ({"filters": (8, 2.0)}, TypeError, r"filters\[1\]=2.0 of type float"),
        ({"filters": (True,)}, TypeError, r"filters\[0\]=True of type bool"),
        ({"kernel_size": 0}, ValueError, "`kernel_size` must be at least 1"),
        ({"kernel_size": (3, 3)}, TypeError, "must be a positive integer"),
        ({"padding": "SAME"}, ValueError, "one of .*'same', 'valid'"),
        ({"final_pooling": 1}, TypeError, "must be True or False"),
        (
            {"input_shape": (20, 21, 3), "padding": "valid"},
            ValueError,
            "need images of at least 22x22 pixels.*fewer `filters`",
        ),
    ],
)
def test_a_bad_option_is_explained(options, error, message):
    with pytest.raises(error, match=message):
        kt.create_backbone("simple_convnet", weights=None, **options)
