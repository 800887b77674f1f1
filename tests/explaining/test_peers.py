"""What two peers document, as it is done here, on flat and nested models.

tf-keras-vis 0.8.8 (https://keisen.github.io/tf-keras-vis-docs, its notebooks
`visualize_dense_layer`, `visualize_conv_filters`, `attentions`, and its tests)
and keract 4.5 (https://github.com/philipperemy/keract, README). Neither runs
on Keras 3.15 with nested models; each test names the calls that it stands for.
"""

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.explaining import networks
from tests.explaining.networks import IMAGES

# Random weights may speak for a class nowhere; that is warned of.
pytestmark = pytest.mark.filterwarnings("ignore:In . of 3 images no position")

BUILDS = [networks.flat, networks.deep]
every_nesting = pytest.mark.parametrize("build", BUILDS)


@every_nesting
@pytest.mark.parametrize(
    "explain",
    [
        kt.grad_cam,
        kt.grad_cam_plus_plus,
        kt.layer_cam,
        kt.score_cam,
        kt.saliency,
        kt.integrated_gradients,
    ],
)
def test_a_map_for_categories(build, explain):
    """`Gradcam(model)(CategoricalScore([1, 0, 2]), seed_input)` and so on.

    Likewise `GradcamPlusPlus`, `Layercam`, `Scorecam`, `Saliency`; a batch of
    seed inputs gets a category each. `ReplaceToLinear()` is the default.
    """
    heat = explain(build(), IMAGES, [1, 0, 2])
    assert heat.shape == (3, 12, 10)
    assert np.isfinite(heat).all()
    assert heat.any()


@every_nesting
def test_smoothgrad(build):
    """`Saliency(model)(score, x, smooth_samples=2, smooth_noise=0.2)`."""
    heat = kt.saliency(build(), IMAGES, 1, samples=2, noise=0.2)
    assert heat.shape == (3, 12, 10)


@every_nesting
def test_faster_score_cam(build):
    """`Scorecam(model)(score, x, penultimate_layer=-1, max_N=2)`."""
    heat = kt.score_cam(build(), IMAGES, 1, max_channels=2)
    assert heat.shape == (3, 12, 10)


@every_nesting
def test_penultimate_layer(build):
    """`Gradcam(model)(score, x, penultimate_layer="a")`."""
    model = build()
    heat = kt.grad_cam(model, IMAGES, 1, at="a", upsample=False)
    assert heat.shape == (3, 6, 5)


@every_nesting
def test_expand_cam_is_upsample(build):
    """`Gradcam(model)(score, x, expand_cam=False)`."""
    assert kt.grad_cam(build(), IMAGES, 1, upsample=False).shape == (3, 4, 3)


@every_nesting
def test_replace_to_linear_edits_nothing(build):
    """`ReplaceToLinear()` as a model modifier, with `clone=False`."""
    model = build()
    linear = build(activation=None)
    linear.set_weights(model.get_weights())
    activation = networks.find(model, "out").activation
    np.testing.assert_allclose(
        kt.saliency(model, IMAGES, 1, per_channel=True),
        kt.saliency(linear, IMAGES, 1, per_channel=True),
        atol=1e-8,
    )
    assert networks.find(model, "out").activation is activation


@every_nesting
@pytest.mark.parametrize("wanted", [True, False])
def test_binary_score(build, wanted):
    """`BinaryScore(True)` and `BinaryScore(False)` on one sigmoid unit."""
    signed = kt.saliency(build(1, "sigmoid"), IMAGES, int(wanted))
    assert signed.shape == (3, 12, 10)
    model = build(1, "sigmoid")
    np.testing.assert_allclose(
        kt.saliency(model, IMAGES, 1, per_channel=True),
        -kt.saliency(model, IMAGES, 0, per_channel=True),
        atol=1e-9,
    )


def test_a_score_of_ones_own():
    """`def score_function(output): return output[:, 1]`."""
    model = networks.nested()
    np.testing.assert_array_equal(
        kt.grad_cam(model, IMAGES, lambda output: output[:, 1]),
        kt.grad_cam(model, IMAGES, 1),
    )


@every_nesting
def test_extract_intermediate_layer_and_maximize(build):
    """`ActivationMaximization(model, ExtractIntermediateLayer("b"))`."""
    images = kt.activation_maximization(
        build(), at="b", channel=[1, 2], steps=4
    )
    assert images.shape == (2, 12, 10, 3)


@every_nesting
def test_maximize_a_dense_layer(build):
    """`ActivationMaximization(model)(CategoricalScore(1))`."""
    image = kt.activation_maximization(build(), channel=1, steps=4)
    assert image.shape == (1, 12, 10, 3)


def test_several_inputs_and_outputs():
    """Multiple inputs and outputs, with a score for one of them."""
    left, right = keras.Input((12, 10, 3)), keras.Input((12, 10, 3))
    backbone = networks.features()
    x = keras.layers.Add()([backbone(left), backbone(right)])
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(
        [left, right],
        [
            keras.layers.Dense(2, "softmax", name="kind")(x),
            keras.layers.Dense(1, "sigmoid", name="sex")(x),
        ],
    )
    seeds = [IMAGES, IMAGES[::-1].copy()]
    assert kt.grad_cam(model, seeds, 1, output="sex").shape == (3, 12, 10)
    maps = kt.saliency(model, seeds, 0, output="kind")
    assert [one.shape for one in maps] == [(3, 12, 10)] * 2


@every_nesting
def test_keract_display_activations(build):
    """`display_activations(get_activations(model, x, ["a", "b"]))`."""
    extractor = kt.build_extractor(build(), ["a", "b", "out"])
    assert len(kt.plot_activations(extractor, IMAGES[0]).axes) == 3


@every_nesting
def test_keract_display_heatmaps(build):
    """`display_heatmaps(activations, x)`: a channel over its image."""
    extractor = kt.build_extractor(build(), ["a"])
    figure = kt.plot_channel(extractor, IMAGES[0], "a", 1)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[:3] == ["image", "a, channel 1", "over the image"]


@every_nesting
def test_keract_gradients(build):
    """`get_gradients_of_activations`, `get_gradients_of_trainable_weights`."""
    model = build()
    gradients = kt.activation_gradients(model, IMAGES, ["a", "b"], 1)
    assert {name: g.shape for name, g in gradients.items()} == {
        "a": (3, 6, 5, 4),
        "b": (3, 4, 3, 5),
    }
    model.compile(loss="sparse_categorical_crossentropy")
    weights = kt.weight_gradients(model, IMAGES, np.array([0, 1, 2]))
    assert [g.shape for g in weights.values()] == [
        tuple(w.shape) for w in model.trainable_variables
    ]
    assert all(g.any() for g in weights.values())
