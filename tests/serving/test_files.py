"""Predictions for image files, decoded while the model computes."""

import dataclasses
import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest

from keras_transfer.serving.files import predict_files
from keras_transfer.serving.said import Wanted
from tests.serving.http_client import photograph


@pytest.fixture
def paths(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(photograph(number))
    return [tmp_path / f"{number}.png" for number in range(10)]


def constant(classifier, run=lambda batch: None):
    """The classifier with a model that finds its first class everywhere."""

    def always(batch):
        run(batch)
        return [np.tile([0.5, 0.3, 0.2], (len(batch), 1))]

    return dataclasses.replace(classifier, run=always)


def test_every_file_has_an_answer_in_order(classifier, paths):
    answers = list(
        predict_files(classifier, paths, Wanted(top=2), batch_size=3)
    )
    assert [answer.path for answer in answers] == paths
    assert all(len(answer.said[0].entries) == 2 for answer in answers)
    alone = next(predict_files(classifier, paths[7:8], Wanted(top=2)))
    assert alone.said == answers[7].said


def test_a_broken_file_is_told_and_takes_no_other_with_it(classifier, paths):
    paths[1].write_bytes(b"")
    paths[4].write_bytes(photograph()[:700])
    paths[9].unlink()
    answers = list(predict_files(classifier, paths, Wanted(), batch_size=4))
    faults = {a.path: a.fault for a in answers if a.fault is not None}
    assert faults == {
        paths[1]: "the file is empty",
        paths[4]: "the PNG data are corrupt or truncated",
        paths[9]: "there is no such file",
    }
    assert all((a.said is None) == (a.path in faults) for a in answers)


def test_a_batch_without_a_sound_file_asks_nothing_of_the_model(
    classifier, paths
):
    for path in paths[:4]:
        path.write_bytes(b"")
    sizes = []
    counting = constant(classifier, lambda batch: sizes.append(len(batch)))
    assert (
        len(list(predict_files(counting, paths, Wanted(), batch_size=4))) == 10
    )
    assert sizes == [4, 2]


def test_no_more_than_the_next_batch_is_in_memory(classifier, paths):
    class Watched(list):
        opened = 0

        def __getitem__(self, rows):
            self.opened = max(self.opened, rows.stop)
            return super().__getitem__(rows)

    watched = Watched(paths)
    answers = predict_files(
        constant(classifier), watched, Wanted(), batch_size=2
    )
    next(answers)
    assert watched.opened == 4
    answers.close()
    assert watched.opened == 4


def test_the_next_batch_is_read_while_the_model_computes(classifier, paths):
    is_read = threading.Event()

    class Noticed(pathlib.PosixPath):
        def __fspath__(self):
            is_read.set()
            return super().__fspath__()

    def run(batch):
        assert is_read.wait(30), "nobody read the next batch"

    answers = predict_files(
        constant(classifier, run),
        [paths[0], Noticed(paths[1])],
        Wanted(),
        batch_size=1,
    )
    assert len(list(answers)) == 2


def test_a_bar_is_drawn_where_it_is_asked_for(
    classifier, paths, capsys, monkeypatch
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    list(predict_files(constant(classifier), paths, Wanted(), progress=True))
    assert "Predicting" in capsys.readouterr().err
    list(predict_files(constant(classifier), paths, Wanted()))
    assert capsys.readouterr().err == ""


def test_what_is_not_finite_is_told_of_its_image_alone(classifier, paths):
    def run(batch):
        rows = np.full((len(batch), 3), 1 / 3)
        rows[0] = np.nan
        return [rows]

    broken = dataclasses.replace(classifier, run=run)
    first, second = predict_files(broken, paths[:2], Wanted())
    assert (first.said, second.fault) == (None, None)
    assert first.fault == "the model returns NaN or infinity for it"
    assert len(second.said[0].entries) == 1


def test_large_images_are_computed_a_few_at_a_time(classifier, paths):
    sizes = []
    wide = dataclasses.replace(
        constant(classifier, lambda batch: sizes.append(len(batch))),
        input_shape=(2048, 2048, 3),
        dtype="uint8",
    )
    assert len(list(predict_files(wide, paths[:5], Wanted()))) == 5
    assert sizes == [4, 1]


def test_exported_files_are_answered_without_keras():
    code = (
        "import sys\n"
        "import keras_transfer.serving.files, keras_transfer.serving.opening\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
