"""What the commands say of photographs that they do not read."""

import json

import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt


@pytest.fixture
def phone(tmp_path):
    """A telephone's folder: three are sound, three are not read."""
    folder = tmp_path / "phone"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (20, 20, 3), "uint8")
    for name in ("a.jpg", "b.avif", "scan.tif"):
        Image.fromarray(pixels).save(folder / name)
    (folder / "c.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 40)
    (folder / "d.CR2").write_bytes(b"II*\0" + bytes(40))
    (folder / "e.jp2").write_bytes(bytes(40))
    (folder / "notes.txt").write_text("no photograph")
    return folder


@pytest.fixture
def model(tiny_backbone, tmp_path):
    model = kt.build_model(
        tiny_backbone((16, 16, 3)),
        kt.heads.LinearHead(2),
        class_names=["x", "y"],
    )
    kt.save_model(model, tmp_path / "model.keras")


UNREAD = ("c.HEIC", "d.CR2", "e.jp2")


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_what_is_not_read_is_named(run, model, phone, command):
    words = [command, "model.keras", phone]
    code, out, err = run(*words)
    assert code == 1
    assert all(name in err for name in UNREAD)
    assert "notes" not in err
    assert [name in out for name in ("a.jpg", "b.avif", "scan.tif")] == 3 * [
        True
    ]
    code, _, err = run(*words, "--bad-files", "skip")
    assert code == 0
    assert all(name in err for name in UNREAD)


def test_json_has_a_record_for_each(run, model, phone):
    _, out, _ = run("predict", "model.keras", phone, "--json")
    faults = {
        record["image"].rpartition("/")[2]: "error" in record
        for record in json.loads(out)
    }
    assert sorted(name for name, bad in faults.items() if bad) == [*UNREAD]
    assert len(faults) == 6


@pytest.mark.parametrize(
    "words", [["embed", "--out=vectors"], ["nearest", "phone/a.jpg", "-k=1"]]
)
def test_vectors_of_what_is_read_need_leave(run, model, phone, words):
    command = [words[0], "model.keras", phone, *words[1:]]
    code, _, err = run(*command)
    assert code == 2
    assert all(name in err for name in UNREAD)
    code, _, err = run(*command, "--bad-files=skip")
    assert code == 0
    assert "Left out 3 files" in err
    assert all(name in err for name in UNREAD)


def test_the_old_name_is_taken_with_a_warning(run, model, phone):
    words = ["embed", "model.keras", phone, "--out=vectors", "--skip-bad"]
    code, _, err = run(*words)
    assert code == 0
    assert "write --bad-files skip" in err


def test_a_photograph_with_activations_is_named(run, model, phone):
    words = ["activations", "model.keras", phone / "d.CR2"]
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert "d.CR2" in err
    assert run(*words, "--bad-files=skip")[0] == 0


def test_a_folder_of_other_formats_says_which(run, model, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "1.CR2").write_bytes(bytes(9))
    code, _, err = run("predict", "model.keras", "raw")
    assert code == 2
    assert "no image at any depth but .cr2 files" in err


@pytest.mark.parametrize(
    "command",
    ["fit", "predict", "explain", "activations", "embed", "nearest"],
)
def test_all_have_the_one_option(run, command):
    assert "--bad-files {error,skip}" in run(command, "--help")[1]
