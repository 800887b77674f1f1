"""Export leaves a whole file that was tried, or what was there before."""

import os

import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.exporting.formats import FORMATS
from keras_transfer.exporting.formats.onnx import Onnx
from keras_transfer.exporting.trial import trial_images
from tests.exporting import networks


@pytest.fixture
def onnx():
    for name in FORMATS["onnx"].packages:
        pytest.importorskip(name)
    return pytest.importorskip("onnx")


def digest(folder):
    return {
        file.relative_to(folder): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_a_file_that_does_not_pass_leaves_the_old_one(
    onnx, classifier, tmp_path, monkeypatch
):
    kt.export(classifier(), tmp_path / "m.onnx")
    before = digest(tmp_path)
    assert len(before) == 2

    class Breaking(Onnx):
        def write(self, model, path, description, *options):
            super().write(model, path, description, *options)
            file = onnx.load(path)
            for weight in file.graph.initializer:
                array = np.zeros_like(onnx.numpy_helper.to_array(weight))
                weight.CopyFrom(
                    onnx.numpy_helper.from_array(array, weight.name)
                ) if array.dtype == "float32" else None
            onnx.save(file, path)

    monkeypatch.setitem(FORMATS, "onnx", Breaking())
    other = classifier(class_names=["a", "b", "c"])
    with pytest.raises(ValueError, match="onnx export of 'transfer_model' is"):
        kt.export(other, tmp_path / "m.onnx")
    assert digest(tmp_path) == before
    with pytest.raises(ValueError, match="onnx export of 'transfer_model' is"):
        kt.export(other, tmp_path / "new.onnx")
    assert digest(tmp_path) == before


@pytest.mark.parametrize("name", ["m.onnx", "m.keras", "m"])
def test_a_full_disk_leaves_the_old_file(onnx, classifier, tmp_path, name):
    resource = pytest.importorskip("resource")
    model = classifier()
    kt.export(model, tmp_path / name)
    before = digest(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        # TensorFlow has errors of its own for what the system refuses.
        with pytest.raises(Exception, match="(?i)too large|errno = 27"):
            kt.export(model, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert digest(tmp_path) == before


def test_a_saved_model_is_replaced_by_a_new_one(classifier, tmp_path):
    kt.export(classifier(), tmp_path / "m")
    before = digest(tmp_path)
    other = networks.lively(classifier(), seed=1)
    kt.export(other, tmp_path / "m")
    assert digest(tmp_path) != before
    assert sorted(os.listdir(tmp_path)) == ["m", "m.json"]
    run = FORMATS["tf_saved_model"].open(tmp_path / "m")
    images = trial_images(other)
    np.testing.assert_allclose(
        run(images), other.predict(images, verbose=0), atol=1e-5
    )


def test_files_are_as_readable_as_any_other(classifier, tmp_path):
    old = os.umask(0o022)
    try:
        kt.export(classifier(), tmp_path / "m.keras")
    finally:
        os.umask(old)
    for name in ("m.keras", "m.keras.json"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o644


def test_auxiliary_heads_and_augmentation_are_not_in_the_file(onnx, tmp_path):
    image = keras.Input((16, 16, 3))
    x = keras.layers.RandomContrast(0.9)(image)
    for layer in networks.tapped().layers[1:]:
        x = layer(x)
    model = kt.build_model(
        keras.Model(image, x),
        kt.heads.LinearHead(3),
        preprocessing=kt.Preprocessing.of_mode("torch"),
    )
    training = networks.lively(
        kt.with_auxiliary_heads(model, {"low": kt.heads.AuxiliaryHead(3)})
    )
    exported = kt.export(training, tmp_path / "m.onnx")
    assert exported.trial.same_best == 8
    graph = onnx.load(tmp_path / "m.onnx").graph
    parameters = sum(np.prod(i.dims) for i in graph.initializer)
    assert parameters < 1.2 * model.count_params()
    assert 9 * model.count_params() < training.count_params()


def test_half_precision_is_exported_as_float32_and_said_so(onnx, tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = networks.lively(
            kt.build_model(networks.convolutional(), kt.heads.LinearHead(3))
        )
        exported = kt.export(model, tmp_path / "m.onnx")
    finally:
        keras.config.set_dtype_policy("float32")
    assert "computes in float16, the export in float32" in exported.notes[0]
    kinds = {
        tensor.data_type
        for tensor in onnx.load(tmp_path / "m.onnx").graph.initializer
    }
    assert onnx.TensorProto.FLOAT in kinds
    assert onnx.TensorProto.FLOAT16 not in kinds


def test_half_precision_that_overflows_is_refused(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        image = keras.Input((8, 8, 3))
        x = keras.layers.GlobalAveragePooling2D()(image)
        x = keras.layers.Dense(4, kernel_initializer="ones")(x)
        x = keras.layers.Rescaling(400.0)(x)
        x = keras.layers.Rescaling(1 / 400)(x)
        model = keras.Model(image, keras.layers.Dense(2, "softmax")(x))
        with pytest.raises(ValueError, match="in float32 its outputs differ"):
            kt.export(model, tmp_path / "m", "tf_saved_model")
    finally:
        keras.config.set_dtype_policy("float32")
    assert os.listdir(tmp_path) == []


def test_a_model_for_images_of_any_size_is_exported(onnx, tmp_path):
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = networks.lively(keras.Model(image, keras.layers.Dense(3)(x)))
    kt.export(model, tmp_path / "m.onnx")
    run = FORMATS["onnx"].open(tmp_path / "m.onnx")
    images = np.random.default_rng(0).uniform(0, 255, (2, 20, 31, 3))
    images = images.astype("float32")
    np.testing.assert_allclose(
        run(images), model.predict(images, verbose=0), atol=1e-4
    )


def test_photographs_of_a_folder_serve_for_the_trial(
    classifier, tmp_path, monkeypatch
):
    for number in range(40):
        pixels = np.random.default_rng(number).integers(0, 255, (9, 9, 3))
        keras.utils.save_img(tmp_path / f"{number}.png", pixels, scale=False)
    out = tmp_path / "m.keras"
    assert kt.export(classifier(), out, data=tmp_path).trial.images == 32


def test_what_cannot_be_is_said_before_anything_is_written(
    classifier, tmp_path
):
    model = classifier()
    (tmp_path / "folder").mkdir()
    for arguments, sentence in [
        (("m.pth",), r"No format has files named '\*.pth'"),
        (("m.onnx", "onx"), "Unknown format 'onx'.*Did you mean 'onnx'"),
        (("m.keras", "onnx"), r"must be named '\*.onnx'"),
        (("none/m.keras",), "folder .* does not exist"),
        (("folder",), "it is a folder, and not a SavedModel"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            kt.export(model, tmp_path / arguments[0], *arguments[1:])
    open_size = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.GlobalMaxPooling2D()]
    )
    with pytest.raises(ValueError, match="no fixed image size"):
        kt.export(open_size, tmp_path / "m.keras", data=tmp_path)
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize("content", ['{"mine": 1}', "[1]", "not JSON"])
def test_a_file_of_another_kind_is_not_overwritten(
    classifier, tmp_path, content
):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(ValueError, match="another file 'm.json' beside it"):
        kt.export(classifier(), tmp_path / "m")
    assert (tmp_path / "m.json").read_text() == content


def test_a_missing_package_is_one_sentence_with_the_line_to_run(
    classifier, tmp_path, monkeypatch
):
    monkeypatch.setattr(Onnx, "packages", ("onnx", "no_such_package"))
    with pytest.raises(
        ImportError, match=r"needs .*no_such_package. Run `pip install 'keras-t"
    ):
        kt.export(classifier(), tmp_path / "m.onnx")


def test_a_backend_that_cannot_write_the_format_is_refused(
    classifier, tmp_path, monkeypatch
):
    monkeypatch.setattr(Onnx, "packages", ())
    monkeypatch.setattr(Onnx, "backends", ("fortran",))
    with pytest.raises(ValueError, match="process with KERAS_BACKEND=fortran"):
        kt.export(classifier(), tmp_path / "m.onnx")


@pytest.fixture(scope="module")
def photographed(assets, tmp_path_factory):
    """MobileNet with its real weights, a head fitted to real photographs."""
    from sklearn.linear_model import LogisticRegression

    train, validation = kt.data.from_directory(
        assets / "hymenoptera", image_size=96
    )
    weights = assets / "keras_home/models/mobilenet_7_5_224_tf_no_top.h5"
    backbone = kt.create_backbone(
        "mobilenet",
        alpha=0.75,
        input_shape=(96, 96, 3),
        weights=str(weights),
    )
    model = kt.build_model(
        backbone,
        kt.heads.LinearHead(2, dropout=0.2),
        class_names=train.class_names,
    )

    def images_of(paths):
        return np.stack([kt.data.load_image(path, 96) for path in paths])

    paths = train.file_paths[::3]
    features = keras.Model(
        model.input,
        keras.layers.GlobalAveragePooling2D()(model.layers[-1].input),
    ).predict(images_of(paths), verbose=0)
    labels = ["bees" in os.path.dirname(path) for path in paths]
    fitted = LogisticRegression(max_iter=1000).fit(features, labels)
    model.layers[-1].predictions.set_weights(
        [
            np.concatenate([-fitted.coef_, fitted.coef_]).T / 2,
            np.concatenate([-fitted.intercept_, fitted.intercept_]) / 2,
        ]
    )
    images = images_of(validation.file_paths).astype("float32")
    expected = model.predict(images, verbose=0)
    truth = ["bees" in os.path.dirname(p) for p in validation.file_paths]
    assert np.mean(expected.argmax(-1) == truth) > 0.7
    return model, images, expected


@pytest.mark.filterwarnings("ignore:.*HDF5 file.*")
@pytest.mark.parametrize(
    "format",
    [
        "onnx",
        "litert",
        "stock",
        pytest.param("openvino", marks=pytest.mark.slow),
        pytest.param("tf_saved_model", marks=pytest.mark.slow),
    ],
)
def test_real_photographs_are_classified_alike(photographed, format, tmp_path):
    """Within 1e-3 (1e-6 for stock), three equal repeats."""
    for name in FORMATS[format].packages:
        pytest.importorskip(name)
    model, images, expected = photographed
    path = tmp_path / f"m{FORMATS[format].suffix}"
    kt.export(model, path, format)
    run = FORMATS[format].open(path)
    outputs = run(images)
    assert len(images) == 153
    assert np.abs(outputs - expected).max() <= FORMATS[format].tolerance
    np.testing.assert_array_equal(outputs.argmax(-1), expected.argmax(-1))
    for _ in range(2):
        np.testing.assert_array_equal(run(images), outputs)
