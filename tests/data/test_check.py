import zlib

import numpy as np
import pytest
from PIL import Image
from PIL import PngImagePlugin

from keras_transfer.data import check_images
from keras_transfer.data import load_image
from tests.data.photos import photo
from tests.data.photos import truncate


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif", ".bmp", ".webp"])
def test_sound_images_pass(tmp_path, suffix):
    paths = [photo(tmp_path / f"{i}{suffix}") for i in range(3)]
    assert check_images(paths) == {}


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif", ".bmp", ".webp"])
def test_truncated_images_are_found(tmp_path, suffix, fraction):
    good = photo(tmp_path / f"good{suffix}", size=(64, 64))
    bad = truncate(photo(tmp_path / f"bad{suffix}", size=(64, 64)), fraction)
    problems = check_images([good, bad])
    assert list(problems) == [bad]
    assert "data are corrupt or truncated" in problems[bad]


@pytest.mark.parametrize("progressive", [False, True])
def test_any_cut_through_a_large_jpeg_is_found(tmp_path, progressive):
    whole = photo(
        tmp_path / "whole.jpg", size=(300, 200), progressive=progressive
    )
    cuts = []
    for percent in range(5, 100, 5):
        cut = tmp_path / f"{percent}.jpg"
        cut.write_bytes(whole.read_bytes())
        cuts.append(truncate(cut, percent / 100))
    assert list(check_images(cuts)) == cuts


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><p>not found", "it holds HTML data, not JPEG"),
        (b"\n<html>", "it holds HTML data"),
        (b"II*\x00" + bytes(40), "the TIFF data are corrupt"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "the HEIC data are corrupt"),
        (b"\x00\x00\x00\x18ftypavif" + bytes(40), "the AVIF data are corrupt"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(40), "it holds video data"),
        (b"nothing in particular", "it holds no image that is known here"),
        (b"\xff\xd8\xff", "the JPEG data are corrupt or truncated"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "the WebP data are corrupt"),
    ],
)
def test_the_reason_says_what_the_file_is(tmp_path, contents, reason):
    path = tmp_path / "a.jpg"
    path.write_bytes(contents)
    assert reason in check_images([path])[path]


def test_a_tiff_by_another_name_passes(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (4, 4)).save(path, format="TIFF")
    assert check_images([path]) == {}


def test_a_png_by_the_name_of_a_jpeg_passes(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (4, 4)).save(path, format="PNG")
    assert check_images([path]) == {}


def test_missing_files_broken_links_or_folders_are_named(tmp_path):
    link = tmp_path / "link.jpg"
    link.symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "folder.jpg").mkdir()
    problems = check_images(
        [link, tmp_path / "no.jpg", tmp_path / "folder.jpg"]
    )
    assert list(problems.values()) == [
        "the link points to a file that does not exist",
        "there is no such file",
        "it is a folder, not a file",
    ]


def test_an_image_too_large_to_decode_safely_is_named(tmp_path, monkeypatch):
    path = photo(tmp_path / "a.png", size=(40, 40))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert "more pixels than can be decoded" in check_images([path])[path]


def test_a_damaged_png_chunk_is_found(tmp_path):
    path = photo(tmp_path / "a.png", size=(64, 64))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    assert "the PNG data are corrupt" in check_images([path])[path]


def test_progress_is_drawn_on_a_terminal_when_asked_for(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    paths = [photo(tmp_path / "a.png")]
    check_images(paths)
    assert capsys.readouterr().err == ""
    check_images(paths, progress=True)
    captured = capsys.readouterr()
    assert "Checking images" in captured.err
    assert captured.out == ""


TEXT = "x" * 2_000_000


@pytest.mark.parametrize("where", ["text", "xmp", "profile", "at_the_end"])
def test_a_png_is_sound_whatever_its_texts_hold(tmp_path, where):
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 3), "uint8")
    path, options = tmp_path / "a.png", {}
    texts = PngImagePlugin.PngInfo()
    if where == "profile":
        options["icc_profile"] = b"\0" * 2_000_000
    elif where == "xmp":
        texts.add_itxt("XML:com.adobe.xmp", TEXT, zip=True)
    else:
        texts.add_text("prompt", TEXT, zip=True)
    if where == "at_the_end":
        compressed = b"prompt\0\0" + zlib.compress(TEXT.encode())
        texts = PngImagePlugin.PngInfo()
        texts.add(b"zTXt", compressed, after_idat=True)
    Image.fromarray(pixels).save(path, pnginfo=texts, **options)
    assert check_images([path]) == {}
    read = load_image(path, (32, 32))
    np.testing.assert_array_equal(read, pixels)
