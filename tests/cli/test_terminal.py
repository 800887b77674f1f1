"""What files and folders are called never commands the terminal."""

import json

import pytest

# Clear the screen, its one-byte form, reversed writing.
NAME = "da\x1b[2J\x9b31m\u202ey"
SHOWN = "da\\u001b[2J\\u009b31m\\u202ey"


@pytest.fixture
def hostile(fit, photos):
    """Photographs in a folder of that name, and a model trained on them."""
    (photos / "day").rename(photos / NAME)
    assert_harmless(fit(epochs=1))
    return photos


def assert_harmless(done, code=0):
    found, out, err = done
    for character in set(out + err) - {"\n", "\t", "\r", "\b"}:
        assert character.isprintable(), (character, out, err)
    assert found == code, err
    return out


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "model.keras", "photos"),
        ("predict", "model.keras", "photos", "--csv"),
        ("inspect", "model.keras"),
        ("nearest", "model.keras", "photos", f"photos/{NAME}/1.png"),
        ("explain", "model.keras", f"photos/{NAME}/1.png", "--method=grad-cam"),
    ],
)
def test_names_are_shown_with_their_escapes(run, hostile, words):
    assert SHOWN in assert_harmless(run(*words))


def test_json_holds_the_name_as_it_is(run, hostile):
    out = assert_harmless(run("predict", "model.keras", hostile, "--json"))
    labels = {one["classes"][0]["class"] for one in json.loads(out)}
    assert labels <= {NAME, "night"}
    out = assert_harmless(run("inspect", "model.keras", "--json"))
    assert json.loads(out)["class_names"] == [NAME, "night"]


def test_an_exported_file_is_no_different(run, hostile):
    pytest.importorskip("ai_edge_litert")
    assert_harmless(run("export", "model.keras", f"{NAME}.tflite"))
    words = "predict", f"{NAME}.tflite", hostile
    assert SHOWN in assert_harmless(run(*words))


def test_errors_quote_them_with_their_escapes(run, hostile):
    (hostile / NAME / "1.png").write_bytes(b"no image")
    for command in ("predict", "explain"):
        words = "model.keras", hostile / NAME / "1.png"
        done = run(command, *words)
        assert_harmless(done, code=1)
        assert SHOWN in done[2]
    assert_harmless(run("predict", "model.keras", NAME), code=2)
    assert_harmless(run("explain", "model.keras", "photos", "--class=x"), 2)
