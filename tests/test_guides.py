"""Every code block of the README and the guides runs; every name is listed."""

import contextlib
import pathlib
import re
import shlex
import shutil

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.cli import main
from tests.reference import GUIDES
from tests.reference import script

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted(p for p in GUIDES.glob("*.md") if p.name != "reference.md"),
]
# `console` is what needs a network, another process, or hours.
LANGUAGES = {"python", "sh", "console", "text", "toml", "json", "bibtex"}
# What running a page prints.
SHOWN = {
    "first_classifier": ("['ants', 'bees']", "8975264"),
    "schedules": ("166",),
}


def blocks_of(page):
    """Pairs of a language and the text of each block."""
    pattern = r"^```([^\n]*)\n(.*?)^```$"
    blocks = re.findall(pattern, page.read_text(), re.M | re.S)
    assert {language for language, _ in blocks} <= LANGUAGES
    return blocks


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A Keras home with random weights under the names of published files."""
    home = tmp_path_factory.mktemp("home")
    (home / "models").mkdir()
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, weights=None, input_shape=(128, 128, 3)
    )
    file = home / "models" / "all.h5"
    backbone.save(file, include_optimizer=False)
    for size in (128, 224):
        name = f"mobilenet_7_5_{size}_tf_no_top.h5"
        (file.parent / name).write_bytes(file.read_bytes())
    return home


@pytest.fixture
def folder(home, tmp_path, monkeypatch):
    """A working folder with photographs of two classes."""
    monkeypatch.setenv("KERAS_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, brightness in (("ants", 0), ("bees", 127)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(5):
            keras.utils.save_img(
                tmp_path / "photos" / name / f"{number}.jpg",
                rng.integers(0, 128, (40, 50, 3)) + brightness,
                scale=False,
            )
    (tmp_path / "flat").mkdir()
    lines = ["file,species,weight"]
    for path in sorted((tmp_path / "photos").rglob("*.jpg")):
        species, number = path.parent.name, path.stem
        shutil.copy(path, tmp_path / "flat" / f"{species}_{number}.jpg")
        lines.append(f"{species}/{path.name},{species},{number}.5")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    return tmp_path


# Published weights are HDF5 files, so the fixture writes one.
@pytest.mark.filterwarnings("ignore:.*HDF5 file.*")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run_in_their_order(page, folder, capsys):
    namespace = {"kt": kt} if page.name == "README.md" else {}
    for language, text in blocks_of(page):
        if language == "python":
            exec(compile(text, page.name, "exec"), namespace)
        elif language == "sh":
            for line in text.splitlines():
                words = shlex.split(line)
                assert words[0] == "keras-transfer", line
                with contextlib.suppress(SystemExit):
                    assert main(words[1:]) == 0, line
    printed = capsys.readouterr().out
    for text in SHOWN.get(page.stem, ()):
        assert text in printed


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.stem
)
def test_links_lead_to_files_and_headings(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("http"):
            continue
        file, _, heading = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
            anchors = {
                re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
                for title in titles
            }
            assert heading in anchors, target


def test_the_readme_is_short_and_begins_with_both_commands():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 200
    commands = [line for line in lines[:25] if line.startswith("python3 -m")]
    assert len(commands) == 2
    assert commands[0].endswith("keras-transfer demo")
    assert commands[1].endswith("pytest")


def test_the_readme_links_every_guide():
    readme = (ROOT / "README.md").read_text()
    for guide in GUIDES.glob("*.md"):
        assert f"(examples/guides/{guide.name})" in readme


def test_the_reference_is_current():
    assert (GUIDES / "reference.md").read_text() == script().reference(), (
        "run `python examples/guides/write_reference.py`"
    )


def test_every_public_name_stands_in_the_reference():
    text = (GUIDES / "reference.md").read_text()
    for name in kt.__all__:
        assert f"## `kt.{name}`" in text
