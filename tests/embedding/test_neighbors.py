"""`kt.nearest`: photographs that are alike, and what is refused."""

import os

import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.embedding import computing
from tests.conftest import build_tiny


@pytest.fixture(scope="module")
def shared():
    """One model for all tests: most of their time would go into tracing."""
    return kt.build_model(build_tiny((16, 16, 3)), kt.heads.LinearHead(2))


@pytest.fixture
def model(shared):
    weights = shared.get_weights()
    yield shared
    shared.set_weights(weights)


@pytest.fixture
def photos(tmp_path):
    """Four shades of red and of blue; what is alike is plain to see."""
    for name, channel in (("red", 0), ("blue", 2)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.zeros((20, 20, 3), "uint8")
            pixels[..., channel] = 120 + 30 * number
            path = tmp_path / "photos" / name / f"{number}.png"
            Image.fromarray(pixels).save(path)
    return tmp_path / "photos"


def test_neighbours_are_those_of_the_same_colour(model, photos):
    query = photos / "red" / "1.png"
    found = kt.nearest(model, photos, query, k=3)
    assert {n.path for n in found} == {
        str(photos / "red" / f"{number}.png") for number in (0, 2, 3)
    }
    assert [n.label for n in found] == ["red"] * 3
    scores = [n.score for n in found]
    assert scores == sorted(scores, reverse=True)
    assert 0.9 < scores[0] <= 1.000001
    nearer = kt.nearest(model, photos, query, k=2, metric="l2")
    assert {n.path[-5:] for n in nearer} == {"0.png", "2.png"}
    assert 0 < nearer[0].score <= nearer[1].score


def test_scores_are_those_of_the_vectors(model, photos):
    embeddings = kt.embed(model, photos)
    vectors = embeddings.vectors.astype("float64")
    row = embeddings.paths.index(str(photos / "blue" / "0.png"))
    for found in kt.nearest(model, embeddings, embeddings.paths[row], k=7):
        other = vectors[embeddings.paths.index(found.path)]
        cosine = (
            other
            @ vectors[row]
            / np.sqrt(other @ other * (vectors[row] @ vectors[row]))
        )
        assert found.score == pytest.approx(cosine, abs=1e-6)


def test_several_queries_or_pixels_give_a_list_for_each(model, photos):
    files = [photos / "red" / "1.png", photos / "blue" / "1.png"]
    by_file = kt.nearest(model, photos, files, k=2)
    assert [row[0].label for row in by_file] == ["red", "blue"]
    pixels = np.stack([kt.data.load_image(file, 16) for file in files])
    # Not the angle, which is all but 0 between shades of one colour.
    by_pixels = kt.nearest(model, photos, pixels, k=1, metric="l2")
    # An array is no file, so that the photograph itself is what is nearest.
    assert [row[0].path for row in by_pixels] == list(map(str, files))
    in_pixels = kt.nearest(model, pixels, files[0], k=2)
    assert [n.path for n in in_pixels] == ["0", "1"]


def test_a_link_to_the_query_is_the_query(model, photos):
    (photos.parent / "link.png").symlink_to(photos / "red" / "1.png")
    found = kt.nearest(model, photos, photos.parent / "link.png", k=7)
    assert len(found) == 7
    assert str(photos / "red" / "1.png") not in [n.path for n in found]


def test_an_index_is_used_again_until_something_changes(
    model, photos, tmp_path, monkeypatch
):
    query, index = photos / "red" / "1.png", tmp_path / "index"
    first = kt.nearest(model, photos, query, k=3, index=index)
    assert (index / "vectors.npy").exists()
    checked = []

    def check_images(paths):
        checked.extend(paths)
        return {}

    monkeypatch.setattr(computing, "check_images", check_images)
    assert kt.nearest(model, photos, query, k=3, index=index) == first
    assert checked == [query]
    os.unlink(photos / "blue" / "0.png")
    with pytest.raises(kt.StaleFeaturesError, match="files was 8, is now 7"):
        kt.nearest(model, photos, query, k=3, index=index)
    kt.nearest(model, photos, query, k=3, index=index, rebuild=True)
    weight = model.get_layer("tiny").weights[0]
    weight.assign(weight + 1)
    with pytest.raises(
        kt.StaleFeaturesError, match="other weights. Pass rebuil"
    ):
        kt.nearest(model, photos, query, k=3, index=index)


def test_embeddings_of_another_model_are_refused(model, photos):
    embeddings = kt.embed(model, photos)
    query = photos / "red" / "1.png"
    with pytest.raises(
        kt.StaleFeaturesError, match="at another layer: .*other g"
    ):
        kt.nearest(model, embeddings, query, at="relu_2")
    weight = model.get_layer("tiny").weights[0]
    weight.assign(weight + 1)
    with pytest.raises(
        kt.StaleFeaturesError, match="another model.*: other wei"
    ):
        kt.nearest(model, embeddings, query)


def test_feature_maps_are_not_compared(model, photos):
    with pytest.raises(ValueError, match="give feature maps a pooling='avg'"):
        kt.nearest(model, photos, photos / "red" / "1.png", pooling=None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"k": 8}, "There are 7 photographs to be neighbours .* k=8"),
        ({"k": 0}, "`k` must be a whole number of at least 1. Received: 0"),
        ({"k": 1.5}, "`k` must be a whole number"),
        ({"metric": "dot"}, r"must be one of \['cosine', 'l2'\]"),
        ({"query": "none.png"}, "There is no file or folder none.png"),
        ({"folder": "none"}, "There is no file or folder none"),
    ],
)
def test_bad_arguments(model, photos, options, sentence):
    options = {
        "folder": photos,
        "query": photos / "red" / "1.png",
        **options,
    }
    with pytest.raises(ValueError, match=sentence):
        kt.nearest(model, **options)


def test_the_picture_shows_query_and_neighbours(model, photos, tmp_path):
    files = [photos / "red" / "1.png", photos / "blue" / "1.png"]
    found = kt.nearest(model, photos, files, k=2)
    figure = kt.plot_nearest(files, found, tmp_path / "n.png")
    assert len(figure.axes) == 6
    first, second, _ = figure.axes[:3]
    assert first.get_title() == "1.png"
    assert second.get_title() == f"red {found[0][0].score:.2f}"
    shown = second.images[0].get_array()
    np.testing.assert_allclose(
        shown, kt.data.load_image(found[0][0].path, 192) / 255
    )
    assert (tmp_path / "n.png").stat().st_size > 1000
    pixels = np.stack([kt.data.load_image(file, 16) for file in files])
    assert kt.plot_nearest(pixels, found).axes[0].get_title() == "query"
    grey = kt.plot_nearest(pixels[..., :1], found).axes[0].images[0].get_array()
    assert grey.shape == (16, 16, 3)
    one = kt.plot_nearest(files[0], found[0])
    assert len(one.axes) == 3


def test_a_picture_of_nothing_is_refused(photos):
    query = photos / "red" / "1.png"
    with pytest.raises(ValueError, match="must be what `nearest` returned"):
        kt.plot_nearest(query, [])
    with pytest.raises(ValueError, match="must be what `nearest` returned"):
        kt.plot_nearest([query, query], [[kt.Neighbor("0", 1.0)]])
    with pytest.raises(ValueError, match="There is no photograph '0'; neighb"):
        kt.plot_nearest(query, [kt.Neighbor("0", 1.0)])


def test_dollar_signs_of_a_file_are_no_mathematics(tmp_path):
    path = tmp_path / "ant_$_$.png"
    Image.new("RGB", (8, 8)).save(path)
    out = tmp_path / "n.png"
    kt.plot_nearest(path, [kt.Neighbor(path, 1.0, "$_$")], out)
    assert out.exists()
