"""Errors speak the language of the command line."""

import argparse
import ast
import pathlib
import re

import numpy as np
import pytest
from PIL import Image

import keras_transfer
import keras_transfer as kt
from keras_transfer.cli import COMMANDS
from keras_transfer.cli.program import _build_parser
from keras_transfer.cli.spoken import spoken

SOURCES = pathlib.Path(keras_transfer.__file__).parent


def parsers(parser=None, name=()):
    """Yields each command's words and its parser, at any depth."""
    parser = parser or _build_parser(COMMANDS)
    children = [
        action
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    if not children:
        yield " ".join(name), parser
    for action in children:
        for word, child in action.choices.items():
            yield from parsers(child, (*name, word))


PARSERS = dict(parsers())


def text_of(node):
    """Returns what a literal says, with X for what is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "X"
            for part in node.values
        )
    return None


def messages():
    """Yields the file, the line and the text of each raise or warning."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            is_warning = isinstance(node, ast.Call) and (
                getattr(node.func, "attr", None) == "warn"
            )
            if not is_warning and not isinstance(node, ast.Raise):
                continue
            for part in ast.walk(node):
                text = text_of(part)
                if text:
                    yield path.relative_to(SOURCES), part.lineno, text
        # What is put together before it is raised.
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign | ast.Return) and node.value:
                for part in ast.walk(node.value):
                    text = text_of(part)
                    if text and " " in text:
                        yield path.relative_to(SOURCES), part.lineno, text


MESSAGES = sorted(set(messages()))


def python_names(parser):
    """Names that the command has as options, spelled as Python does."""
    return {
        option.removeprefix("--").replace("-", "_")
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--") and action.help != argparse.SUPPRESS
    } - {"help", "debug"}


@pytest.mark.parametrize("command", PARSERS)
def test_no_message_spells_an_option_as_python_does(command):
    parser = PARSERS[command]
    names = python_names(parser)
    left = []
    for path, line, text in MESSAGES:
        if not any(f"`{name}`" in text or f"{name}=" in text for name in names):
            continue
        said = spoken(text, parser)
        left += [
            f"{path}:{line}: {said}"
            for name in names
            if f"`{name}`" in said or re.search(rf"(?<![\w.-]){name}=", said)
        ]
    assert left == []


def test_there_are_messages_and_commands_enough():
    # Else the test above would pass for having found nothing.
    assert len(MESSAGES) > 1000
    assert len(PARSERS) >= 15
    fit = PARSERS["fit"]
    changed = [text for _, _, text in MESSAGES if spoken(text, fit) != text]
    assert len(changed) > 50


@pytest.mark.parametrize(
    ("command", "text", "expected"),
    [
        ("fit", 'pass bad_files="skip" to', "pass --bad-files skip to"),
        ("embed", "pass `bad_files='skip'`.", "pass `--bad-files skip`."),
        ("fit", "`epochs` must be at least 1", "--epochs must be at least 1"),
        ("fit", "Received: seed=-1", "Received: --seed -1"),
        ("fit", "or `weights=None`.", "or `--weights none`."),
        ("fit", "or `cache=False`.", "or `--cache none`."),
        ("fit", "use augment=True, too", "use --augment, too"),
        ("fit", "with augment=False", "with no --augment"),
        ("fit", "Choose a smaller `image_size` or", "smaller --image-size or"),
        ("embed", "embed: `at=`. Before", "embed: `--at`. Before"),
        ("predict", "`epochs` must be", "`epochs` must be"),
        ("predict", "with batch_size=3", "with batch_size=3"),
        ("fit", "my_epochs=3", "my_epochs=3"),
        ("fit", "--seed=3 is", "--seed=3 is"),
        ("fit", "hidden_units=(256, 128)", "--hidden-units 256,128"),
        ("export", "share `data`", "share --data"),
    ],
)
def test_names_become_options(command, text, expected):
    assert expected in spoken(text, PARSERS[command])


@pytest.fixture
def files(tiny_backbone, photos, tmp_path):
    """Models and folders, sound or not, to be named on command lines."""
    model = kt.build_model(
        tiny_backbone((16, 16, 3)),
        kt.heads.LinearHead(2),
        class_names=["day", "night"],
    )
    kt.save_model(model, tmp_path / "m.keras")
    (tmp_path / "empty").mkdir()
    (tmp_path / "one").mkdir()
    (tmp_path / "bad" / "day").mkdir(parents=True)
    (tmp_path / "bad" / "night").mkdir()
    for name in ("day", "night"):
        for number in range(3):
            Image.fromarray(np.zeros((16, 16, 3), "uint8")).save(
                tmp_path / "bad" / name / f"{number}.png"
            )
    (tmp_path / "bad" / "day" / "x.jpg").write_bytes(b"")
    (tmp_path / "text.keras").write_text("x")
    return tmp_path


TINY = "--backbone test/tiny --weights none --epochs 1"
WRONG = [
    (f"fit bad {TINY}", "--bad-files skip"),
    ("fit missing", "missing"),
    (f"fit empty {TINY}", "no images and no class folders"),
    ("fit photos --epochs 0", "--epochs"),
    ("fit photos --epochs x", "--epochs"),
    ("fit photos --batch-size 0", "--batch-size"),
    ("fit photos --validation-split 2", "--validation-split"),
    ("fit photos --dropout 1", "--dropout"),
    ("fit photos --seed -1", "--seed"),
    ("fit photos --image-size 0", "--image-size"),
    (f"fit photos {TINY} --image-size 4", "at least 8"),
    ("fit photos --learning-rate 0", "--learning-rate"),
    ("fit photos --head cubic", "--head"),
    ("fit photos --hidden-units 0", "--hidden-units"),
    ("fit photos --option alpha", "NAME=VALUE"),
    ("fit photos --bad-files maybe", "--bad-files"),
    ("fit photos --backbone test/tinny", "test/tinny"),
    (f"fit photos {TINY} --cut-at nowhere", "nowhere"),
    (f"fit photos {TINY} --schedule nothing", "nothing"),
    (f"fit photos {TINY} --augment --cache memory", "--cache none"),
    (f"fit photos {TINY} --hidden-units 3", "--head mlp"),
    (f"fit photos {TINY} --out no/where/m.keras", "no/where"),
    ("predict missing.keras photos", "missing.keras"),
    ("predict m.keras missing", "missing"),
    ("predict m.keras empty", "holds no image"),
    ("predict m.keras photos --top 0", "--top"),
    ("predict m.keras photos --csv --json", "--json"),
    ("predict m.keras photos --bad-files yes", "--bad-files"),
    ("predict text.keras photos", "text.keras"),
    ("explain m.keras photos --method magic", "--method"),
    ("explain m.keras photos --class dusk", "Unknown class 'dusk'"),
    ("explain m.keras photos --at nowhere", "nowhere"),
    ("explain missing.keras photos", "missing.keras"),
    ("explain m.keras empty", "holds no image"),
    ("embed m.keras bad --out v", "--bad-files skip"),
    ("embed m.keras missing --out v", "missing"),
    ("embed m.keras photos", "--out"),
    ("embed m.keras photos --out v --batch-size 0", "--batch-size"),
    ("embed m.keras photos --out v --pooling most", "--pooling"),
    ("embed m.keras photos --out v --at nowhere", "nowhere"),
    ("nearest m.keras bad bad/day/0.png", "--bad-files skip"),
    ("nearest m.keras photos photos/day/0.png -k 0", "-k"),
    ("nearest m.keras photos missing.png", "missing.png"),
    ("nearest m.keras photos photos/day/0.png --metric l3", "--metric"),
    ("activations m.keras missing.png", "missing.png"),
    ("activations m.keras photos/day/0.png --layers no", "'no'"),
    ("activations m.keras photos/day/0.png --channels 0", "--channels"),
    ("export m.keras out.what", "*.what"),
    ("export m.keras out.onnx --precision int8", "--calibrate-on"),
    ("export m.keras o.tflite --precision int4", "--precision"),
    ("export missing.keras out.onnx", "missing.keras"),
    ("serve m.keras --port -1", "--port"),
    ("serve m.keras --max-wait-ms -1", "--max-wait-ms"),
    ("inspect missing.keras", "missing.keras"),
    ("check missing.keras", "missing.keras"),
    ("convert missing.h5 out.keras", "missing.h5"),
    ("backbones show nothing", "nothing"),
    ("no-such-command", "no-such-command"),
]


@pytest.mark.parametrize(("line", "expected"), WRONG)
def test_a_wrong_command_line_reads_its_own_words(run, files, line, expected):
    code, _, err = run(*line.split())
    assert code == 2, err
    assert expected in err
    assert "Unexpected error" not in err
    command = line.split()[0]
    for name in python_names(PARSERS[command]) if command in PARSERS else ():
        assert f"`{name}`" not in err
        assert not re.search(rf"(?<![\w.-]){name}=", err)
