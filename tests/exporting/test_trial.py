"""The trial tells broken files from good ones, by breaking real ones."""

import itertools

import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.trial import Allowance
from keras_transfer.exporting.trial import outputs_of
from keras_transfer.exporting.trial import trial_images
from keras_transfer.exporting.trial import try_out
from tests.exporting import networks

onnx = pytest.importorskip("onnx")
pytest.importorskip("tf2onnx")
pytest.importorskip("onnxruntime")

NEAR = Allowance(tolerance=1e-3)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model = networks.lively(
        kt.build_model(networks.convolutional(), kt.heads.LinearHead(3))
    )
    path = tmp_path_factory.mktemp("trial") / "m.onnx"
    kt.export(model, path)
    images = trial_images(model)
    return path, images, outputs_of(model, images)


def returning(expected):
    return lambda images: expected[: len(images)]


def change_last_kernel(graph, change):
    weights = [i for i in graph.initializer if tuple(i.dims) == (8, 3)]
    assert len(weights) == 1
    array = onnx.numpy_helper.to_array(weights[0])
    weights[0].CopyFrom(
        onnx.numpy_helper.from_array(
            change(array).astype("float32"), weights[0].name
        )
    )


def zero(graph):
    change_last_kernel(graph, np.zeros_like)


def shift(graph):
    change_last_kernel(graph, lambda array: array * 1.02)


def spoil(graph):
    change_last_kernel(graph, lambda array: array * np.nan)


def shake(graph):
    """Adds noise to the outputs, as a random layer at work does."""
    graph.node[-1].output[0] = "clean"
    graph.node.extend(
        [
            onnx.helper.make_node(
                "RandomNormalLike", ["clean"], ["noise"], scale=1e-5
            ),
            onnx.helper.make_node("Add", ["clean", "noise"], ["predictions"]),
        ]
    )


def flatten(graph):
    """Returns one long vector, which no client expects."""
    graph.node[-1].output[0] = "matrix"
    graph.node.append(
        onnx.helper.make_node("Flatten", ["matrix"], ["predictions"], axis=0)
    )


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (zero, "returns the same for every image"),
        (shift, "differ from those of Keras by 0.0"),
        (spoil, "returns NaN or infinity"),
        (shake, "outputs change from run to run"),
        (flatten, r"returns the shape \(1, 24\), Keras \(8, 3\)"),
    ],
)
def test_a_damaged_file_is_refused(exported, tmp_path, damage, sentence):
    path, images, expected = exported
    file = onnx.load(path)
    damage(file.graph)
    onnx.save(file, tmp_path / "broken.onnx")
    run = FORMATS["onnx"].open(tmp_path / "broken.onnx")
    with pytest.raises(ValueError, match=f"the file is broken.*{sentence}"):
        try_out(run, returning(expected), images, NEAR, "the file")


def test_the_undamaged_file_passes(exported):
    path, images, expected = exported
    run = FORMATS["onnx"].open(path)
    trial = try_out(run, returning(expected), images, NEAR, "the file")
    assert trial.batch_sizes == (1, 3, 8)
    assert trial.difference < 1e-5
    assert trial.same_best == trial.images == 8


def test_a_file_for_one_batch_size_alone_is_refused(exported):
    path, images, expected = exported
    run = FORMATS["onnx"].open(path)

    def repeats_the_first_of_a_smaller_batch(batch):
        return run(batch if len(batch) == 8 else batch[::-1])

    with pytest.raises(ValueError, match="differ from those of Keras"):
        try_out(
            repeats_the_first_of_a_smaller_batch,
            returning(expected),
            images,
            NEAR,
            "the file",
        )


def test_rounding_that_keras_has_in_another_batch_size_is_none_of_the_file(
    exported,
):
    _, images, expected = exported

    def by_batch_size(batch):
        return expected[: len(batch)] * (1 + 1e-5 / len(batch))

    near = Allowance(tolerance=1e-9)
    trial = try_out(by_batch_size, by_batch_size, images, near, "the file")
    assert trial.difference == 0
    with pytest.raises(ValueError, match="differ from those of Keras"):
        try_out(by_batch_size, returning(expected), images, near, "the file")


def test_where_keras_hardly_varies_the_tolerance_shrinks_with_it(exported):
    """Constants lie within 1e-3 of such outputs."""
    _, images, expected = exported
    hardly = 0.5 + 1e-4 * expected
    nearly_constant = 0.5 + 0.8e-4 * expected
    with pytest.raises(ValueError, match="Expected at most"):
        try_out(
            lambda x: nearly_constant[: len(x)],
            returning(hardly),
            images,
            NEAR,
            "it",
        )
    trial = try_out(
        lambda x: hardly[: len(x)], returning(hardly), images, NEAR, "it"
    )
    assert trial.tolerance < 1e-5


def test_a_model_that_returns_constants_cannot_be_checked(exported):
    _, images, expected = exported
    constant = np.repeat(expected[:1], 8, axis=0)
    with pytest.raises(ValueError, match="model itself returns nearly the"):
        try_out(lambda x: constant, returning(constant), images, NEAR, "it")
    with pytest.raises(ValueError, match="model itself returns nearly the"):
        try_out(lambda x: x, returning(expected * np.nan), images, NEAR, "it")


def test_trial_images_differ_and_fill_the_range(classifier):
    model = classifier()
    images = trial_images(model)
    assert images.shape == (8, 16, 16, 3)
    assert images.dtype == model.inputs[0].dtype
    assert 0 <= images.min() < 1
    assert 250 < images.max() <= 255
    for one, other in itertools.combinations(images, 2):
        assert np.abs(one - other).mean() > 5
    np.testing.assert_array_equal(images, trial_images(model))
