"""The report of plugins: backbones and classes of one distribution together."""

import sys

import pytest

import keras_transfer as kt

SOURCE = """
import keras

@keras.saving.register_keras_serializable("report_nets")
class Sound(keras.layers.Layer):
    pass

def net(input_shape):
    pass
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that installs a distribution with a backbone and classes."""
    (tmp_path / "report_nets.py").write_text(SOURCE)
    info = tmp_path / "report_nets-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: report-nets\nVersion: 1.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def add(*classes):
        lines = ["[keras_transfer.backbones]", "report.net = report_nets:net"]
        lines += ["[keras_transfer.serializable]"]
        lines += [
            f"report_nets.{name} = report_nets:{name}" for name in classes
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))

    yield add
    sys.modules.pop("report_nets", None)


def report():
    plugins = {plugin.distribution: plugin for plugin in kt.plugins()}
    assert plugins["keras-transfer"].state == "ok"
    return plugins["report-nets"]


def test_both_groups_are_one_row(install):
    install("Sound")
    plugin = report()
    assert plugin.names == ("report/net", "report_nets>Sound")
    assert (plugin.state, plugin.errors) == ("ok", ())


def test_a_class_that_is_missing_breaks_its_distribution_alone(install):
    install("Sound", "Missing")
    plugin = report()
    assert plugin.state == "broken"
    (error,) = plugin.errors
    assert error.startswith("report_nets>Missing: AttributeError")
