"""Files that are as they should be: accepted, and loaded as they were."""

import concurrent.futures
import gzip
import importlib
import multiprocessing
import pathlib
import subprocess
import sys
import tracemalloc
import warnings

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.saving import archive
from keras_transfer.saving.archive import stock_names

from .model_files import write_model

GOLDEN = pathlib.Path(__file__).parent / "golden"
# What each of these answered when it was saved, for the pixels below.
ANSWER = [
    [0.5944862961769104, 0.4055137634277344],
    [0.591708779335022, 0.4082912504673004],
    [0.603210985660553, 0.39678898453712463],
    [0.5586984157562256, 0.4413015842437744],
]
# The 40 of `keras.applications`.
FACTORIES = sorted(
    name for name, value in vars(keras.applications).items() if callable(value)
)


@pytest.mark.parametrize("version", ["3.3.3", "3.6.0", "3.9.2", "3.12.1"])
@pytest.mark.filterwarnings("ignore:Skipping variable loading")
def test_a_file_of_an_older_keras_answers_as_it_did(version, tmp_path):
    path = tmp_path / "m.keras"
    packed = GOLDEN / f"keras_{version}.keras.gz"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    model = kt.load_model(path)
    pixels = np.random.default_rng(0).integers(0, 255, (4, 8, 8, 3))
    answer = model.predict(pixels.astype("float32"), verbose=0)
    np.testing.assert_allclose(answer, ANSWER, atol=1e-5)
    assert not any(v.trainable for v in model.get_layer("backbone").weights)


def test_a_file_of_this_version_answers_as_it_did(tmp_path):
    path = tmp_path / "m.keras"
    packed = GOLDEN / "keras_transfer_0.1.0.keras.gz"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    model = kt.load_model(path)
    expected = np.load(GOLDEN / "keras_transfer_0.1.0.npy")
    pixels = np.random.default_rng(0).integers(0, 255, (4, 8, 8, 3))
    answer = model.predict(pixels.astype("float32"), verbose=0)
    np.testing.assert_allclose(answer, expected, atol=1e-5)
    assert kt.info(model).class_names == ["ant", "bee"]
    is_open = {
        layer.name: layer.trainable
        for layer in model.get_layer("backbone").layers
        if layer.weights
    }
    assert is_open == {"conv": False, "bn": False, "depthwise": True}


def small(**options):
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(8, 3, activation="gelu", **options),
            keras.layers.Flatten(),
            keras.layers.Dense(16, **options),
            keras.layers.Dense(2),
        ]
    )


def quantized(mode):
    model = small()
    with warnings.catch_warnings():
        # Layers without weights cannot be quantized, which Keras tells.
        warnings.simplefilter("ignore")
        model.quantize(mode)
    return model


def with_adapter():
    model = small()
    model.layers[-2].enable_lora(2)
    return model


def sequences():
    layers = keras.layers
    tokens = keras.Input((16, 8))
    x = layers.MultiHeadAttention(2, 4)(tokens, tokens)
    x = layers.LayerNormalization()(x + tokens)
    x = layers.EinsumDense("abc,cd->abd", output_shape=(None, 8))(x)
    x = layers.Bidirectional(layers.LSTM(5))(x)
    x = layers.GRU(3)(keras.ops.expand_dims(x, 1))
    return keras.Model(tokens, layers.Dense(2)(x[:, ::-1]))


def unusual_layers():
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    x = layers.Normalization(mean=[1, 2, 3], variance=[1, 1, 1])(image)
    x = layers.SeparableConv2D(4, 3)(x)
    x = layers.PReLU()(layers.GroupNormalization(2)(x))
    x = layers.Conv2DTranspose(4, 3)(x)
    x = layers.SpectralNormalization(layers.Conv2D(4, 3, groups=2))(x)
    x = layers.TimeDistributed(layers.Dense(3))(x)
    return keras.Model(image, layers.GlobalAveragePooling2D()(x))


def masked():
    # Constants of calls, among them the infinity that masks are filled with.
    image = keras.Input((4, 4, 3))
    x = image + np.where(np.eye(4), 0, -np.inf)[..., None]
    pooled = keras.layers.GlobalMaxPooling2D()(x[:, 1:, ..., ::-1])
    return keras.Model(image, keras.ops.maximum(pooled, -np.inf))


def called_twice():
    # A layer and a model that are called again, with what others return.
    image = keras.Input((8, 8, 3))
    part = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Dense(3)])
    inner = keras.Model(image, part(part(image)))
    dense = keras.layers.Dense(3)
    x = dense(inner(dense(inner(image))))
    return keras.Model(image, keras.layers.Flatten()(x + image))


def grouped_attention():
    tokens = keras.Input((4, 8))
    x = keras.layers.GroupQueryAttention(4, 2, 2)(tokens, tokens)
    return keras.Model(tokens, x)


def compiled():
    model = small()
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model.compile(
        keras.optimizers.SGD(schedule, momentum=0.9),
        loss=keras.losses.sparse_categorical_crossentropy,
        metrics=[keras.metrics.sparse_top_k_categorical_accuracy, "accuracy"],
    )
    model.optimizer.build(model.trainable_variables)
    return model


MODELS = {
    "mixed_precision": lambda: small(dtype="mixed_float16"),
    "bfloat16": lambda: small(dtype="bfloat16"),
    "int8": lambda: quantized("int8"),
    "int4": lambda: quantized("int4"),
    "float8": lambda: quantized("float8"),
    "adapter": with_adapter,
    "sequences": sequences,
    "unusual_layers": unusual_layers,
    "compiled": compiled,
    "masked": masked,
    "called_twice": called_twice,
    "grouped_attention": grouped_attention,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_this_kind_answers_as_before(name, tmp_path):
    model = MODELS[name]()
    model.save(tmp_path / "m.keras")
    loaded = kt.load_model(tmp_path / "m.keras")
    x = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:]))
    x = x.astype("float32")
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(loaded(x, training=False)),
        keras.ops.convert_to_numpy(model(x, training=False)),
    )


def test_vocabularies_travel_along(tmp_path):
    words = keras.Input((1,), dtype="string")
    lookup = keras.layers.StringLookup(vocabulary=["ant", "bee"], name="words")
    keras.Model(words, lookup(words)).save(tmp_path / "m.keras")
    loaded = kt.load_model(tmp_path / "m.keras")
    assert loaded.get_layer("words").get_vocabulary()[1:] == ["ant", "bee"]


def accept(factory, path):
    model = getattr(keras.applications, factory)(weights=None)
    model.save(path)
    with archive.checked(path, lambda name: False) as contents:
        contents.check_finite()
        assert not contents.found.classes


def test_a_network_of_keras_loads(tmp_path):
    model = keras.applications.MobileNet(
        weights=None, alpha=0.25, include_top=False, input_shape=(32, 32, 3)
    )
    model.save(tmp_path / "m.keras")
    loaded = kt.load_model(tmp_path / "m.keras")
    assert loaded.count_params() == model.count_params()


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("convnext", "LayerScale", (1e-6, 3)),
        ("convnext", "StochasticDepth", (0.1,)),
        ("inception_resnet_v2", "CustomScaleLayer", (0.5,)),
    ],
)
def test_private_layers_of_published_networks_load(
    module, name, arguments, tmp_path
):
    # No public name leads to them; the whole networks take seconds.
    home = importlib.import_module(f"keras.src.applications.{module}")
    image = keras.Input((4, 4, 3))
    layer = getattr(home, name)(*arguments)
    takes_two = name == "CustomScaleLayer"
    x = layer([image, image] if takes_two else image)
    keras.Model(image, x).save(tmp_path / "m.keras")
    loaded = kt.load_model(tmp_path / "m.keras")
    assert type(loaded.layers[-1]) is type(layer)


@pytest.mark.slow
@pytest.mark.parametrize("factory", FACTORIES)
def test_every_network_of_keras_is_accepted(factory, tmp_path):
    keras.utils.clear_session()
    accept(factory, tmp_path / "m.keras")
    (tmp_path / "m.keras").unlink()


def test_every_layer_of_this_keras_is_allowed_or_refused_by_name():
    # These are no layers that a file holds by themselves.
    abstract = {"Layer", "Wrapper", "InputSpec"}
    installed = {
        value.__name__
        for value in vars(keras.layers).values()
        if isinstance(value, type)
    }
    known = stock_names.LAYERS | set(stock_names.REFUSED) | abstract
    assert installed <= known
    assert not {"get", "deserialize", "serialize"} & stock_names.FUNCTIONS


def predicted(path):
    model = kt.load_model(path)
    x = np.random.default_rng(0).integers(0, 255, (4, 8, 8, 3))
    return model.predict(x.astype("float32"), verbose=0)


def test_threads_that_load_at_once_agree(tmp_path):
    write_model(tmp_path / "m.keras")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(predicted, [tmp_path / "m.keras"] * 4))
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer, answers[0])


@pytest.mark.slow
def test_eight_processes_and_eight_threads_agree(tmp_path):
    path = tmp_path / "m.keras"
    write_model(path)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(predicted, [path] * 8))
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(8, context) as pool:
        answers += pool.map(predicted, [path] * 8)
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer, answers[0])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for its peak")
def test_loading_takes_little_memory(tmp_path):
    path = tmp_path / "m.keras"
    keras.applications.ResNet50(weights=None).save(path)
    # The peak of a process is that of its parent at first: reset it.
    code = (
        "import re, numpy as np, keras, tensorflow as tf\n"
        "import keras_transfer as kt\n"
        "kt.heads.LinearHead(2)(np.ones((1, 2, 2, 3)))\n"
        "def read(key):\n"
        "    text = open('/proc/self/status').read()\n"
        "    return int(re.search(key + r':\\s+(\\d+)', text)[1]) * 1024\n"
        "open('/proc/self/clear_refs', 'w').write('5')\n"
        "before = read('VmRSS')\n"
        f"kt.load_model({str(path)!r})\n"
        "print(read('VmHWM') - before)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=True,
        capture_output=True,
        text=True,
    )
    used = int(done.stdout.split()[-1])
    print(f"{used / 1e6:.0f} MB for {path.stat().st_size / 1e6:.0f} MB")
    assert path.stat().st_size / 2 < used < 3 * path.stat().st_size + 300e6


def test_refusing_takes_little_memory(tmp_path):
    from . import hostile
    from .model_files import Parts

    write_model(tmp_path / "m.keras")
    for name in ("config_bomb", "asset_bombs", "weights_bomb"):
        hostile.FILES[name][0](
            Parts(tmp_path / "m.keras"), tmp_path / f"{name}.keras"
        )
    tracemalloc.start()
    for name in ("config_bomb", "asset_bombs", "weights_bomb"):
        with pytest.raises(kt.ModelFileError):
            kt.load_model(tmp_path / f"{name}.keras")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Any of them is larger than this.
    assert peak < 4e6
