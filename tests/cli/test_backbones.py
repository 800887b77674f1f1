import sys

import pytest

import keras_transfer as kt


def register(name, **fields):
    kt.register_backbone(lambda input_shape: None, name=name, **fields)


def test_piped_the_list_is_one_name_per_line(run):
    register("test/tiny10")
    register("test/tiny9")
    code, out, err = run("backbones", "list", "test/*")
    assert (code, err) == (0, "")
    assert out.splitlines() == ["test/tiny", "test/tiny9", "test/tiny10"]


def test_without_a_subcommand_the_list_comes(run):
    code, out, _ = run("backbones")
    assert code == 0
    assert out.splitlines() == kt.list_backbones()


def test_patterns_provider_and_exclude_narrow_the_list(run):
    register("other/tiny_net")
    register("other/big_net")
    code, out, _ = run(
        *("backbones", "list", "tiny*", "big*"),
        *("--provider=other", "--exclude=*big*"),
    )
    assert (code, out) == (0, "other/tiny_net\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["list", "tin"], "matches 'tin'. Patterns stand for whole names"),
        (["list", "--provider=tset"], "There is no provider 'tset'. Expected"),
        (["show", "tini"], "Did you mean 'test/tiny'"),
        (["show", "test/tiny", "--option=width"], "expected NAME=VALUE"),
        (["build"], "invalid choice: 'build'"),
    ],
)
def test_what_is_not_there_is_one_sentence(run, words, sentence):
    code, out, err = run("backbones", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_show_prints_what_is_declared(run, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "wide_8.h5").touch()

    def build(input_shape, width=4):
        raise AssertionError("Showing a backbone must not build it.")

    register("test/unused")
    kt.register_backbone(
        build,
        name="test/full",
        default_size=96,
        minimum_size=48,
        description="A network for tests",
        reference="https://example.org/paper",
        license="MIT",
        stages=(("stem", "conv_1"), ("stage_1", "conv_2")),
        weights={
            "imagenet": lambda input_shape, width=4: kt.WeightsFile(
                f"https://example.org/wide_{width}.h5", license="CC0"
            )
        },
        classifier=("fc_1", "fc_2"),
    )
    code, out, err = run("backbones", "show", "full")
    assert (code, err) == (0, "")
    for text in (
        "test/full",
        "96x96 pixels",
        "48x48 pixels",
        "width=4",
        "stem (to conv_1), stage_1 (to conv_2)",
        "https://example.org/wide_4.h5",
        f"not downloaded to {tmp_path}/models/wide_4.h5",
        "license CC0",
        "fc_1, fc_2, the classifier in weights files",
        "MIT",
        "https://example.org/paper",
        "registered in this process",
    ):
        assert text in out
    _, out, _ = run("backbones", "show", "full", "--option=width=8")
    assert f"in the cache: {tmp_path}/models/wide_8.h5" in out


def test_show_of_a_bare_backbone_says_what_is_unknown(run):
    _, out, _ = run("backbones", "show", "test/tiny")
    assert "detected when it is built" in out
    assert "none published; --weights takes a file" in out
    assert "reference" not in out


def test_on_a_terminal_the_list_names_distributions(run, monkeypatch):
    # The stream that pytest has put in place says that it is none.
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)
    _, out, _ = run("backbones", "list", "test/tiny")
    assert "distribution" in out
    assert "registered in this process" in out


def test_on_a_terminal_a_large_zoo_is_summed_up(run, monkeypatch):
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)
    _, out, _ = run("backbones", "list")
    assert "kecam/coatnet0" not in out
    assert "test/tiny" in out
    command = "keras-transfer backbones list --provider kecam"
    assert f"kecam: 381 more. `{command}`" in out
    for words in (["--provider=kecam"], ["kecam/*"]):
        _, out, _ = run("backbones", "list", *words)
        assert "kecam/coatnet0" in out
        assert "more." not in out
