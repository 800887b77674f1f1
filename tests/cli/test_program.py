import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.cli import COMMANDS
from keras_transfer.cli import main
from keras_transfer.cli.fit.interruption import StopOnInterrupt

PROGRAM = (sys.executable, "-m", "keras_transfer")
SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import keras_transfer as kt
from keras_transfer.cli import main

def build(input_shape):
    from conftest import build_tiny
    return build_tiny(input_shape)

kt.register_backbone(build, name="test/tiny", default_size=16, minimum_size=8)
raise SystemExit(main(sys.argv[1:]))
"""


def start(*words, **arguments):
    return subprocess.Popen(
        [*map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **arguments,
    )


def seconds(*words, imports=None):
    """The shortest of three runs of a whole process."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return min(taken)


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        *((command, "--help") for command in COMMANDS),
        ("backbones", "list"),
    ],
)
def test_what_needs_no_keras_imports_none(words):
    code = (
        "import sys\n"
        "from keras_transfer.cli import main\n"
        f"code = main({list(words)!r})\n"
        "heavy = {'keras', 'tensorflow', 'numpy', 'sklearn', 'matplotlib'}\n"
        "sys.exit(code or sorted(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_help_and_list_answer_at_once():
    # Against the interpreter's own start, so that a busy machine is no fault.
    bare = seconds(sys.executable, "-c", "import argparse, email.parser")
    assert seconds(*PROGRAM, "--help") < 0.3 * max(1, bare / 0.1)
    listing = seconds(*PROGRAM, "backbones", "list")
    assert listing < 0.4 * max(1, bare / 0.1)


def test_keras_starts_without_notes():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys\n"
            "from keras_transfer.cli.keras_start import start_keras\n"
            "start_keras()\n"
            "import keras\n"
            "keras.ops.ones((2, 2)) + 1\n"
            "os.write(2, b'still here')",
        ],
        capture_output=True,
        text=True,
        env={
            name: value
            for name, value in os.environ.items()
            if name != "TF_CPP_MIN_LOG_LEVEL"
        },
    )
    assert (done.returncode, done.stderr) == (0, "still here")


def test_what_is_no_note_is_let_through():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, sys\n"
            "from keras_transfer.cli import keras_start\n"
            "with keras_start._without_notes():\n"
            "    os.write(2, b'I0000 00:00:1.5 port.cc:1] note\\n')\n"
            "    os.write(2, b'Cannot open libcuda\\n')\n"
            "    raise SystemExit('as well')",
        ],
        capture_output=True,
        text=True,
    )
    assert done.stderr == "Cannot open libcuda\nas well\n"


def test_without_a_command_the_help_is_shown(run):
    code, out, err = run()
    assert (code, out) == (2, "")
    assert "usage: keras-transfer" in err


def test_a_misspelled_command_is_one_sentence(run):
    code, _, err = run("fti")
    assert code == 2
    assert "invalid choice: 'fti'" in err
    assert err.count("\n") == 1


def test_the_version_is_the_package_s(run):
    assert run("--version") == (0, f"{kt.__version__}\n", "")


def test_arguments_are_not_guessed_from_their_beginning(run, photos):
    code, _, err = run("fit", photos, "--epoch=3")
    assert code == 2
    assert "unrecognized arguments: --epoch=3" in err


@pytest.mark.parametrize("words", [("--debug", "plugins"), ("plugins",)])
def test_an_unforeseen_error_is_a_sentence_too(run, monkeypatch, words):
    def fail():
        raise ZeroDivisionError("division by zero\nand a long dump")

    monkeypatch.setattr(kt, "plugins", fail, raising=False)
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert "keras-transfer: ZeroDivisionError: division by zero\n" in err
    assert "Unexpected error; rerun with `--debug`." in err
    assert ("Traceback" in err) == ("--debug" in words)


@pytest.mark.parametrize("number", [1, 9999])
def test_a_reader_that_goes_away_is_no_error(number):
    # One name stays in the buffer until the end; many are written at once.
    process = start(
        sys.executable,
        "-c",
        "from keras_transfer.cli import main\n"
        "import keras_transfer as kt\n"
        f"kt.list_backbones = lambda *a: ['a/' + 'x' * 60] * {number}\n"
        "input()\n"
        "raise SystemExit(main(['backbones', 'list']))",
        stdin=subprocess.PIPE,
    )
    process.stdout.close()
    process.stdin.write("the reader is gone\n")
    process.stdin.close()
    assert process.stderr.read() == ""
    assert process.wait(30) == 141
    process.stderr.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("wait_for", ["Epoch 3/", "Epoch 1/"])
def test_ctrl_c_keeps_the_best_weights(photos, tmp_path, wait_for):
    folder = str(pathlib.Path(__file__).parent)
    process = start(
        *(sys.executable, "-u", "-c", SCRIPT.format(folder=folder)),
        *("fit", photos, "--backbone=test/tiny", "--weights=none"),
        *("--epochs=100000", "--batch-size=1", "--out=kept.keras"),
        cwd=tmp_path,
    )
    for line in process.stdout:
        if line.startswith(wait_for):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "kept.keras" in err
    assert "Traceback" not in err
    model = kt.load_model(tmp_path / "kept.keras")
    assert all(np.isfinite(w).all() for w in model.get_weights())
    epochs = len(kt.info(model).history.get("loss", ()))
    assert (tmp_path / "kept_history.csv").exists() == (epochs > 0)
    assert (tmp_path / "kept_history.png").exists() == (epochs > 0)
    if wait_for == "Epoch 3/":
        assert epochs >= 2
        assert "the best so far" in err
    assert sorted(path.name for path in tmp_path.glob(".kept*")) == []


def test_ctrl_c_before_the_first_epoch_ended(fit, tmp_path, monkeypatch):
    """The signal itself, inside the first batch of this process."""

    class Interrupt(kt.schedules.LinearProbe):
        def on_train_batch_end(self, batch, logs=None):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(kt.schedules, "LinearProbe", Interrupt)
    code, _, err = fit(epochs=3)
    assert code == 130
    assert "Interrupted before the first epoch ended" in err
    assert kt.info(kt.load_model(tmp_path / "model.keras")).history == {}
    assert not (tmp_path / "kept_history.csv").exists()


def test_a_second_ctrl_c_does_not_wait_for_the_batch(capfd):
    with StopOnInterrupt():
        os.kill(os.getpid(), signal.SIGINT)
        assert "Stopping after this batch" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_during_validation_stops_as_well(tiny_model):
    kt.compile_for_transfer(tiny_model)
    x, y = np.zeros((2, 32, 32, 3)), np.array([0, 1])
    with StopOnInterrupt() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            tiny_model.evaluate(x, y, verbose=0, callbacks=[stop])


def test_ctrl_c_before_training_leaves_nothing(fit, tmp_path, monkeypatch):
    def interrupt(*arguments, **options):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(kt.data, "from_directory", interrupt)
    code, _, err = fit()
    assert (code, err) == (130, "\nInterrupted.\n")
    assert not (tmp_path / "model.keras").exists()


def test_main_takes_words_and_returns_the_code(capsys):
    assert main(["backbones", "list", "test/tiny"]) == 0
    assert capsys.readouterr().out == "test/tiny\n"
