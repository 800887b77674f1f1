import csv
import json
import sys

import html5lib
import pytest

import keras_transfer as kt


@pytest.fixture
def model(fit):
    code, _, err = fit("--learning-rate=0.05")
    assert (code, err) == (0, "")
    return "model.keras"


def test_evaluate_prints_a_table_and_writes_what_is_asked_for(
    run, model, photos, tmp_path
):
    words = "--json=found.json", "--report=page.html"
    code, out, err = run("evaluate", model, photos, *words)
    assert (code, err) == (0, "")
    assert out.startswith("model.keras on photos\n")
    for word in ("day", "night", "precision", "95%", "a perfect model"):
        assert word in out
    assert "Written: found.json, page.html" in out
    found = json.loads((tmp_path / "found.json").read_text())
    again = kt.evaluate(tmp_path / model, photos)
    assert found["accuracy"] == again.accuracy
    text = (tmp_path / "page.html").read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert "Audit of 24 photographs" in text


def test_the_page_says_what_an_audit_takes(
    run, model, photos, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "imagehash", None)
    assert run("evaluate", model, photos, "--report=page.html")[0] == 0
    assert "keras-transfer[audit]" in (tmp_path / "page.html").read_text()


def test_a_threshold_is_that_of_the_second_class(run, model, photos):
    code, out, _ = run("evaluate", model, photos, "--threshold=0.001")
    assert code == 0
    assert "0.001 for night" in out
    code, _, err = run("evaluate", model, photos, "--threshold=2")
    assert code == 2
    assert "expected a number above 0 and below 1" in err


def test_an_exported_file_is_evaluated_the_same(run, model, photos):
    assert run("export", model, "model.onnx", "--data", photos)[0] == 0
    one = run("evaluate", model, photos)[1].partition("\n")[2]
    other = run("evaluate", "model.onnx", photos)[1].partition("\n")[2]
    assert one.split("calibration")[0] == other.split("calibration")[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("none.keras", "photos"), "There is no model file 'none.keras'"),
        (("model.keras", "nowhere"), "There is no folder 'nowhere'"),
        (("model.keras", "photos", "--json=no/x.json"), "Create it first"),
        (("model.keras", "other"), "does not know: 'dusk'"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(
    run, model, photos, words, told
):
    (photos.parent / "other" / "day").mkdir(parents=True)
    (photos.parent / "other" / "dusk").mkdir(parents=True)
    for number in range(2):
        for name in ("day", "dusk"):
            image = photos.parent / "other" / name / f"{number}.png"
            image.write_bytes((photos / "day" / "0.png").read_bytes())
    code, out, err = run("evaluate", *words)
    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_audit_tells_writes_and_answers_with_its_exit_code(
    run, photos, tmp_path
):
    split = tmp_path / "split"
    for part, numbers in (("train", range(8)), ("val", range(8, 12))):
        for name in ("day", "night"):
            (split / part / name).mkdir(parents=True)
            for number in numbers:
                data = (photos / name / f"{number}.png").read_bytes()
                (split / part / name / f"{number}.png").write_bytes(data)
    data = (split / "train/day/0.png").read_bytes()
    (split / "val/day/copy.png").write_bytes(data)
    words = "--csv=found.csv", "--report=page.html", "--fix=clean.csv"
    code, out, err = run("audit", split, *words)
    assert (code, err) == (1, "")
    assert "25 photographs" in out
    assert "the same file in two splits" in out
    with open(tmp_path / "found.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert "val/day/copy.png" in [row["file"] for row in rows]
    html5lib.HTMLParser(strict=True).parse((tmp_path / "page.html").read_text())
    with open(tmp_path / "clean.csv", newline="") as file:
        kept = [row["file"] for row in csv.DictReader(file)]
    assert "val/day/copy.png" in kept
    assert "train/day/0.png" not in kept


def test_audit_with_a_model_looks_at_labels(run, model, photos):
    code, out, err = run("audit", photos, "--model", model)
    assert (code in (0, 1), err) == (True, "")
    assert "takes a network" not in out
    code, _, err = run("audit", photos, "--model", "none.keras")
    assert (code, "There is no model file" in err) == (2, True)
    code, _, err = run("audit", "nowhere")
    assert (code, "There is no folder" in err) == (2, True)


def test_fit_tells_an_interval_and_writes_a_page(fit, tmp_path):
    for option in ("--folds=3", "--report"):
        code, _, err = fit(option, "--validation-split=0")
        assert code == 2
        assert f"{option.partition('=')[0]} judges photographs" in err
    code, out, err = fit("--folds=3", "--report", "--learning-rate=0.05")
    assert code == 0
    assert "Cross-validation: accuracy" in out
    assert "by 2 x 3 folds of 24 photographs" in out
    assert "model_report.html" in out
    text = (tmp_path / "model_report.html").read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    for title in ("Cross-validation", "Training", "Audit of 24 photographs"):
        assert f"<h2>{title}</h2>" in text
    assert "takes a network" not in text


def test_files_of_another_model_are_left_alone(fit, tmp_path):
    for name in ("one", "two"):
        assert fit(f"--out={name}.keras", "--report")[0] == 0
    for name in ("one", "two"):
        for end in ("history.png", "history.csv", "report.html"):
            assert (tmp_path / f"{name}_{end}").exists()


@pytest.mark.parametrize("word", ["--augment", "--schedule=gradual_unfreeze"])
def test_folds_of_another_training_are_refused(fit, word):
    code, out, err = fit("--folds=3", word)
    assert (code, out) == (2, "")
    assert f"Leave {word.split('=')[0]} or --folds out" in err


def test_a_page_is_written_for_other_schedules_too(fit, tmp_path):
    code, _, _ = fit("--report", "--schedule=linear_probe_then_fine_tune")
    assert code == 0
    text = (tmp_path / "model_report.html").read_text()
    assert "takes a network" in text
