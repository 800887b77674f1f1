"""Weights files: all of one is loaded, or nothing."""

import hashlib
import http.server
import threading

import h5py
import keras
import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer import weights
from tests.conftest import build_tiny


def values(model):
    return [keras.ops.convert_to_numpy(w).copy() for w in model.weights]


def assert_unchanged(model, before):
    for old, weight in zip(before, model.weights, strict=True):
        assert np.array_equal(old, keras.ops.convert_to_numpy(weight))


@pytest.mark.parametrize("name", ["w.weights.h5", "w.h5", "w.keras"])
@pytest.mark.filterwarnings("ignore:.*HDF5 file.*:UserWarning")
def test_every_format_of_keras_is_read(tmp_path, name):
    source, target = build_tiny(), build_tiny()
    path = tmp_path / name
    source.save_weights(path) if ".weights." in name else source.save(path)
    weights.load_weights(target, path)
    assert_unchanged(target, values(source))


@pytest.mark.parametrize(
    "other", [{"width": 5}, {"input_shape": (32, 32, 1)}], ids=str
)
def test_a_file_that_does_not_fit_changes_no_variable(tmp_path, other):
    path = tmp_path / "w.weights.h5"
    build_tiny(**other).save_weights(path)
    model = build_tiny()
    before = values(model)
    with pytest.raises(ValueError, match="another architecture.*unchanged"):
        weights.load_weights(model, path)
    assert_unchanged(model, before)


def test_a_file_with_more_layers_than_the_model_is_refused(tmp_path):
    backbone = build_tiny()
    larger = keras.Model(
        backbone.input, keras.layers.Dense(7, name="more")(backbone.output)
    )
    larger.save_weights(tmp_path / "w.weights.h5")
    model = build_tiny()
    before = values(model)
    with pytest.raises(ValueError, match=r"not in the model 2, such as"):
        weights.load_weights(model, tmp_path / "w.weights.h5")
    assert_unchanged(model, before)


def test_a_file_that_fails_halfway_is_undone(tmp_path):
    """Shapes agree as a whole, but the last layers hold each other's."""
    path = tmp_path / "w.weights.h5"
    build_tiny().save_weights(path)
    with h5py.File(path, "r+") as file:
        layers = file["layers"]
        layers.move("conv2d_1", "swap")
        layers.move("conv2d_2", "conv2d_1")
        layers.move("swap", "conv2d_2")
    model = build_tiny()
    before = values(model)
    with pytest.raises(ValueError, match="does not fit the model 'tiny'"):
        weights.load_weights(model, path)
    assert_unchanged(model, before)


class Server:
    """Serves one file, or 404, on loopback."""

    def __init__(self, data):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(404 if data is None else 200)
                self.send_header("Content-Length", str(len(data or b"")))
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/tiny.weights.h5"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The bytes of a weights file, and an empty cache."""
    build_tiny().save_weights(tmp_path / "tiny.weights.h5")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return (tmp_path / "tiny.weights.h5").read_bytes()


def find(url, **hashes):
    spec = kt.BackboneSpec(
        build_tiny,
        name="test/tiny",
        weights={"imagenet": kt.WeightsFile(url, **hashes)},
    )
    return weights.find_weights(spec, "imagenet", (32, 32, 3), {}).path


def test_weights_are_downloaded_once_and_then_cached(published, tmp_path):
    digest = hashlib.sha256(published).hexdigest()
    with Server(published) as server:
        path = find(server.url, sha256=digest)
    assert path == tmp_path / "home" / "models" / "tiny.weights.h5"
    assert path.read_bytes() == published
    assert find(server.url, sha256=digest) == path  # The server is gone.


def test_offline_the_error_says_what_to_fetch_and_where_to_put_it(
    published, tmp_path
):
    with Server(None) as server:
        pass
    with pytest.raises(ConnectionError) as raised:
        find(server.url)
    message = str(raised.value)
    assert server.url in message
    assert str(tmp_path / "home" / "models" / "tiny.weights.h5") in message


def test_a_download_of_the_wrong_bytes_is_not_kept(published, tmp_path):
    with Server(published[:-1]) as server:
        with pytest.raises(ValueError, match="sha256"):
            find(server.url, sha256=hashlib.sha256(published).hexdigest())
    assert not (tmp_path / "home" / "models" / "tiny.weights.h5").exists()


def test_a_damaged_file_in_the_cache_is_refused(published, tmp_path):
    folder = tmp_path / "home" / "models"
    folder.mkdir(parents=True)
    (folder / "tiny.weights.h5").write_bytes(published[:-1])
    digest = hashlib.md5(published).hexdigest()
    with pytest.raises(ValueError, match="damaged or another version"):
        find("http://localhost/tiny.weights.h5", md5=digest)


def test_the_file_can_depend_on_shape_and_options(published, tmp_path):
    spec = kt.BackboneSpec(
        build_tiny,
        name="test/tiny",
        weights={
            "imagenet": lambda input_shape, width=4: kt.WeightsFile(
                f"http://localhost:1/tiny_{width}_{input_shape[0]}.h5"
            )
        },
    )
    folder = tmp_path / "home" / "models"
    folder.mkdir(parents=True)
    (folder / "tiny_8_64.h5").write_bytes(b"")
    found = weights.find_weights(spec, "imagenet", (64, 64, 3), {"width": 8})
    assert found.path == folder / "tiny_8_64.h5"


def test_what_the_publisher_does_beside_loading_is_done(published, monkeypatch):
    def finish(model):
        model.get_layer("bn_1").gamma.assign([7.0] * 4)

    with Server(published) as server:
        spec = kt.BackboneSpec(
            build_tiny,
            weights={"imagenet": kt.WeightsFile(server.url, finish=finish)},
        )
        kt.register_backbone(spec, name="test/finished")
        for channels in (3, 1):
            model = kt.create_backbone(
                "test/finished", input_shape=(32, 32, channels)
            )
            gamma = model.get_layer("bn_1").get_weights()[0]
            assert gamma.tolist() == [7.0] * 4


@pytest.fixture
def shipped(tmp_path):
    """A specification whose weights file lies beside the plugin."""
    path = tmp_path / "with a space" / "tiny.weights.h5"
    path.parent.mkdir()
    build_tiny().save_weights(path)
    file = weights.WeightsFile(path.as_uri(), sha256=weights.file_sha256(path))
    spec = kt.BackboneSpec(
        build_tiny, "my/tiny", default_size=32, weights={"own": file}
    )
    return spec, path


def test_a_file_that_the_plugin_ships_is_read_in_place(
    shipped, tmp_path, monkeypatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    spec, path = shipped
    one, other = (kt.create_backbone(spec, weights="own") for _ in range(2))
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not (tmp_path / "home").exists()


def test_a_shipped_file_that_is_missing_or_damaged_is_named(shipped):
    spec, path = shipped
    path.write_bytes(path.read_bytes() + b"0")
    with pytest.raises(
        ValueError, match="The plugin's weights file .* damaged or.*the plugin"
    ):
        kt.create_backbone(spec, weights="own")
    path.unlink()
    with pytest.raises(ValueError, match="does not exist: its package was"):
        kt.create_backbone(spec, weights="own")
