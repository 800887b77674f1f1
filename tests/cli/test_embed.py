import json

import numpy as np
import pytest

import keras_transfer as kt


@pytest.fixture
def model(tiny_backbone, tmp_path):
    model = kt.build_model(tiny_backbone((16, 16, 3)), kt.heads.LinearHead(2))
    kt.save_model(model, tmp_path / "model.keras")
    return model


def test_embed_writes_what_python_computes(run, model, photos, tmp_path):
    code, out, err = run(
        "embed", "model.keras", photos, "--at=relu_2", "--out=vectors"
    )
    assert (code, err) == (0, "")
    assert out == "24 vectors of 8 values, float32, in vectors\n"
    np.testing.assert_array_equal(
        np.load(tmp_path / "vectors" / "vectors.npy"),
        kt.embed(model, photos, "relu_2").vectors,
    )


def test_embed_says_what_has_changed(run, model, photos):
    run("embed", "model.keras", photos, "--out=vectors")
    words = ("embed", "model.keras", photos, "--out=vectors", "--dtype=float16")
    code, _, err = run(*words)
    assert code == 2
    assert "other arrays (vectors was '(12,) float32', is now" in err
    assert run(*words, "--rebuild")[0] == 0


def test_embed_leaves_damaged_photographs_out(run, model, photos):
    (photos / "day" / "3.png").write_bytes(b"")
    words = ("embed", "model.keras", photos, "--out=vectors")
    assert run(*words)[0] == 2
    code, out, err = run(*words, "--skip-bad")
    assert code == 0
    assert out.startswith("23 vectors")
    assert "Left out 1 file" in err


def test_nearest_lists_and_draws_neighbours(run, model, photos, tmp_path):
    query = photos / "day" / "1.png"
    words = ("nearest", "model.keras", photos, query, "-k=3", "--index=index")
    code, out, err = run(*words, "--plot=n.png")
    assert (code, err) == (0, "")
    lines = [line.split("\t") for line in out.splitlines()]
    expected = kt.nearest(model, photos, query, k=3)
    assert [line[:2] for line in lines] == [
        [str(query), neighbor.path] for neighbor in expected
    ]
    assert [line[3] for line in lines] == [n.label for n in expected]
    assert (tmp_path / "n.png").exists()
    assert (tmp_path / "index" / "vectors.npy").exists()
    code, out, _ = run(*words, "--json")
    (record,) = json.loads(out)
    assert record["query"] == str(query)
    for found, wanted in zip(record["neighbors"], expected, strict=True):
        assert (found["path"], found["label"]) == (wanted.path, wanted.label)
        assert found["score"] == pytest.approx(wanted.score, abs=1e-6)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["embed", "m", "photos", "--out=o"], "There is no model file 'm'."),
        (["embed", "model.keras", "no", "--out=o"], "There is no folder 'no'."),
        (["embed", "model.keras", "photos"], "required: --out"),
        (["nearest", "model.keras", "photos", "no.png"], "file or folder no.p"),
        (
            ["nearest", "model.keras", "photos", "photos/day/1.png", "-k=99"],
            "There are 23 photographs to be neighbours",
        ),
        (
            ["nearest", "model.keras", "photos", "x", "--plot=no/n.png"],
            "the folder 'no' does not exist",
        ),
        (
            ["embed", "model.keras", "photos", "--out=o", "--at=relu_9"],
            "Did you mean",
        ),
    ],
)
def test_a_wrong_argument_is_one_sentence(run, model, photos, words, sentence):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
