"""Class activation maps weighted by gradients."""

import copy

import keras
import numpy as np
import pytest

import keras_transfer as kt
from tests.explaining import networks
from tests.explaining.networks import IMAGES

# Random weights may speak for a class nowhere; that is warned of.
pytestmark = pytest.mark.filterwarnings("ignore:In . of 3 images no position")

MAPS = (kt.grad_cam, kt.grad_cam_plus_plus, kt.layer_cam)


def closed_form(model, weights):
    """Grad-CAM before global average pooling and a dense layer."""
    maps = networks.run_layers(model, IMAGES)["b"]
    positions = maps.shape[1] * maps.shape[2]
    heat = np.einsum("bhwc,bc->bhw", maps, weights) / positions
    return np.maximum(heat, 0)


@pytest.mark.parametrize("build", networks.MODELS.values(), ids=networks.MODELS)
@pytest.mark.parametrize("target", [0, 2])
def test_grad_cam_is_the_closed_form(build, target):
    model = build()
    weights = np.repeat(networks.kernel(model)[None, :, target], 3, axis=0)
    heat = kt.grad_cam(model, IMAGES, target, upsample=False)
    np.testing.assert_allclose(heat, closed_form(model, weights), atol=1e-6)
    assert heat.max() > 1e-3


def test_without_a_target_the_predicted_class_is_explained():
    model = networks.nested()
    best = keras.ops.convert_to_numpy(model(IMAGES)).argmax(-1)
    np.testing.assert_array_equal(
        kt.grad_cam(model, IMAGES), kt.grad_cam(model, IMAGES, list(best))
    )


def test_each_image_may_have_a_class_of_its_own():
    model = networks.ours()
    mixed = kt.grad_cam(model, IMAGES, ["wasp", "ant", 1])
    for i, name in enumerate(["wasp", "ant", "bee"]):
        alone = kt.grad_cam(model, IMAGES[i], name)
        np.testing.assert_allclose(mixed[i], alone[0], atol=1e-6)


@pytest.mark.parametrize("build", [networks.nested, networks.ours])
def test_class_0_of_a_single_unit_is_minus_the_logit(build):
    model = build(1, "sigmoid")
    weights = networks.kernel(model).T
    for target, sign in ((0, -1), (1, 1)):
        expected = closed_form(model, sign * np.repeat(weights, 3, 0))
        heat = kt.grad_cam(model, IMAGES, target, upsample=False)
        np.testing.assert_allclose(heat, expected, atol=1e-6)


def test_a_contrast_takes_away_what_the_others_share():
    model = networks.nested()
    weights = networks.kernel(model)
    difference = weights[:, 1] - (weights[:, 0] + weights[:, 2]) / 2
    heat = kt.grad_cam(model, IMAGES, kt.Contrast(1), upsample=False)
    expected = closed_form(model, np.repeat(difference[None], 3, 0))
    np.testing.assert_allclose(heat, expected, atol=1e-6)


def test_the_target_may_be_any_function_of_the_logits():
    model = networks.nested()
    weights = networks.kernel(model)
    heat = kt.grad_cam(
        model, IMAGES, lambda z: z[:, 0] - 2 * z[:, 1], upsample=False
    )
    difference = weights[:, 0] - 2 * weights[:, 1]
    expected = closed_form(model, np.repeat(difference[None], 3, 0))
    np.testing.assert_allclose(heat, expected, atol=1e-6)


def by_hand(name, maps, gradient):
    """The three formulas with loops over positions and channels."""
    batch, height, width, channels = maps.shape
    heat = np.zeros((batch, height, width))
    for b in range(batch):
        for c in range(channels):
            a, g = maps[b, :, :, c], gradient[b, :, :, c]
            if name == "grad_cam":
                heat[b] += a * g.sum() / (height * width)
            elif name == "layer_cam":
                heat[b] += a * np.where(g > 0, g, 0)
            else:
                weight = 0.0
                for i in range(height):
                    for j in range(width):
                        alpha = g[i, j] ** 2 / (
                            2 * g[i, j] ** 2 + a.sum() * g[i, j] ** 3
                        )
                        weight += alpha * max(g[i, j], 0)
                heat[b] += weight * a
    return np.maximum(heat, 0)


@pytest.mark.parametrize("explain", MAPS)
@pytest.mark.parametrize("build", [networks.flat, networks.deep])
def test_maps_inside_agree_with_finite_differences(build, explain):
    model = build()
    maps = networks.run_layers(model, IMAGES)["a"].astype("float64")
    weights = networks.kernel(model)
    second = networks.find(model, "b")

    def logit(activation):
        x = second(activation.astype("float32"))
        x = keras.ops.convert_to_numpy(x).astype("float64")
        return x.mean(axis=(1, 2)) @ weights[:, 1]

    gradient = networks.numeric_gradient(logit, maps, 1e-2)
    expected = by_hand(explain.__name__, maps, gradient)
    at = next(p for p in kt_paths(model) if p.endswith("a"))
    heat = explain(model, IMAGES, 1, at=at, upsample=False)
    scale = expected.max()
    np.testing.assert_allclose(heat, expected, atol=2e-3 * scale)


def three_resolutions(size=16):
    """A nested backbone; every stage ends in a layer of its number."""
    image = keras.Input((size, size, 3))
    x = image
    for number in (1, 2, 3):
        x = keras.layers.Conv2D(4, 3, 2, "same", name=f"c{number}")(x)
    backbone = keras.Model(image, x, name="backbone")
    outer = keras.Input((16, 16, 3))
    return keras.Model(outer, networks.classify(backbone(outer)))


@pytest.mark.parametrize("size", [16, None])
def test_layer_cam_looks_where_maps_are_finer_than_the_last(size):
    model = three_resolutions(size)
    # So that something speaks for each class.
    model.set_weights([np.abs(w) for w in model.get_weights()])
    images = np.random.default_rng(0).uniform(0, 255, (3, 16, 16, 3))
    for explain, layer in ((kt.layer_cam, "c2"), (kt.grad_cam, "c3")):
        heat = explain(model, images, 1, upsample=False)
        expected = explain(
            model, images, 1, at=f"backbone/{layer}", upsample=False
        )
        np.testing.assert_array_equal(heat, expected)
        assert heat.any()


def test_layer_cam_of_an_output_beside_the_backbone_takes_its_last_maps():
    model = three_resolutions()
    beside = keras.layers.Conv2D(5, 3, 2, kernel_initializer="ones")
    x = beside(model.input)
    pooled = keras.layers.GlobalAveragePooling2D()(x)
    other = keras.layers.Dense(2, kernel_initializer="ones")(pooled)
    both = keras.Model(model.input, [*model.outputs, other])
    images = np.ones((1, 16, 16, 3))
    heat = kt.layer_cam(both, images, 1, output=1, upsample=False)
    assert heat.shape == (1, 7, 7)


def kt_paths(model):
    from keras_transfer.structure.graph import calls_of

    return list(calls_of(model))


@pytest.mark.parametrize("explain", MAPS)
def test_maps_are_as_large_as_the_image(explain):
    heat = explain(networks.ours(), IMAGES, at="backbone/a")
    assert heat.shape == (3, 12, 10)
    small = explain(networks.ours(), IMAGES, at="backbone/a", upsample=False)
    assert small.shape == (3, 6, 5)


@pytest.mark.parametrize("build", networks.MODELS.values(), ids=networks.MODELS)
def test_the_model_stays_as_it_is(build):
    model = build()
    config = copy.deepcopy(model.get_config())
    nodes = [len(op._inbound_nodes) for op in model._flatten_layers()]
    following = [len(op._outbound_nodes) for op in model._flatten_layers()]
    weights = [keras.ops.convert_to_numpy(w) for w in model.weights]
    expected = keras.ops.convert_to_numpy(model(IMAGES))
    for explain in MAPS:
        explain(model, IMAGES)
    assert model.get_config() == config
    assert nodes == [len(op._inbound_nodes) for op in model._flatten_layers()]
    assert following == [
        len(op._outbound_nodes) for op in model._flatten_layers()
    ]
    for weight, before in zip(model.weights, weights, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(weight), before
        )
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(model(IMAGES)), expected
    )


def test_dropout_and_statistics_rest():
    image = keras.Input((12, 10, 3))
    x = features = networks.features()(image)
    x = keras.layers.BatchNormalization(name="bn")(x, training=True)
    x = keras.layers.Dropout(0.9)(x, training=True)
    model = keras.Model(image, networks.classify(x))
    first = kt.grad_cam(model, IMAGES, 1)
    np.testing.assert_array_equal(kt.grad_cam(model, IMAGES, 1), first)
    mean = keras.ops.convert_to_numpy(model.get_layer("bn").moving_mean)
    np.testing.assert_array_equal(mean, 0)
    assert features is not x


def test_a_shared_backbone_is_explained_call_by_call():
    backbone = networks.features("bb")
    left, right = keras.Input((12, 10, 3)), keras.Input((12, 10, 3))
    both = keras.layers.Concatenate()([backbone(left), backbone(right)])
    model = keras.Model([left, right], networks.classify(both))
    other = IMAGES[::-1].copy()
    weights = networks.kernel(model)[:, 1]
    for at, part, images in (
        ("bb", weights[:5], IMAGES),
        ("bb:1/b", weights[5:], other),
    ):
        maps = networks.run_layers(backbone, images)["b"]
        expected = np.maximum((maps * part).mean(-1) * 5 / 12, 0)
        heat = kt.grad_cam(model, [IMAGES, other], 1, at=at, upsample=False)
        assert maps.shape[1:3] == (4, 3)
        np.testing.assert_allclose(heat, expected, atol=1e-6)


def test_of_several_outputs_one_is_chosen():
    image = keras.Input((12, 10, 3))
    x = networks.features()(image)
    pooled = keras.layers.GlobalAveragePooling2D()(x)
    kind = keras.layers.Dense(3, "softmax", name="kind")(pooled)
    sex = keras.layers.Dense(1, "sigmoid", name="sex")(pooled)
    model = keras.Model(image, [kind, sex])
    with pytest.raises(ValueError, match=r"2 outputs: say which .*'sex'"):
        kt.grad_cam(model, IMAGES)
    with pytest.raises(ValueError, match=r"no output 'six'.*mean 'sex'"):
        kt.grad_cam(model, IMAGES, output="six")
    alone = keras.Model(image, sex)
    np.testing.assert_allclose(
        kt.grad_cam(model, IMAGES, 1, output="sex"),
        kt.grad_cam(alone, IMAGES, 1),
        atol=1e-7,
    )
    np.testing.assert_array_equal(
        kt.grad_cam(model, IMAGES, 1, output=1),
        kt.grad_cam(model, IMAGES, 1, output="sex"),
    )


def test_auxiliary_heads_are_left_out():
    model = networks.ours()
    training = kt.with_auxiliary_heads(
        model, {"a": kt.heads.AuxiliaryHead(3, hidden_units=(4,))}
    )
    np.testing.assert_allclose(
        kt.grad_cam(training, IMAGES, 1),
        kt.grad_cam(model, IMAGES, 1),
        atol=1e-7,
    )


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.body = networks.features()
        self.pool = keras.layers.GlobalAveragePooling2D()
        self.out = keras.layers.Dense(3, "softmax", name="out")

    def call(self, inputs):
        return self.out(self.pool(self.body(inputs)))


def test_a_subclassed_model_is_traced():
    model = Subclassed()
    model(IMAGES)
    weights = np.repeat(networks.kernel(model)[None, :, 1], 3, axis=0)
    np.testing.assert_allclose(
        kt.grad_cam(model, IMAGES, 1, upsample=False),
        closed_form(model, weights),
        atol=1e-6,
    )


class Branching(Subclassed):
    def call(self, inputs):
        if keras.ops.sum(inputs) > 0:
            return super().call(inputs)
        return super().call(-inputs)


def test_a_subclassed_model_that_cannot_be_traced_is_told():
    model = Branching()
    model(IMAGES)
    with pytest.raises(ValueError, match="cannot be traced with symbolic"):
        kt.grad_cam(model, IMAGES)


def test_what_is_no_built_model_is_refused():
    with pytest.raises(TypeError, match="must be a keras.Model"):
        kt.grad_cam("model.keras", IMAGES)
    with pytest.raises(ValueError, match="is not built"):
        kt.grad_cam(Subclassed(), IMAGES)


def test_tokens_are_laid_out_as_a_grid():
    image = keras.Input((12, 24, 3))
    x = keras.layers.Conv2D(6, 6, 6)(image)
    x = keras.layers.Reshape((8, 6))(x)
    x = keras.layers.Dense(6, "softplus", name="tokens")(x)
    pooled = keras.layers.GlobalAveragePooling1D()(x)
    # Positive, so that every position speaks for the class on each backend.
    positive = keras.initializers.RandomUniform(0.1, 1, seed=0)
    out = keras.layers.Dense(3, kernel_initializer=positive, name="out")
    model = keras.Model(image, out(pooled))
    images = np.random.default_rng(0).uniform(0, 1, (2, 12, 24, 3))
    heat = kt.grad_cam(model, images, 1, upsample=False)
    tokens = keras.Model(image, x)(images.astype("float32"))
    tokens = keras.ops.convert_to_numpy(tokens)
    expected = tokens @ networks.kernel(model)[:, 1] / 8
    np.testing.assert_allclose(
        heat, np.maximum(expected, 0).reshape(2, 2, 4), atol=1e-6
    )


def test_mixed_precision_explains_the_same():
    model = networks.nested()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        low = networks.nested()
    finally:
        keras.config.set_dtype_policy("float32")
    low.set_weights(model.get_weights())
    expected = kt.grad_cam(model, IMAGES, 1)
    heat = kt.grad_cam(low, IMAGES, 1)
    assert heat.dtype == np.float32
    np.testing.assert_allclose(heat, expected, atol=0.05 * expected.max())


def test_a_map_of_nothing_is_warned_of():
    model = networks.nested(1, None)
    out = networks.find(model, "out")
    out.kernel.assign(np.zeros((5, 1)))
    with pytest.warns(UserWarning, match="In 3 of 3 images no position"):
        assert not kt.grad_cam(model, IMAGES, 1).any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"target": 3}, r"class 3 is outside \[0, 3\)"),
        ({"target": -1}, r"class -1 is outside"),
        ({"target": "be"}, "Unknown class 'be'.*Did you mean 'bee'"),
        ({"target": [0, 1]}, "2 classes for 3 images"),
        ({"target": lambda z: z}, r"one score for each image.*\(3, 3\)"),
        ({"at": "backbon/a"}, "Did you mean"),
        ({"at": "head"}, "no positions to draw a map of"),
        ({"at": "*/[ab]"}, "matches nothing"),
        ({"at": "features/?"}, "must name one activation"),
        ({"output": 1}, "has no output 1"),
    ],
)
def test_what_does_not_fit_is_one_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kt.grad_cam(networks.ours(), IMAGES, **arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"target": True}, "`target` must be a class"),
        ({"target": 1.5}, "`target` must be a class"),
        ({"at": 3}, "`at` must be the name of a stage"),
    ],
)
def test_what_is_of_the_wrong_kind_is_one_sentence(arguments, sentence):
    with pytest.raises(TypeError, match=sentence):
        kt.grad_cam(networks.ours(), IMAGES, **arguments)


def test_a_class_by_name_needs_names():
    with pytest.raises(ValueError, match="Expected a number, since"):
        kt.grad_cam(networks.nested(), IMAGES, "bee")


def test_a_network_without_maps_is_told():
    model = keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )
    with pytest.raises(ValueError, match="has no layer whose output has"):
        kt.grad_cam(model, IMAGES)


def test_an_output_with_positions_needs_a_function():
    model = networks.features()
    with pytest.raises(ValueError, match="give `target` a function"):
        kt.grad_cam(model, IMAGES)
    heat = kt.grad_cam(
        model, IMAGES, lambda y: keras.ops.sum(y, axis=(1, 2, 3)), at="a"
    )
    assert heat.any()


def test_an_output_must_depend_on_the_layer():
    image = keras.Input((12, 10, 3))
    other = keras.layers.Conv2D(2, 3, name="other")(image)
    model = keras.Model(
        image,
        [
            networks.classify(networks.features()(image)),
            keras.layers.GlobalMaxPooling2D(name="side")(other),
        ],
    )
    with pytest.raises(ValueError, match="does not depend on 'other'"):
        kt.grad_cam(model, IMAGES, output="out", at="other")


def test_tokens_that_fill_no_grid_are_told():
    image = keras.Input((12, 10, 3))
    x = keras.layers.Reshape((40, 9))(image)
    x = keras.layers.Dense(4, name="tokens")(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    model = keras.Model(image, keras.layers.Dense(2)(x))
    with pytest.raises(ValueError, match="40 tokens do not fill a grid"):
        kt.grad_cam(model, IMAGES)


def test_an_image_is_needed_for_the_size():
    rows = keras.Input((8, 4))
    x = keras.layers.Conv1D(3, 3)(rows)
    x = keras.layers.GlobalAveragePooling1D()(x)
    model = keras.Model(rows, keras.layers.Dense(2)(x))
    with pytest.raises(ValueError, match="None of the model's inputs is an"):
        kt.grad_cam(model, np.ones((1, 8, 4)))
