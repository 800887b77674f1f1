"""Pictures of activations, stages and unit activity."""

import keras
import numpy as np
import pytest
from matplotlib.patches import Rectangle

import keras_transfer as kt
from tests.conftest import build_tiny

IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3))


@pytest.fixture
def model(tiny_model):
    last = tiny_model.get_layer("tiny").get_layer("bn_3")
    # Channels 1 and 2 of the last stage, no others, are dead for any image.
    alive = np.array([1] + [0, 0] + [1] * 9)
    last.gamma.assign(0.001 * alive)
    last.beta.assign(np.where(alive, 10, -1))
    return tiny_model


def test_a_grid_for_each_layer_bars_for_vectors(model, tmp_path):
    names = ["tiny/conv_1", "tiny/relu_3", "head"]
    extractor = kt.build_extractor(model, names)
    path = tmp_path / "maps.png"
    figure = kt.plot_activations(extractor, IMAGES[0], path=path)
    first, last, head = figure.axes
    assert first.get_title(loc="left") == "tiny/conv_1   16 × 16 × 4"
    title = last.get_title(loc="left")
    assert title == "tiny/relu_3   4 × 4 × 12, 2 of them dead"
    activations = extractor(IMAGES[:1].astype("float32"))
    values = keras.ops.convert_to_numpy(activations["tiny/conv_1"])[0]
    large = values.repeat(2, 0).repeat(2, 1)
    np.testing.assert_allclose(
        np.ma.filled(first.images[0].get_array(), np.nan),
        kt.activation_grid(large).pixels,
        atol=1e-5,
    )
    crosses = [p for p in last.patches if isinstance(p, Rectangle)]
    assert len(crosses) == 2
    heights = [bar.get_height() for bar in head.patches]
    probabilities = keras.ops.convert_to_numpy(activations["head"])[0]
    np.testing.assert_allclose(heights, probabilities, atol=1e-6)
    assert path.stat().st_size > 1000


def test_what_is_left_out_is_noted(model):
    extractor = kt.build_extractor(model, ["tiny/relu_3"])
    figure = kt.plot_activations(extractor, IMAGES[0], channels=5)
    title = figure.axes[0].get_title(loc="left")
    assert title.endswith("the 5 channels that vary most")


def test_a_batch_of_one_and_a_file_are_one_image(model, tmp_path):
    extractor = kt.build_extractor(model, ["stage_1"])
    pixels = IMAGES[0].astype("uint8")
    keras.utils.save_img(tmp_path / "a.png", pixels, scale=False)
    pictures = [
        kt.plot_activations(extractor, image).axes[0].images[0].get_array()
        for image in (pixels, pixels[None], tmp_path / "a.png")
    ]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])
    with pytest.raises(ValueError, match="one image. Received 3"):
        kt.plot_activations(extractor, IMAGES)


def test_a_channel_beside_its_image(model):
    extractor = kt.build_extractor(model, ["tiny/relu_3"])
    image, middle, right, _ = kt.plot_channel(
        extractor, IMAGES[0], "tiny/relu_3", 0
    ).axes
    activations = extractor(IMAGES[:1].astype("float32"))
    values = keras.ops.convert_to_numpy(activations["tiny/relu_3"])
    np.testing.assert_allclose(
        middle.images[0].get_array(), values[0, ..., 0], atol=1e-6
    )
    assert len(image.images) == 1
    assert len(right.images) == 2
    dead = kt.plot_channel(extractor, IMAGES[0], "tiny/relu_3", 1)
    assert dead.axes[1].get_title() == "tiny/relu_3, channel 1: dead"


@pytest.mark.parametrize(
    ("name", "channel", "sentence"),
    [
        ("tiny/relu_3", 12, "channels 0 to 11"),
        ("tiny/relu_3", -1, "channels 0 to 11"),
        ("tiny/relu_3", True, "channels 0 to 11"),
        ("relu", 0, "returns no 'relu'"),
        ("head", 0, r"the shape \(2,\) and no maps"),
    ],
)
def test_a_channel_must_exist(model, name, channel, sentence):
    extractor = kt.build_extractor(model, ["tiny/relu_3", "head"])
    with pytest.raises(ValueError, match=sentence):
        kt.plot_channel(extractor, IMAGES[0], name, channel)


@pytest.mark.parametrize("what", ["model", "path"])
def test_pictures_need_an_extractor(model, what):
    given = model if what == "model" else "model.keras"
    with pytest.raises(TypeError, match="need an extractor"):
        kt.plot_activations(given, IMAGES[0])


def test_all_stages_on_one_sheet(model, tmp_path):
    path = tmp_path / "stages.png"
    figure = kt.plot_stages(model, IMAGES[0], channels=3, path=path)
    stages = kt.stages_of(model.get_layer("tiny"))
    written = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert [text.splitlines()[0] for text in written] == [
        stage.name for stage in stages
    ]
    assert [text.splitlines()[1] for text in written] == [
        stage.last_layer for stage in stages
    ]
    assert len(figure.axes) == 1 + 4 * len(stages)
    assert path.stat().st_size > 1000


def test_a_flat_network_has_stages_too():
    backbone = build_tiny()
    assert kt.plot_stages(backbone, IMAGES[0], channels=2).axes


def test_a_network_of_vectors_has_no_stages_to_draw():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="no stage that ends in maps"):
        kt.plot_stages(model, IMAGES[0])
    with pytest.raises(TypeError, match="must be a keras.Model"):
        kt.plot_stages("model.keras", IMAGES[0])


def test_dead_units_and_distribution_over_many_images(model):
    images = np.random.default_rng(1).uniform(0, 255, (40, 32, 32, 3))
    extractor = kt.build_extractor(model, ["tiny/relu_3", "tiny/conv_1"])
    first, second = kt.unit_activity(extractor, images)
    values = keras.ops.convert_to_numpy(
        extractor(images.astype("float32"))["tiny/relu_3"]
    )
    assert first.name == "tiny/relu_3"
    assert first.units == 12
    assert first.dead == (1, 2)
    assert first.dead_share == pytest.approx(1 / 6)
    assert first.mean == pytest.approx(values.mean(), rel=1e-5)
    assert first.zeros == pytest.approx((values == 0).mean(), abs=1e-3)
    np.testing.assert_allclose(
        first.quantiles,
        np.quantile(values, (0.01, 0.25, 0.5, 0.75, 0.99)),
        atol=1e-3 * values.max(),
    )
    assert second.dead == ()


def test_a_unit_that_lives_in_one_batch_is_not_dead(model):
    images = np.zeros((20, 32, 32, 3))
    images[0] = IMAGES[0]
    extractor = kt.build_extractor(model, ["tiny/relu_1"])
    (alone,) = kt.unit_activity(extractor, images[1:])
    (both,) = kt.unit_activity(extractor, images)
    assert len(alone.dead) > len(both.dead)


@pytest.mark.parametrize("packed", [list, dict])
def test_unit_activity_of_a_model_with_two_inputs(packed):
    inputs = {name: keras.Input((4, 4, 1), name=name) for name in "ab"}
    x = keras.layers.Subtract(name="less")([inputs["a"], inputs["b"]])
    model = keras.Model(inputs if packed is dict else list(inputs.values()), x)
    extractor = kt.build_extractor(model, ["less"])
    images = {"a": np.full((70, 4, 4, 1), 5.0), "b": np.ones((70, 4, 4, 1))}
    if packed is list:
        images = list(images.values())
    (activity,) = kt.unit_activity(extractor, images)
    assert (activity.mean, activity.units) == (4, 1)


def test_the_picture_of_unit_activity(model, tmp_path):
    extractor = kt.build_extractor(model, ["tiny/conv_1", "tiny/relu_3"])
    path = tmp_path / "activity.png"
    figure = kt.plot_unit_activity(extractor, IMAGES, path=path)
    left, right = figure.axes
    labels = [text.get_text() for text in left.get_yticklabels()]
    assert labels == ["tiny/conv_1", "tiny/relu_3"]
    assert [t.get_text() for t in right.texts] == ["0 of 4", "2 of 12"]
    assert [p.get_width() for p in right.patches] == [0, 2 / 12]
    assert path.stat().st_size > 1000
