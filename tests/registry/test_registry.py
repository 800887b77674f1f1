"""The registry: names from metadata, plugins isolated from each other."""

import importlib.metadata
import sys
import types

import pytest

from keras_transfer.models.plugin_report import plugins_of
from keras_transfer.registry.registry import Registry


class Distribution:
    """What an entry point knows of the distribution that declares it."""

    def __init__(self, name, version="1.0", requires=None):
        self.name, self.version, self.requires = name, version, requires


def entry_point(name, value, distribution="tests", requires=None):
    point = importlib.metadata.EntryPoint(name, value, "tests.backbones")
    return point._for(Distribution(distribution, requires=requires))


@pytest.fixture
def plugin_module(monkeypatch):
    """Puts a module on the import path by name and contents."""

    def make(name, **contents):
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)

    return make


def registry(*points):
    return Registry(
        "tests.backbones", "backbone", lambda name, v: v, lambda: points
    )


def test_names_are_full_and_in_natural_order():
    names = registry(
        entry_point("a.net10", "m:x"),
        entry_point("a.net9", "m:x"),
        entry_point("b.net1", "m:x"),
    ).names()
    assert names == ["a/net9", "a/net10", "b/net1"]


def test_names_are_filtered_by_patterns_and_provider():
    points = registry(
        entry_point("a.mobilenet", "m:x"),
        entry_point("a.mobilenet_v2", "m:x"),
        entry_point("a.vgg16", "m:x"),
        entry_point("b.vgg16", "m:x"),
    )
    assert points.names("*MobileNet*") == ["a/mobilenet", "a/mobilenet_v2"]
    assert points.names("*mobilenet*", exclude="*_v2") == ["a/mobilenet"]
    assert points.names(["vgg*", "a/m*t"]) == [
        "a/mobilenet",
        "a/vgg16",
        "b/vgg16",
    ]
    assert points.names(provider="b") == ["b/vgg16"]
    assert points.names("resnet*") == []


def test_listing_imports_no_plugin():
    points = registry(entry_point("a.net", "no_such_module_anywhere:x"))
    assert points.names() == ["a/net"]


def test_a_short_name_resolves_where_it_is_unique(plugin_module):
    plugin_module("first_plugin", NET="first")
    plugin_module("second_plugin", NET="second")
    points = registry(
        entry_point("a.net", "first_plugin:NET"),
        entry_point("b.net", "second_plugin:NET"),
        entry_point("b.other", "second_plugin:NET"),
    )
    assert points.get("other") == "second"
    assert points.get("a/net") == "first"
    with pytest.raises(ValueError, match=r"ambiguous.*'a/net', 'b/net'"):
        points.get("net")


def test_what_needs_no_extra_has_the_short_name(plugin_module):
    plugin_module("zoo_plugin", NET="of the zoo", OTHER="other")
    plugin_module("own_plugin", NET="own")
    points = registry(
        entry_point("zoo.net", "zoo_plugin:NET [pytest]"),
        entry_point("own.net", "own_plugin:NET"),
        entry_point("zoo.other", "zoo_plugin:OTHER [pytest]"),
    )
    assert points.get("net") == "own"
    assert points.get("zoo/net") == "of the zoo"
    assert points.get("other") == "other"


REQUIRES = [
    "numpy",
    "pytest>=8 ; extra == 'here'",
    'no-such-package==1.4 ; extra == "absent"',
    "another-one ; extra == 'unasked'",
]


def test_a_missing_extra_says_how_to_install_it(plugin_module):
    plugin_module("zoo_plugin", NET="net")
    here = entry_point("zoo.net", "zoo_plugin:NET [here]", "zoo", REQUIRES)
    absent = entry_point("zoo.far", "nowhere:NET [absent]", "zoo", REQUIRES)
    points = registry(here, absent)
    assert points.names() == ["zoo/far", "zoo/net"]
    assert points.get("net") == "net"
    sentence = (
        r"The backbone 'zoo/far' needs no-such-package, which is not "
        r"installed\. Run `pip install 'zoo\[absent\]'`\."
    )
    with pytest.raises(ValueError, match=sentence):
        points.get("far")


def test_a_missing_extra_is_a_state_of_its_own(plugin_module):
    plugin_module("zoo_plugin", NET="net")
    points = registry(
        entry_point("zoo.net", "zoo_plugin:NET", "zoo", REQUIRES),
        entry_point("zoo.near", "zoo_plugin:NET [here]", "zoo", REQUIRES),
        entry_point("zoo.far", "nowhere:NET [absent]", "zoo", REQUIRES),
    )
    report = {p.distribution: p for p in plugins_of(points)}
    states = {name: plugin.state for name, plugin in report.items()}
    assert states == {
        "zoo": "ok",
        "zoo[here]": "ok",
        "zoo[absent]": "not installed",
    }
    assert report["zoo[absent]"].names == ("zoo/far",)
    assert report["zoo[absent]"].errors == ()


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("vgg61", "a/vgg16"), ("VGG16", "a/vgg16"), ("a/vg16", "a/vgg16")],
)
def test_an_unknown_name_suggests_the_close_one(typo, meant):
    points = registry(entry_point("a.vgg16", "m:x"))
    with pytest.raises(ValueError, match=f"Unknown.*Did you mean '{meant}'"):
        points.get(typo)


def test_a_name_that_is_no_string_is_refused():
    with pytest.raises(TypeError, match="must be a string. Received: 16"):
        registry().get(16)


def test_an_empty_registry_says_that_the_package_is_not_installed():
    with pytest.raises(ValueError, match="not installed. Run `pip install"):
        registry().get("vgg16")


def test_two_distributions_with_one_name_are_both_named(plugin_module):
    plugin_module("one_plugin", NET=1)
    plugin_module("two_plugin", NET=2)
    points = registry(
        entry_point("a.net", "one_plugin:NET", "first-dist"),
        entry_point("a.net", "two_plugin:NET", "second-dist"),
        entry_point("a.free", "two_plugin:NET", "second-dist"),
    )
    with pytest.raises(ValueError, match=r"first-dist 1\.0 and second-dist"):
        points.get("a/net")
    assert points.get("free") == 2
    assert {p.state for p in plugins_of(points)} == {"conflict"}


def test_one_distribution_found_twice_is_one(plugin_module):
    plugin_module("one_plugin", NET=1)
    point = entry_point("a.net", "one_plugin:NET")
    assert registry(point, point).get("net") == 1


def test_broken_plugins_stay_isolated_and_are_explained(
    plugin_module, tmp_path, monkeypatch
):
    (tmp_path / "raising_plugin.py").write_text("raise RuntimeError('boom')")
    monkeypatch.syspath_prepend(tmp_path)
    plugin_module("good_plugin", NET="good")
    points = registry(
        entry_point("bad.raising", "raising_plugin:NET", "dist-a"),
        entry_point("bad.missing", "no_such_module_anywhere:NET", "dist-b"),
        entry_point("bad.attribute", "good_plugin:NOTHING", "dist-c"),
        entry_point("good.net", "good_plugin:NET", "dist-d"),
    )
    assert points.get("good/net") == "good"
    with pytest.raises(RuntimeError, match="boom") as raised:
        points.get("bad/raising")
    assert "distribution dist-a 1.0" in raised.value.__notes__[0]
    with pytest.raises(ModuleNotFoundError):
        points.get("bad/missing")
    report = {plugin.distribution: plugin for plugin in plugins_of(points)}
    assert report["dist-a"].errors == ("bad/raising: RuntimeError: boom",)
    assert "no_such_module_anywhere" in report["dist-b"].errors[0]
    assert "AttributeError" in report["dist-c"].errors[0]
    assert [report[f"dist-{x}"].state for x in "abcd"] == ["broken"] * 3 + [
        "ok"
    ]


def test_a_registered_name_is_found_and_not_replaced_silently():
    points = registry()
    points.register("me/net", 1)
    assert points.get("net") == 1
    with pytest.raises(ValueError, match="exists already"):
        points.register("me/net", 2)
    points.register("me/net", 2, override=True)
    assert points.get("net") == 2


@pytest.mark.parametrize("name", ["net", "a/b/c", "me/ net", "", None, 3])
def test_a_malformed_name_is_refused(name):
    with pytest.raises(ValueError, match="is 'provider/name'"):
        registry().register(name, 1)


def test_an_object_that_does_not_fit_leaves_no_trace():
    def refuse(name, value):
        raise TypeError("not a backbone")

    points = Registry("g", "backbone", refuse, lambda: ())
    with pytest.raises(TypeError, match="not a backbone"):
        points.register("me/net", 1)
    assert points.names() == []


def lists(**names):
    return lambda: names


def test_a_provider_lists_names_of_its_own(plugin_module):
    plugin_module("zoo", names=lists(lion="zoo.cats:lion"))
    plugin_module("zoo.cats", lion="a lion")
    points = registry(
        entry_point("zoo", "zoo:names"), entry_point("a.net", "m:x")
    )
    assert points.names() == ["a/net", "zoo/lion"]
    assert points.get("lion") == points.get("zoo/lion") == "a lion"
    assert points.owner("zoo/lion") == ("tests", "1.0")


def test_what_a_provider_lists_is_imported_when_it_is_asked_for(plugin_module):
    plugin_module("zoo", names=lists(lion="zoo_cats_missing:lion"))
    points = registry(entry_point("zoo", "zoo:names"))
    assert points.names() == ["zoo/lion"]
    with pytest.raises(ModuleNotFoundError, match="zoo_cats_missing"):
        points.get("zoo/lion")


def test_names_of_a_provider_need_its_extra(plugin_module):
    plugin_module("zoo", names=lists(lion="zoo.cats:lion"))
    points = registry(
        entry_point(
            "zoo",
            "zoo:names [cats]",
            requires=['no_such_cats>=2; extra == "cats"', "pytest"],
        )
    )
    assert points.names() == ["zoo/lion"]
    with pytest.raises(
        ValueError, match=r"needs no_such_cats, which .*install 'tests\[cats\]'"
    ):
        points.get("zoo/lion")
    (report,) = plugins_of(points)
    assert (report.distribution, report.state) == (
        "tests[cats]",
        "not installed",
    )


def fail():
    raise OSError("the list is lost")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (fail, "OSError: the list is lost"),
        (lambda: ["lion"], r"returns a dictionary .* Received: \['lion'\]"),
        (lambda: {"lion": 3}, "both strings. Received: 'lion': 3"),
        ("no function", "TypeError: 'str' object is not callable"),
    ],
)
def test_a_provider_that_fails_takes_its_own_names_only(
    names, sentence, plugin_module
):
    plugin_module("zoo", names=names)
    points = registry(
        entry_point("zoo", "zoo:names", distribution="zoo-nets"),
        entry_point("a.net", "zoo:names"),
    )
    complaint = (
        f"The provider 'zoo' of the distribution zoo-nets 1.0 .*{sentence}"
    )
    with pytest.warns(UserWarning, match=complaint):
        assert points.names() == ["a/net"]
    with pytest.raises(ValueError, match=complaint):
        points.get("zoo/lion")
    with pytest.raises(ValueError, match=f"Unknown .* 'lion'.*{complaint}"):
        points.get("lion")
    states = {p.distribution: p.state for p in plugins_of(points)}
    assert states == {"tests": "ok", "zoo-nets": "broken"}


def test_two_providers_of_one_name_are_a_conflict(plugin_module):
    plugin_module("zoo", names=lists(lion="m:x"), others=lists(lion="m:y"))
    points = registry(
        entry_point("zoo", "zoo:names", distribution="one"),
        entry_point("zoo", "zoo:others", distribution="two"),
    )
    with pytest.raises(ValueError, match="claimed by more than one .*one 1.0"):
        points.get("zoo/lion")
