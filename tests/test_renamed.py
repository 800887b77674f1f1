"""Old public names work for one release; old data loads without a word."""

import json
import zipfile

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer import names
from keras_transfer import schedules as ks
from keras_transfer.structure import model_info
from tests.conftest import build_tiny
from tests.saving.golden import make


def build(input_shape):
    return build_tiny(input_shape=input_shape)


SCHEDULES = {
    "Phase": lambda **given: ks.Phase("*", **given),
    "ChainThaw": ks.ChainThaw,
    "FreezeWindow": lambda **given: ks.FreezeWindow("*", before=1, **given),
    "GradualUnfreeze": ks.GradualUnfreeze,
    "LinearProbeThenFineTune": lambda **given: ks.LinearProbeThenFineTune(
        1, **given
    ),
    "UnfreezeOnPlateau": ks.UnfreezeOnPlateau,
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_takes_and_returns_the_old_learning_rate(name):
    with pytest.warns(
        DeprecationWarning,
        match="`learning_rate` is now called `learning_rate_multiplier`",
    ):
        schedule = SCHEDULES[name](learning_rate=0.5)
    assert schedule.learning_rate_multiplier == 0.5
    with pytest.warns(
        DeprecationWarning,
        match=f"`{name}.learning_rate` is now called "
        f"`{name}.learning_rate_multiplier`",
    ):
        assert schedule.learning_rate == 0.5


def test_both_names_of_one_argument_are_refused():
    with pytest.raises(TypeError, match="`learning_rate` is the old name of"):
        ks.Phase("*", learning_rate=0.5, learning_rate_multiplier=0.5)


def test_the_warning_points_at_the_line_of_the_caller():
    with pytest.warns(DeprecationWarning, match="now called") as caught:
        _ = ks.GradualUnfreeze(learning_rate=0.5).learning_rate
    assert [warning.filename for warning in caught] == [__file__] * 2


def test_fine_tune_takes_the_old_name_of_its_multipliers(tiny_model):
    x = np.zeros((2, *tiny_model.input_shape[1:]), "uint8")
    with pytest.warns(DeprecationWarning, match="`rates` is now called"):
        history = kt.fine_tune(
            tiny_model,
            (x, np.array([0, 1])),
            epochs=2,
            learning_rate=0.5,
            rates={"*": 0.25, "head": 1.0},
            verbose=0,
        ).history
    assert history["learning_rate/head"] == [0.5, 0.5]
    assert history["learning_rate/stem"] == [0.0, 0.125]


def test_functions_and_classes_are_found_by_their_old_names():
    with pytest.warns(DeprecationWarning, match=r"called `kt\.split_at_bound"):
        assert kt.split is kt.split_at_boundary
    with pytest.warns(DeprecationWarning, match="called `FreezeSchedule`"):
        assert ks.ManualPhases is ks.FreezeSchedule
    with pytest.raises(AttributeError, match="has no attribute 'Manually'"):
        _ = ks.Manually
    assert "split" not in kt.__all__
    assert "ManualPhases" not in ks.__all__


def test_a_table_of_a_schedule_is_had_by_its_old_name(tiny_model):
    schedule = ks.LinearProbe()
    with pytest.warns(DeprecationWarning, match=r"called `Schedule\.describe`"):
        table = schedule.dry_run(tiny_model, epochs=2)
    assert table == schedule.describe(tiny_model, epochs=2)


@pytest.mark.parametrize(
    "declare",
    [
        lambda **given: kt.BackboneSpec(build, **given),
        lambda **given: kt.WeightsFile("file:///w.weights.h5", **given),
    ],
    ids=["BackboneSpec", "WeightsFile"],
)
def test_a_plugin_may_still_declare_its_licence(declare):
    with pytest.warns(DeprecationWarning, match="now called `license`"):
        declared = declare(licence="MIT")
    assert declared.license == "MIT"
    with pytest.warns(DeprecationWarning, match=r"\.license`"):
        assert declared.licence == "MIT"


def test_preprocessing_takes_the_old_name_of_std():
    with pytest.warns(DeprecationWarning, match="`deviation` is now .* `std`"):
        old = kt.Preprocessing.of_statistics((0.5,), deviation=(0.25,))
    assert old == kt.Preprocessing.of_statistics(mean=(0.5,), std=(0.25,))


def test_a_new_name_says_nothing(recwarn):
    ks.Phase("*", learning_rate_multiplier=0.5)
    kt.BackboneSpec(build, license="MIT")
    assert not recwarn.list


OLD = {
    "schedule": "FreezeSchedule",
    "phases": [
        {"trainable": "head", "until": {"epochs": 1}, "learning_rate": 0.5},
        {"trainable": "*", "learning_rate": {"slice": [0.01, 1.0, None]}},
    ],
}


def test_schedules_in_old_files_load_without_a_word(tmp_path, recwarn):
    first, second = ks.Schedule.from_data(OLD).phases
    assert first.learning_rate_multiplier == 0.5
    assert second.learning_rate_multiplier == slice(0.01, 1.0)
    text = "schedule: GradualUnfreeze\nlearning_rate: 0.25"
    assert ks.Schedule.from_yaml(text).learning_rate_multiplier == 0.25
    path = tmp_path / "schedule.json"
    path.write_text(json.dumps({"schedule": "ChainThaw", "learning_rate": 2.0}))
    assert ks.Schedule.from_file(path).learning_rate_multiplier == 2.0
    assert not recwarn.list
    assert "learning_rate'" not in str(ks.Schedule.from_data(OLD).to_data())


def test_an_old_and_a_new_key_together_are_refused():
    data = {**OLD["phases"][0], "learning_rate_multiplier": 1.0}
    with pytest.raises(ValueError, match=r"A phase has no \['learning_rate'\]"):
        ks.Schedule.from_data({"schedule": "FreezeSchedule", "phases": [data]})


def test_the_schedule_of_an_old_model_file_is_found(recwarn):
    model = kt.load_model(make.FOLDER / "0.1.0-trained.keras")
    assert kt.info(model).schedule["learning_rate"] == 1.0  # As it was.
    assert ks.of(model).learning_rate_multiplier == 1.0
    assert not [w for w in recwarn if "now called" in str(w.message)]


def licensed():
    spec = kt.BackboneSpec(build, "my/net", default_size=32, license="CC0")
    return kt.create_backbone(spec, weights=None)


def test_an_old_model_file_says_its_license(tmp_path):
    new, old = tmp_path / "new.keras", tmp_path / "old.keras"
    kt.save_model(kt.build_model(licensed(), kt.heads.LinearHead(2)), new)
    with zipfile.ZipFile(new) as source, zipfile.ZipFile(old, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                assert b'"license": "CC0"' in content
                content = content.replace(b'"license"', b'"licence"')
            target.writestr(name, content)
    for load in (kt.load_model, keras.saving.load_model):
        backbone = kt.info(load(old)).backbone
        assert backbone["license"] == "CC0"
        assert "licence" not in backbone


def test_an_old_preset_loads_with_its_license(tmp_path):
    kt.save_backbone(licensed(), tmp_path / "net")
    path = tmp_path / "net" / "backbone.json"
    path.write_text(path.read_text().replace('"license"', '"licence"'))
    assert '"licence": "CC0"' in path.read_text()
    loaded = kt.create_backbone(tmp_path / "net")
    assert model_info.provenance_of(loaded).license == "CC0"


def test_a_class_without_arguments_keeps_its_constructor():
    @names.renamed(old="new")
    class Plain:
        new = 3

    assert "__init__" not in vars(Plain)
    with pytest.warns(DeprecationWarning, match=r"`Plain\.old` is now"):
        assert Plain().old == 3
