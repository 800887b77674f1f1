import sys

import pytest

import keras_transfer as kt


def test_sound_plugins_are_listed(run):
    code, out, err = run("plugins")
    assert (code, err) == (0, "")
    row = next(
        line for line in out.splitlines() if line.startswith("registered")
    )
    assert row.split()[-3:] == ["1", "0", "ok"]


def test_a_broken_plugin_is_explained(run, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "raise RuntimeError('no license found')")
    code, out, _ = run("plugins")
    assert code == 1
    row = next(line for line in out.splitlines() if "broken" in line)
    assert row.split() == ["broken-nets", "1.2", "1", "0", "broken"]
    assert "broken-nets: broken/net: RuntimeError: no license found" in out


def test_a_broken_class_is_explained(run, tmp_path, monkeypatch):
    install(
        tmp_path,
        monkeypatch,
        "Layer = 3",
        "[keras_transfer.serializable]\nbroken.Layer = broken_nets:Layer\n",
    )
    code, out, _ = run("plugins")
    assert code == 1
    row = next(line for line in out.splitlines() if "broken" in line)
    assert row.split() == ["broken-nets", "1.2", "0", "1", "broken"]
    assert "broken-nets: broken>Layer: ValueError: The entry point of" in out


def test_asking_for_a_broken_backbone_names_its_plugin(
    run, tmp_path, monkeypatch
):
    install(tmp_path, monkeypatch, "raise RuntimeError('no license found')")
    code, out, err = run("backbones", "show", "broken/net")
    assert (code, out) == (2, "")
    assert "RuntimeError: no license found" in err
    assert "of the distribution broken-nets 1.2" in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("tiny_registered")
def test_listing_does_not_import_a_broken_plugin(run, tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, "raise RuntimeError('no license found')")
    code, out, _ = run("backbones", "list", "--provider=broken")
    assert (code, out) == (0, "broken/net\n")
    assert "broken/net" in kt.list_backbones()


def test_an_extra_that_is_not_installed_is_no_fault(run, tmp_path, monkeypatch):
    install(
        tmp_path, monkeypatch, "NET = lambda input_shape: None", extra="zoo"
    )
    code, out, _ = run("plugins")
    assert code == 0
    row = next(line for line in out.splitlines() if "[zoo]" in line)
    assert row.split() == [
        "broken-nets[zoo]",
        "1.2",
        "1",
        "0",
        "not",
        "installed",
    ]
    assert "Run `pip install 'broken-nets[zoo]'` for its names." in out
    code, out, err = run("backbones", "show", "broken/net")
    assert (code, out) == (2, "")
    assert "needs no-such-package, which is not installed. Run `pip" in err


BACKBONE = "[keras_transfer.backbones]\nbroken.net = broken_nets:net\n"


def install(folder, monkeypatch, source, entry_points=BACKBONE, extra=""):
    """Puts a distribution with one module on the path."""
    monkeypatch.delitem(sys.modules, "broken_nets", raising=False)
    (folder / "broken_nets.py").write_text(source)
    metadata = folder / "broken_nets-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: broken-nets\nVersion: 1.2\n"
        f"Requires-Dist: no-such-package; extra == '{extra}'\n"
    )
    if extra:
        entry_points = entry_points.replace(":net\n", f":net [{extra}]\n")
    (metadata / "entry_points.txt").write_text(entry_points)
    monkeypatch.syspath_prepend(folder)
