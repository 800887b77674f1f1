import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from PIL import PngImagePlugin

from keras_transfer.data import check_images
from keras_transfer.data import load_image
from keras_transfer.data import opening
from tests.data.deep_files import deep_png
from tests.data.deep_files import png_chunk
from tests.data.deep_files import tiff
from tests.data.photos import photo
from tests.data.photos import truncate


def noise(bits=8, bands=3, seed=0):
    """Returns numbers of so many bits, the largest of them among them."""
    rng = np.random.default_rng(seed)
    kind = "uint8" if bits == 8 else "uint16"
    values = rng.integers(0, 2**bits, (6, 8, bands)).astype(kind)
    values[0, 0] = 2**bits - 1
    if bands in (2, 4):
        # Colours count for less where they are transparent.
        values[..., -1] = 2**bits - 1
    return values


def read(path, color_mode="rgb"):
    return load_image(path, (6, 8), color_mode)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg"])
@pytest.mark.parametrize("suffix", [".tif", ".TIFF"])
def test_a_tiff_gives_its_pixels(tmp_path, suffix, compression):
    path = photo(tmp_path / f"a{suffix}", compression=compression)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(load_image(path, (9, 12)), expected)
    assert check_images([path]) == {}


def test_the_first_page_of_a_tiff_is_read(tmp_path):
    pages = [Image.new("RGB", (6, 6), c) for c in ("red", "blue")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert load_image(tmp_path / "a.tif", 6)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("suffix", "options"),
    [(".avif", {"quality": 95}), (".heic", {"quality": 95})],
)
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_telephones_files_are_read_upright(
    tmp_path, suffix, options, orientation
):
    if suffix == ".heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    upright = np.full((48, 32, 3), 20, "uint8")
    upright[:24, :16] = 220
    stored = {1: upright, 3: upright[::-1, ::-1]}.get(orientation)
    if stored is None:
        stored = np.rot90(upright, 1 if orientation == 6 else -1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    image = Image.fromarray(np.ascontiguousarray(stored))
    # Each format has a field of its own, which the writers fill from this.
    image.info["exif"] = exif.tobytes()
    given = {} if suffix == ".heic" else {"exif": exif}
    image.save(path, **given, **options)
    assert check_images([path]) == {}
    pixels = load_image(path, (48, 32))
    assert np.abs(pixels - upright).mean() < 8


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_tiff_is_turned_once(tmp_path, orientation):
    upright = np.zeros((24, 16), "uint8")
    upright[:12, :8] = 250
    upright[:4, 8:] = 120
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    stored = np.ascontiguousarray(stored)
    for name, values in (("a", stored), ("b", stored.astype("uint16") << 8)):
        path = tmp_path / f"{name}.tif"
        tiff(path, values[..., None], tag_274=[orientation])
        pixels = load_image(path, (24, 16), "grayscale")[..., 0]
        np.testing.assert_array_equal(pixels, upright)


def test_heic_without_its_package_names_the_extra(tmp_path, monkeypatch):
    path = tmp_path / "a.HEIC"
    path.write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 40)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    opening._open_heic.cache_clear()
    with pytest.raises(ValueError, match=r"keras-transfer\[heic\]"):
        load_image(path)
    assert "keras-transfer[heic]" in check_images([path])[path]


@pytest.mark.parametrize("suffix", [".heic", ".avif", ".tif"])
def test_half_a_file_is_told(tmp_path, suffix):
    if suffix == ".heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    path = truncate(photo(tmp_path / f"a{suffix}", size=(200, 200)))
    assert "corrupt or truncated" in check_images([path])[path]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("bands", [1, 3, 4])
@pytest.mark.parametrize("kind", ["png", "<", ">", "<deflated", ">deflated"])
def test_fewer_bits_than_sixteen_fill_the_range(tmp_path, kind, bands, bits):
    values = noise(bits, bands).astype("uint16")
    if kind == "png":
        path = deep_png(tmp_path / "a.png", values)
    else:
        path = tiff(
            tmp_path / "a.tif",
            values,
            order=kind[0],
            is_compressed=len(kind) > 1,
        )
    mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[bands]
    np.testing.assert_array_equal(read(path, mode), values >> (bits - 8))
    assert check_images([path]) == {}


@pytest.mark.parametrize("bits", [12, 16])
def test_gray_with_transparency_fills_the_range(tmp_path, bits):
    values = noise(bits, 2)
    pixels = read(deep_png(tmp_path / "a.png", values), "rgba")
    expected = (values >> (bits - 8))[..., [0, 0, 0, 1]]
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("bands", [1, 3])
def test_what_a_file_declares_goes_before_what_it_holds(tmp_path, bands):
    dark = noise(10, bands)
    largest = tiff(tmp_path / "a.tif", dark, tag_281=[4095] * bands)
    bits = png_chunk(b"sBIT", bytes([12] * bands))
    significant = deep_png(tmp_path / "a.png", dark, bits)
    for path in (largest, significant):
        pixels = read(path, "grayscale" if bands == 1 else "rgb")
        np.testing.assert_array_equal(pixels, dark >> 4)
    wrong = tiff(tmp_path / "b.tif", dark, tag_281=[255] * bands)
    pixels = read(wrong, "grayscale" if bands == 1 else "rgb")
    np.testing.assert_array_equal(pixels, dark >> 2)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros((4, 4, 5), "uint8"), "it has 5 bands"),
        (np.zeros((4, 4, 12), "uint16"), "it has 12 bands"),
        (np.zeros((4, 4, 1), "uint32"), None),
        (np.zeros((4, 4, 3), "uint32"), "its pixels have 32 bits"),
        (np.full((4, 4, 1), 2**17, "uint32"), "whole numbers from 131072"),
    ],
)
def test_a_tiff_of_other_numbers_is_refused(tmp_path, values, reason):
    path = tiff(tmp_path / "a.tif", values)
    found = check_images([path]).get(path)
    if reason is None:
        assert found is None
        return
    assert reason in found
    with pytest.raises(ValueError, match=f"Cannot read .*a.tif: .*{reason}"):
        load_image(path)


def test_planes_of_sixteen_bits_are_refused_not_misread(tmp_path):
    path = tiff(tmp_path / "a.tif", noise(16), planes=2)
    with pytest.raises(ValueError, match="separate planes of 16 bits"):
        load_image(path)
    path = tiff(tmp_path / "b.tif", noise(8), planes=2)
    np.testing.assert_array_equal(read(path), noise(8))


@pytest.mark.parametrize("bands", [1, 3])
def test_floating_point_numbers_are_refused(tmp_path, bands):
    values = np.zeros((4, 4, bands), "float32")
    path = tiff(tmp_path / "a.tif", values, tag_339=[3] * bands)
    assert "floating-point" in check_images([path])[path]
    with pytest.raises(ValueError, match="save it with 8 or 16 bits"):
        load_image(path)


def bitmap(path, alpha):
    pixels = np.zeros((4, 4, 4), "uint8")
    pixels[...] = (30, 60, 90, alpha)  # Blue, green, red.
    header = struct.pack(
        "<IiiHHIIiiII4I", 108, 4, 4, 1, 32, 3, 64, 0, 0, 0, 0,
        0xFF0000, 0xFF00, 0xFF, 0xFF000000,
    )  # fmt: skip
    header = header.ljust(108, b"\0")
    start = 14 + len(header)
    path.write_bytes(
        struct.pack("<2sIHHI", b"BM", start + 64, 0, 0, start)
        + header
        + pixels.tobytes()
    )
    return path


def test_a_bitmap_whose_alpha_is_never_set_shows_its_colours(tmp_path):
    path = bitmap(tmp_path / "a.bmp", alpha=0)
    assert load_image(path, 4)[0, 0].tolist() == [90, 60, 30]
    assert load_image(path, 4, "rgba")[0, 0].tolist() == [90, 60, 30, 255]
    path = bitmap(tmp_path / "b.bmp", alpha=51)
    assert load_image(path, 4)[0, 0].tolist() == [222, 216, 210]


def test_large_texts_do_not_make_a_png_unsound(tmp_path):
    pixels = noise(8)
    for name in ("text", "xmp", "profile"):
        texts, options = PngImagePlugin.PngInfo(), {}
        if name == "text":
            texts.add_text("prompt", "x" * 2_000_000, zip=True)
        elif name == "xmp":
            texts.add_itxt("XML:com.adobe.xmp", "y" * 2_000_000, zip=True)
        else:
            options["icc_profile"] = bytes(2_000_000)
        path = tmp_path / f"{name}.png"
        Image.fromarray(pixels).save(path, pnginfo=texts, **options)
        assert check_images([path]) == {}
        np.testing.assert_array_equal(read(path), pixels)


def test_a_tiff_of_endless_tags_is_refused_before_pillow_reads_it(tmp_path):
    entry = struct.pack("<HHII", 65000, 7, 2**20, 8)
    path = tmp_path / "a.tif"
    path.write_bytes(
        b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 900) + 900 * entry
    )
    assert check_images([path]) == {
        path: "the TIFF data are corrupt or truncated"
    }
    with pytest.raises(SyntaxError, match="more than there is"):
        opening.with_image(path, lambda image: None)


def test_files_open_before_any_of_a_telephone_has(tmp_path):
    # Pillow fails on the name of a format that nobody has registered yet.
    path = photo(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_text("<html>")
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from keras_transfer.data.check import check_images\n"
            "print(list(check_images(sys.argv[1:]).values()))",
            path,
            tmp_path / "b.jpg",
        ],
        capture_output=True,
        text=True,
    ).stdout
    assert said.count("it holds HTML data, not JPEG") == 1, said
    assert said.count("'") == 2
