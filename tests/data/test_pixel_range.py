"""Pixels in other ranges are noticed; honest photographs are not."""

import os
import pathlib

import keras
import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.data.pixel_range import find_misfit

BYTES = (0, 255)


def photograph(seed=0, low=0, high=256):
    """Returns soft shades with detail on them."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(low, high, (6, 6, 3)).astype("uint8")
    return np.asarray(Image.fromarray(noise).resize((48, 48))).astype("float32")


def as_keras(mode):
    def scale(pixels):
        made = keras.applications.imagenet_utils.preprocess_input(
            pixels.copy(), data_format="channels_last", mode=mode
        )
        return np.asarray(made)

    return scale


SCALES = {
    "0 to 1": lambda pixels: pixels / 255,
    "-1 to 1": as_keras("tf"),
    "torch": as_keras("torch"),
    "caffe": as_keras("caffe"),
    "own standard": lambda pixels: (pixels - pixels.mean()) / pixels.std(),
}


def real_photographs():
    folder = os.environ.get("KERAS_TRANSFER_ASSETS")
    if not folder:
        pytest.skip("KERAS_TRANSFER_ASSETS is not set")
    paths = sorted(pathlib.Path(folder, "hymenoptera", "val").rglob("*.jpg"))
    assert len(paths) > 100
    return [kt.data.load_image(path, 64) for path in paths]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("seed", range(5))
def test_scaled_pixels_are_noticed(scale, seed):
    misfit = find_misfit(SCALES[scale](photograph(seed)), BYTES)
    assert "but the model expects 0 to 255" in misfit.sentence
    assert misfit.is_outside == (scale != "0 to 1")


def test_scaled_real_photographs_are_noticed_one_by_one():
    photographs = real_photographs()
    for name, scale in SCALES.items():
        missed = [
            i
            for i, pixels in enumerate(photographs)
            if find_misfit(scale(pixels), BYTES) is None
        ]
        assert not missed, (name, missed)


@pytest.mark.parametrize("factor", [0.02, 0.1, 0.5, 1, 2, 10])
def test_dark_and_bright_real_photographs_pass(factor):
    for pixels in real_photographs():
        changed = np.clip(pixels * factor, 0, 255)
        assert find_misfit(changed, BYTES) is None
        assert find_misfit(np.rint(changed).astype("uint8"), BYTES) is None
        bright = np.clip(255 - (255 - pixels) * min(factor, 1), 0, 255)
        assert find_misfit(bright, BYTES) is None


def test_what_bicubic_resizing_overshoots_passes():
    for pixels in real_photographs()[:60]:
        bigger = np.asarray(
            keras.ops.image.resize(pixels, (97, 97), interpolation="bicubic")
        )
        assert find_misfit(bigger, BYTES) is None


def test_other_expectations():
    unit = photograph() / 255
    assert find_misfit(unit, (0, 1)) is None
    assert find_misfit(unit * 2 - 1, (-1, 1)) is None
    assert "expects 0 to 1" in find_misfit(unit * 255, (0, 1)).sentence
    assert "expects 0 to 1" in find_misfit(unit * 2 - 1, (0, 1)).sentence
    assert find_misfit(np.zeros((4, 4, 3)), BYTES) is None
    assert find_misfit(np.full((4, 4, 3), -9.0), (-9, 9)) is None


@pytest.fixture
def model(tiny_backbone):
    model = kt.build_model(tiny_backbone((48, 48, 3)), kt.heads.LinearHead(2))
    return kt.compile_for_transfer(model)


@pytest.mark.parametrize("scale", SCALES)
def test_every_door_says_the_same(model, scale):
    x = SCALES[scale](np.stack([photograph(i) for i in range(4)]))
    match = "The pixels lie between .* expects 0 to 255"
    with pytest.warns(UserWarning, match=match):
        kt.predict_labels(model, x)
    with pytest.warns(UserWarning, match=match):
        model.fit(x, np.array([0, 1, 0, 1]), verbose=0)
    with pytest.warns(UserWarning, match=match):
        kt.embed(model, x)
    if scale == "0 to 1":
        with pytest.warns(UserWarning, match=match):
            kt.saliency(model, x)
    else:
        with pytest.raises(ValueError, match=match):
            kt.saliency(model, x)
