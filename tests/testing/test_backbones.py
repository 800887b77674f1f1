"""check_backbone: a sound plugin passes, wrong ones are told what to mend."""

import itertools
import pathlib
import random
import sys

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.testing import ConformanceError
from keras_transfer.testing import check_backbone


@pytest.fixture(autouse=True)
def _own_custom_objects():
    """Forgets the classes that a test registers."""
    known = keras.saving.get_custom_objects()
    before = dict(known)
    yield
    known.clear()
    known.update(before)


STAGES = (("stem", "conv_1"), ("stage_1", "conv_2"), ("stage_2", "conv_3"))


def convolutions(image, widths=(2, 3, 4)):
    x = image
    for number, width in enumerate(widths, start=1):
        x = keras.layers.Conv2D(width, 3, 2, "same", name=f"conv_{number}")(x)
    return x


def build(input_shape, width=2):
    image = keras.Input(input_shape)
    features = convolutions(image, (width, 3, 4))
    return keras.Model(image, features, name="sound")


def spec(builder=build, **fields):
    defaults = {
        "name": "me/net",
        "default_size": 16,
        "minimum_size": 8,
        "stages": STAGES,
    }
    return kt.BackboneSpec(builder, **{**defaults, **fields})


def with_layer(layer_class, *arguments, **options):
    """A specification whose network ends with a layer of the given class."""

    def builder(input_shape):
        image = keras.Input(input_shape)
        x = convolutions(image)
        x = layer_class(*arguments, name="own", **options)(x)
        return keras.Model(image, x, name="net")

    stages = (*STAGES[:2], ("stage_2", "own"))
    return spec(builder, stages=stages)


def refuses(wrong, sentence, **options):
    with pytest.raises(ConformanceError, match=sentence):
        check_backbone(wrong, **options)


@pytest.mark.parametrize(
    "sound",
    [
        spec(),
        spec(preprocessing=kt.Preprocessing.of_mode("caffe")),
        spec(preprocessing=lambda images: images / 255),
        spec(stages="auto"),
        build,
    ],
)
def test_a_sound_backbone_passes(sound):
    options = {} if isinstance(sound, kt.BackboneSpec) else {"width": 5}
    if sound is build:
        sound = kt.BackboneSpec(build, default_size=32)
    check_backbone(sound, **options)


def test_a_builder_alone_is_enough():
    def tokens(input_shape):
        image = keras.Input(input_shape)
        x = keras.layers.Conv2D(4, 16, 16)(image)
        return keras.Model(image, keras.layers.Reshape((-1, 4))(x), name="net")

    check_backbone(tokens)


@pytest.mark.usefixtures("own_registry")
def test_a_backbone_registered_in_this_process_is_checked_by_name():
    kt.register_backbone(spec(stages=(("stem", "conv_9"),)))
    refuses("net", "The stage 'stem' of 'me/net' ends at 'conv_9'")


# One: stages that miss a weight.
def test_stages_that_miss_a_weight():
    refuses(
        spec(stages=STAGES[:2]),
        r"miss 2 weights, such as \['conv_3/kernel'\]: let the last stage, "
        "'stage_1', end at the output",
    )


def test_a_last_stage_that_ends_before_the_output():
    def builder(input_shape):
        image = keras.Input(input_shape)
        x = keras.layers.ReLU(name="relu")(convolutions(image))
        return keras.Model(image, x, name="net")

    refuses(spec(builder), "must end at the output, the layer 'relu', instead")


# Two: stages that overlap.
@pytest.mark.parametrize(
    "stages",
    [
        (("stem", "conv_2"), ("stage_1", "conv_1"), ("stage_2", "conv_3")),
        (("stem", "conv_1"), ("stage_1", "conv_1"), ("stage_2", "conv_3")),
    ],
)
def test_stages_that_overlap(stages):
    refuses(
        spec(stages=stages), "'stem' and 'stage_1' of 'me/net' overlap: what"
    )


def test_stages_that_share_a_layer():
    def builder(input_shape):
        image = keras.Input(input_shape)
        shared = keras.layers.Conv2D(3, 3, padding="same", name="shared")
        x = keras.layers.ReLU(name="relu")(shared(image))
        x = keras.layers.Conv2D(4, 3, name="last")(shared(x))
        return keras.Model(image, x, name="net")

    stages = (("stem", "relu"), ("stage_1", "last"))
    refuses(spec(builder, stages=stages), "both hold the weight 'shared/kernel")


# Three: stages that name no layer.
def test_stages_that_name_no_layer():
    stages = (*STAGES[:2], ("stage_2", "conv_4"))
    refuses(spec(stages=stages), "'conv_4', but no layer of that name leads to")


# Four: preprocessing that is not serializable.
def scale_in_numpy(images):
    return np.asarray(images) / 255


def scale_in_a_lambda(images):
    return keras.layers.Lambda(lambda x: x / 255)(images)


@pytest.mark.parametrize(
    ("preprocessing", "sentence"),
    [
        (scale_in_numpy, "of 'me/net' cannot be part of a model. Write it"),
        (scale_in_a_lambda, "of 'me/net' holds a Lambda layer, which safe"),
    ],
)
def test_preprocessing_that_is_not_serializable(preprocessing, sentence):
    refuses(spec(preprocessing=preprocessing), f"preprocessing {sentence}")


# Five: output of another rank.
def test_vectors_instead_of_features():
    def builder(input_shape):
        image = keras.Input(input_shape)
        x = keras.layers.GlobalAveragePooling2D()(convolutions(image))
        return keras.Model(image, x, name="net")

    refuses(spec(builder), r"the shape \(None, 4\): return maps .*pooling to")


# Six: shared names.
@keras.saving.register_keras_serializable("tests")
class TwoOfOneName(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(4, name="dense")
        self.second = keras.layers.Dense(4, name="dense")

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build(input_shape)

    def call(self, inputs):
        return self.second(self.first(inputs))


def test_weights_that_share_a_name():
    refuses(with_layer(TwoOfOneName), r"share the name \['own/dense/kernel'\]")


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("stem", "stem", "stage_1"), r"share the name \['stem'\]: call them"),
        (("conv_2", "mid", "top"), "share the name 'conv_2', so that selector"),
        (("stem", "backbone", "top"), r"called \['backbone'\], which means"),
    ],
)
def test_stage_names_that_mean_two_things(names, sentence):
    stages = zip(names, ("conv_1", "conv_2", "conv_3"), strict=True)
    refuses(spec(stages=tuple(stages)), sentence)


def test_a_network_that_is_called_like_its_neighbour():
    def builder(input_shape):
        image = keras.Input(input_shape)
        return keras.Model(image, convolutions(image), name="head")

    refuses(spec(builder), "is called 'head', like a layer that build_model")


# Seven: a build that is not deterministic.
def test_a_build_with_a_counter_of_its_own():
    numbers = itertools.count()

    def builder(input_shape):
        image = keras.Input(input_shape)
        x = convolutions(image)
        x = keras.layers.ReLU(name=f"relu_{next(numbers)}")(x)
        return keras.Model(image, x, name="net")

    refuses(
        spec(builder, stages="auto"),
        r"another network every time: a layer is 'relu_\d', then 'relu_\d'",
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda x, n: keras.layers.Dropout(n / 100, name="own")(x),
            "the layer 'own' is configured in two ways",
        ),
        (
            lambda x, n: keras.layers.ReLU(name="own")(x) if n % 2 else x,
            r"it has \d layers, then \d",
        ),
    ],
)
def test_a_build_that_varies(change, sentence):
    numbers = itertools.count()

    def builder(input_shape):
        image = keras.Input(input_shape)
        features = change(convolutions(image), next(numbers))
        return keras.Model(image, features, name="net")

    refuses(spec(builder, stages="auto"), sentence)


def test_a_build_that_draws_lots():
    generator = random.Random(0)

    def builder(input_shape):
        return build(input_shape, width=generator.randrange(1, 10**3))

    refuses(spec(builder), "the layer 'conv_1' is configured in two ways")


# Eight: weights that silently stay random.
@keras.saving.register_keras_serializable("tests")
class Forgetful(keras.layers.Dense):
    def load_own_variables(self, store):
        pass


def test_weights_that_no_file_brings_back():
    # The same check sees it after a reload of the whole model, first.
    refuses(
        with_layer(Forgetful, 4), "computes something else after it was saved"
    )


@keras.saving.register_keras_serializable("tests")
class KeepsItsOffset(keras.layers.Layer):
    """Does not save a weight that a new instance has as well."""

    def build(self, input_shape):
        self.offset = self.add_weight(shape=(4,), initializer="zeros")

    def call(self, inputs):
        return inputs + self.offset

    def load_own_variables(self, store):
        pass


def test_weights_that_keep_their_initial_value():
    refuses(
        with_layer(KeepsItsOffset), r"1 weights, such as \['own/.*silently keep"
    )


def test_pretrained_weights_that_stay_random(tmp_path):
    build((16, 16, 3)).save_weights(tmp_path / "w.weights.h5")

    def draw_again(model):
        layer = model.get_layer("conv_2")
        layer.set_weights([np.random.rand(*w.shape) for w in layer.weights])

    def published(finish=None):
        address = (tmp_path / "w.weights.h5").as_uri()
        weights = {"photos": kt.WeightsFile(address, finish=finish)}
        return spec(weights=weights)

    check_backbone(published(), weights="photos")
    refuses(
        published(draw_again),
        r"2 weights, such as \['conv_2/kernel'\], of 'me/net' silently stay "
        "random with weights='photos'",
        weights="photos",
    )


# Nine: a custom layer that is not registered.
class Unregistered(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2


def test_a_layer_that_is_not_registered():
    refuses(
        with_layer(Unregistered),
        "holds the class 'Unregistered', which is not registered: decorate it",
    )


MODULE = """
import keras
import keras_transfer as kt

@keras.saving.register_keras_serializable("shy_nets")
class Double(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2

def net(input_shape):
    image = keras.Input(input_shape)
    x = keras.layers.Conv2D(4, 3, 2, name="conv")(image)
    return keras.Model(image, Double(name="double")(x), name="net")
"""


@pytest.fixture
def shy_nets(tmp_path, monkeypatch):
    """Installs a plugin; returns a function that adds its entry points."""
    (tmp_path / "shy_nets.py").write_text(MODULE)
    info = tmp_path / "shy_nets-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shy-nets\nVersion: 1.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def declare(*lines):
        entries = ["[keras_transfer.backbones]", "shy.net = shy_nets:net"]
        entries += ["[keras_transfer.serializable]", *lines]
        (info / "entry_points.txt").write_text("\n".join(entries))

    yield declare
    sys.modules.pop("shy_nets", None)


def test_a_layer_that_is_not_declared(shy_nets):
    shy_nets()
    refuses(
        "shy/net",
        r'declare it in pyproject.toml under \[project.entry-points."'
        r'keras_transfer.serializable"\] as "shy_nets.Double" = '
        '"shy_nets:Double"',
    )
    shy_nets("shy_nets.Double = shy_nets:Double")
    check_backbone("shy/net")


# Ten: a wrong default size.
def test_a_default_size_below_the_smallest():
    refuses(
        spec(default_size=4), "default_size of 'me/net', 4, is below its min"
    )


def test_a_default_size_that_fails():
    def builder(input_shape):
        image = keras.Input(input_shape)
        x = convolutions(image)
        # Positions for images of 8 pixels alone.
        x = keras.layers.Reshape((1, 1, 4), name="patches")(x)
        return keras.Model(image, x, name="net")

    refuses(
        spec(builder, stages="auto"),
        "fails at its default_size of 16 pixels. Mend the builder, or correct "
        "default_size. It raised ValueError",
    )


def test_a_default_size_that_the_network_ignores():
    def builder(input_shape):
        return build((8, 8, 3))

    refuses(
        spec(builder),
        r"asked for images of \(16, 16, 3\) \(its default_size\), made a "
        r"network for \(8, 8, 3\)",
    )


def test_a_smallest_size_of_which_nothing_is_left():
    def builder(input_shape):
        image = keras.Input(input_shape)
        x = keras.layers.Conv2D(4, 3, name="conv")(image)
        return keras.Model(image, x[:, 8:, 8:], name="net")

    refuses(
        spec(builder, stages="auto"),
        r"At its minimum_size of 8 pixels nothing is left of an image in "
        r"'me/net', whose output is \(None, 0, 0, 4\): raise minimum_size",
    )


# What else can be wrong.
@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (lambda image, x: None, "returned a NoneType: return a Functional"),
        (
            lambda image, x: keras.Model(image, [x, x]),
            "has 1 inputs and 2 outputs: return a model with one of each",
        ),
    ],
)
def test_a_builder_that_returns_something_else(result, sentence):
    def builder(input_shape):
        image = keras.Input(input_shape)
        return result(image, convolutions(image))

    refuses(spec(builder), sentence)


@pytest.mark.parametrize(
    ("stages", "sentence"),
    [
        ((), "Give 'me/net' a stage, or stages='auto'"),
        (("stem", "conv_1"), r"must be \(name, last layer\) pairs of strings"),
    ],
)
def test_stages_that_are_none(stages, sentence):
    refuses(spec(stages=stages), sentence)


def test_a_stage_without_weights():
    def builder(input_shape):
        image = keras.Input(input_shape)
        x = keras.layers.Rescaling(1 / 255, name="scale")(image)
        return keras.Model(image, convolutions(x), name="net")

    stages = (("stem", "scale"), ("stage_1", "conv_3"))
    refuses(spec(builder, stages=stages), "'stem' of 'me/net' holds no weights")


@keras.saving.register_keras_serializable("tests")
class WithoutConfig(keras.layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


def test_a_layer_without_a_config():
    refuses(
        with_layer(WithoutConfig, np.ones(4, "float32")),
        "cannot be saved. Give each layer of your own a get_config. It raised",
    )


@keras.saving.register_keras_serializable("tests")
class HalfAConfig(WithoutConfig):
    def __init__(self, factor=1, **kwargs):
        super().__init__(factor, **kwargs)

    def get_config(self):
        return keras.layers.Layer.get_config(self)


def test_a_config_that_lacks_an_argument():
    refuses(
        with_layer(HalfAConfig, 3), "something else after it was saved and loa"
    )


@keras.saving.register_keras_serializable("tests")
class KeepsACopy(keras.layers.Layer):
    """Computes with a copy of its weight, renewed only by a file."""

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(4,), initializer="random_normal")
        self.copy = keras.ops.convert_to_numpy(self.scale)

    def call(self, inputs):
        return inputs * self.copy

    def load_own_variables(self, store):
        super().load_own_variables(store)
        self.copy = keras.ops.convert_to_numpy(self.scale)


def test_a_part_that_computes_something_else():
    def builder(input_shape):
        image = keras.Input(input_shape)
        x = KeepsACopy(name="own")(convolutions(image))
        return keras.Model(image, x, name="net")

    refuses(
        spec(builder, stages=(("stem", "own"),)),
        "'me/net', cut at 'stem', does not compute what the whole network has",
    )


@keras.saving.register_keras_serializable("tests")
class Counter(keras.layers.Layer):
    def build(self, input_shape):
        self.calls = self.add_weight(
            shape=(), initializer="zeros", trainable=False
        )

    def call(self, inputs, training=False):
        if training:
            self.calls.assign_add(1)
        return inputs


def test_a_frozen_weight_that_moves():
    refuses(
        with_layer(Counter), r"1 weights of 'me/net', .*'own/.*move in training"
    )


@keras.saving.register_keras_serializable("tests")
class AlwaysNoisy(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, inputs):
        noise = keras.random.normal(
            keras.ops.shape(inputs), seed=self.seed_generator
        )
        return inputs + noise


def test_a_prediction_that_varies():
    def builder(input_shape):
        image = keras.Input(input_shape)
        x = AlwaysNoisy(name="own")(convolutions(image))
        return keras.Model(image, x, name="net")

    stages = (*STAGES[:2], ("stage_2", "own"))
    refuses(
        spec(builder, stages=stages),
        "predicts something else each time",
    )


def test_features_that_are_no_numbers():
    def builder(input_shape):
        image = keras.Input(input_shape)
        x = keras.ops.log(-keras.ops.abs(convolutions(image)) - 1)
        return keras.Model(image, x, name="net")

    refuses(spec(builder, stages="auto"), "gives NaN or infinite features")


def test_the_error_is_a_failed_assertion():
    assert issubclass(ConformanceError, AssertionError)
    assert pathlib.Path(kt.testing.__file__).parent.name == "testing"
