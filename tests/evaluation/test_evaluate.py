import io
import json
import re

import html5lib
import keras
import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from sklearn import metrics

import keras_transfer as kt
from keras_transfer.evaluation.material import material_of

NAMES = ("day", "dusk", "night")
LEVELS = {"day": 200, "dusk": 110, "night": 20}


@pytest.fixture
def photos(tmp_path):
    """Eight noisy images of each of three brightnesses."""
    rng = np.random.default_rng(0)
    for name, level in LEVELS.items():
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for number in range(8):
            pixels = np.clip(rng.normal(level, 50), 0, 255)
            noise = rng.normal(0, 10, (16, 16, 3))
            pixels = np.clip(pixels + noise, 0, 255).astype("uint8")
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "photos"


def build(names=NAMES, task="classification", **options):
    """A model that tells brightness, with weights set by hand."""
    image = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    backbone = keras.Model(
        image, keras.layers.Conv2D(3, 1, name="conv", padding="same")(x)
    )
    head = kt.heads.LinearHead(len(names), task=task)
    model = kt.build_model(
        backbone,
        head,
        class_names=None if task == "regression" else names,
        **options,
    )
    return model


def sees_brightness(model, levels):
    """The nearest of some levels of brightness is the most probable."""
    for layer in model._flatten_layers():
        if layer.name == "conv":
            layer.set_weights([np.eye(3)[None, None], np.zeros(3)])
    centers = np.array(levels) / 255
    kernel = np.tile(20 * centers / 3, (3, 1))
    model.get_layer("head").predictions.set_weights([kernel, -10 * centers**2])
    return model


@pytest.fixture
def model():
    return sees_brightness(build(), [200, 110, 20])


def test_figures_of_a_folder_are_those_of_its_predictions(model, photos):
    found = kt.evaluate(model, photos)
    labels = [NAMES.index(name.split("/")[0]) for name in found.files]
    images = [kt.data.load_image(photos / name, 16) for name in found.files]
    outputs = model.predict(np.stack(images), verbose=0)
    assert found.labels.tolist() == labels
    np.testing.assert_allclose(found.outputs, outputs, atol=1e-6)
    assert 0.5 < found.accuracy < 1
    assert found.accuracy == metrics.accuracy_score(labels, outputs.argmax(-1))
    low, high = found.interval
    assert low < found.accuracy < high
    assert found.source == "photos"


def test_classes_are_matched_by_name_in_any_order(photos):
    turned = sees_brightness(build(NAMES[::-1]), [20, 110, 200])
    straight = sees_brightness(build(), [200, 110, 20])
    both = kt.evaluate(turned, photos), kt.evaluate(straight, photos)
    assert both[0].accuracy == both[1].accuracy > 0.5
    assert both[0].class_names == NAMES[::-1]
    data = kt.data.from_directory(photos, image_size=16)[1]
    assert kt.evaluate(turned, data).accuracy == pytest.approx(
        kt.evaluate(straight, data).accuracy
    )


def test_a_folder_may_lack_a_class_but_not_have_a_foreign_one(model, photos):
    (photos / "dusk").rename(photos.parent / "dusk")
    found = kt.evaluate(model, photos)
    assert found.figures["classes"][1]["support"] == 0
    (photos / "day").rename(photos / "daytime")
    with pytest.raises(ValueError, match="does not know: 'daytime'.*Did you"):
        kt.evaluate(model, photos)


def test_the_test_set_is_what_a_model_is_judged_by(model, photos, tmp_path):
    root = tmp_path / "split"
    for split, numbers in (("train", "01234"), ("val", "56"), ("test", "7")):
        for name in NAMES:
            (root / split / name).mkdir(parents=True)
            for number in numbers:
                image = photos / name / f"{number}.png"
                copy = root / split / name / image.name
                copy.write_bytes(image.read_bytes())
    assert len(kt.evaluate(model, root).labels) == 3
    assert kt.evaluate(model, root).source == "split/test"
    assert len(material_of(root)) == 24
    assert len(kt.evaluate(model, root / "train").labels) == 15


def test_of_data_sets_the_held_out_one_is_judged_by(model, photos):
    parts = kt.data.from_directory(photos, image_size=16)
    found = kt.evaluate(model, parts)
    assert list(found.files) == parts[1].file_paths
    assert found.accuracy == kt.evaluate(model, parts[1]).accuracy


def test_files_of_every_format_say_the_same(model, photos, tmp_path):
    expected = kt.evaluate(model, photos)
    kt.save_model(model, tmp_path / "model.keras")
    kt.export(model, tmp_path / "model.onnx", "onnx")
    for name in ("model.keras", "model.onnx"):
        found = kt.evaluate(tmp_path / name, photos)
        assert found.accuracy == expected.accuracy
        np.testing.assert_allclose(found.outputs, expected.outputs, atol=1e-4)
        assert found.model_name == name
    text = found.html()
    assert "Explanation maps need the .keras file" in text


def test_a_threshold_moves_the_border_between_two_classes(photos):
    model = sees_brightness(build(("day", "night")), [200, 20])
    (photos / "dusk").rename(photos.parent / "dusk")
    usual = kt.evaluate(model, photos)
    low = kt.evaluate(model, photos, threshold=0.05)
    expected = (usual.outputs[:, 1] >= 0.05).astype(int)
    assert low.predicted.tolist() == expected.tolist()
    assert low.predicted.sum() > usual.predicted.sum()
    assert "0.05 for night" in repr(low)
    with pytest.raises(ValueError, match="above 0 and below 1"):
        kt.evaluate(model, photos, threshold=1)


def test_a_threshold_among_three_classes_is_refused(model, photos):
    with pytest.raises(ValueError, match="between two classes.*3 outputs"):
        kt.evaluate(model, photos, threshold=0.3)


def test_several_labels_are_judged_by_their_thresholds():
    model = build(task="multi_label", thresholds=[0.5, 0.5, 0.01])
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 16, 16, 3)).astype("uint8")
    labels = rng.integers(0, 2, (20, 3))
    found = kt.evaluate(model, (images, labels))
    outputs = model.predict(images.astype("float32"), verbose=0)
    predicted = (outputs >= [0.5, 0.5, 0.01]).astype(int)
    assert found.predicted.tolist() == predicted.tolist()
    assert found.figures["macro_f1"] == metrics.f1_score(
        labels, predicted, average="macro", zero_division=0
    )
    all_of_them = kt.evaluate(model, (images, labels), threshold=1e-6)
    assert all_of_them.predicted.all()
    strict(found.html())
    with pytest.raises(ValueError, match="needs a row of 0 and 1"):
        kt.evaluate(model, (images, labels[:, 0]))


def test_numbers_are_judged_in_their_units():
    model = build(
        ("age",),
        task="regression",
        targets={
            "names": ["age"],
            "units": ["years"],
            "mean": [40],
            "std": [20],
        },
    )
    images = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3))
    ages = np.linspace(20, 60, 9)
    found = kt.evaluate(model, (images.astype("uint8"), ages))
    said = 40 + 20 * model.predict(images.astype("float32"), verbose=0)[:, 0]
    (age,) = found.figures["targets"]
    assert age["mae"] == pytest.approx(
        metrics.mean_absolute_error(ages, said), rel=1e-5
    )
    assert age["unit"] == "years"
    assert found.accuracy is None
    assert "years" in found.html()
    strict(found.html())


def test_everything_is_plain_json(model, photos):
    found = json.loads(json.dumps(kt.evaluate(model, photos).to_json()))
    assert found["task"] == "classification"
    assert len(found["photographs"]) == 24
    assert found["photographs"][0]["file"] == "day/0.png"


def test_the_tables_show_every_class_and_figure(model, photos):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(kt.evaluate(model, photos).table())
    text = console.export_text()
    for word in (*NAMES, "balanced accuracy", "a perfect model", "95%"):
        assert word in text


def strict(text):
    """Parses a page; anything that is not sound HTML is an error."""
    return html5lib.HTMLParser(strict=True).parse(text)


def test_the_page_is_sound_and_holds_everything_it_shows(model, photos):
    found = kt.evaluate(model, photos)
    path = photos.parent / "page.html"
    text = found.html(path)
    assert path.read_text(encoding="utf-8") == text
    strict(text)
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert addresses
    assert all(a.startswith("data:image/") for a in addresses)
    assert "http" not in text.replace("data:", "")
    wrong = int((found.predicted != found.labels).sum())
    assert text.count("where the model sees its answer") == min(wrong, 12)
    html5lib.HTMLParser(strict=True).parseFragment(found._repr_html_())


def test_names_of_files_and_classes_cannot_write_html(photos, tmp_path):
    names = ('<script>alert("x")</script>', "day\u202e\x1b")
    images = np.zeros((4, 16, 16, 3), "uint8")
    model = build(names)
    found = kt.evaluate(model, (images, [0, 1, 0, 1]))
    text = found.html()
    strict(text)
    assert "<script>" not in text
    assert "\x1b" not in text


def test_many_classes_are_shown_by_their_confusions():
    names = [f"class {number}" for number in range(30)]
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 3))
    found = kt.evaluate(
        build(names), (images.astype("uint8"), np.arange(60) % 30)
    )
    assert "Most often confused" in found.html()
    strict(found.html())


@pytest.mark.parametrize(
    ("labels", "match"),
    [([0, 1, 2, 3], "3 classes, so labels are 0 to 2"), ([0, 1], "a label")],
)
def test_labels_that_do_not_fit_are_refused(model, labels, match):
    with pytest.raises(ValueError, match=match):
        kt.evaluate(model, (np.zeros((4, 16, 16, 3), "uint8"), labels))


def test_images_of_another_shape_are_refused(model):
    with pytest.raises(ValueError, match=r"takes images of shape \(16, 16"):
        kt.evaluate(model, (np.zeros((2, 9, 9, 3), "uint8"), [0, 1]))


def test_pixels_that_are_scaled_are_noticed(model):
    images = np.random.default_rng(0).random((4, 16, 16, 3))
    with pytest.warns(UserWarning, match="0"):
        kt.evaluate(model, (images, [0, 1, 2, 0]))


def test_other_models_and_data_are_refused(model, tmp_path):
    with pytest.raises(TypeError, match="Expected a Keras model"):
        kt.evaluate(7, tmp_path)
    with pytest.raises(TypeError, match="Expected a folder"):
        kt.evaluate(model, 7)
    with pytest.raises(ValueError, match="no model file"):
        kt.evaluate(tmp_path / "none.keras", tmp_path)


def test_bad_files_are_named_or_left_out(model, photos):
    (photos / "day" / "0.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="day/0.png"):
        kt.evaluate(model, photos)
    with pytest.warns(UserWarning, match="Left out 1 file"):
        found = kt.evaluate(model, photos, bad_files="skip")
    assert len(found.labels) == 23
