"""Where weights come from: tags, files, folders, addresses."""

import hashlib

import numpy as np
import pytest

import keras_transfer as kt
from keras_transfer.files import checksums
from keras_transfer.models import weight_sources
from tests.conftest import build_tiny
from tests.files.file_server import FileServer


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def url_of(server):
    return f"{server.address}/tiny.weights.h5"


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
    return weight_sources.find_weights(spec, "imagenet", (32, 32, 3), {}).path


def test_weights_are_downloaded_once_and_then_cached(published, tmp_path):
    digest = hashlib.sha256(published).hexdigest()
    with FileServer(published).running() as server:
        path = find(url_of(server), sha256=digest)
    assert path == tmp_path / "home" / "models" / "tiny.weights.h5"
    assert path.read_bytes() == published
    assert find(url_of(server), sha256=digest) == path  # The server is gone.


def test_offline_the_error_says_what_to_fetch_and_where_to_put_it(
    published, tmp_path
):
    with FileServer(b"").running() as server:
        pass
    with pytest.raises(ConnectionError) as raised:
        find(url_of(server))
    message = str(raised.value)
    assert url_of(server) in message
    assert str(tmp_path / "home" / "models" / "tiny.weights.h5") in message


def test_a_download_of_the_wrong_bytes_is_not_kept(published, tmp_path):
    with FileServer(published[:-1]).running() as server:
        with pytest.raises(ValueError, match="sha256"):
            find(url_of(server), sha256=hashlib.sha256(published).hexdigest())
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
    found = weight_sources.find_weights(
        spec, "imagenet", (64, 64, 3), {"width": 8}
    )
    assert found.path == folder / "tiny_8_64.h5"


def test_what_the_publisher_does_beside_loading_is_done(published, monkeypatch):
    def finish(model):
        model.get_layer("bn_1").gamma.assign([7.0] * 4)

    with FileServer(published).running() as server:
        spec = kt.BackboneSpec(
            build_tiny,
            weights={"imagenet": kt.WeightsFile(url_of(server), finish=finish)},
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
    file = kt.WeightsFile(path.as_uri(), sha256=checksums.file_sha256(path))
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


SPEC = kt.BackboneSpec(build_tiny, "my/tiny", default_size=32)


def record_of(backbone):
    return kt.info(kt.build_model(backbone, kt.heads.LinearHead(2))).backbone


def create(weights):
    """Creates a backbone; returns the first value of its first kernel."""
    backbone = kt.create_backbone(SPEC, weights=weights)
    return backbone, float(backbone.get_weights()[0].flat[0])


@pytest.fixture
def saved(tmp_path):
    """A folder with a weights file, and the first of its values."""
    model = build_tiny()
    folder = tmp_path / "own"
    folder.mkdir()
    model.save_weights(folder / "tiny.weights.h5")
    (folder / "README.md").write_text("not weights")
    return folder, float(model.get_weights()[0].flat[0])


def test_a_folder_with_one_weights_file_stands_for_it(saved):
    folder, value = saved
    for name in (folder, str(folder)):
        backbone, received = create(name)
        assert received == value
        digest = checksums.file_sha256(folder / "tiny.weights.h5")
        record = record_of(backbone)
        assert (record["weights"], record["sha256"]) == ("own", digest)


def test_a_folder_with_two_or_none_is_ambiguous(saved):
    folder, _ = saved
    (folder / "other.h5").touch()
    with pytest.raises(
        ValueError,
        match=r"own' holds 2 weights files, such as \['other.h5', .*: name",
    ):
        create(folder)
    for name in ("other.h5", "tiny.weights.h5"):
        (folder / name).unlink()
    with pytest.raises(
        ValueError, match=r"holds no weights file: expected .*\['README.md'\]"
    ):
        create(folder)


def test_an_address_is_fetched_once(published, saved, tmp_path):
    with FileServer(published).running() as server:
        address = f"{url_of(server)}?version=2"
        backbone, value = create(address)
        assert create(address)[1] == value
    assert len(server.requests) == 1
    record = record_of(backbone)
    # What may hold somebody's key is not written into models.
    assert record["weights"] == url_of(server)
    assert record["sha256"] == hashlib.sha256(published).hexdigest()


def test_addresses_that_end_alike_do_not_share_a_file(published, tmp_path):
    build_tiny().save_weights(tmp_path / "other.weights.h5")
    other = (tmp_path / "other.weights.h5").read_bytes()
    with FileServer(published).running() as one:
        with FileServer(other).running() as two:
            assert create(url_of(one))[1] != create(url_of(two))[1]


def test_an_address_can_state_its_digest(published):
    digest = hashlib.sha256(published).hexdigest()
    with FileServer(published).running() as server:
        create(f"{url_of(server)}#sha256={digest.upper()}")
        with pytest.raises(
            ValueError, match=r"damaged or .*expected the sha25"
        ):
            create(f"{url_of(server)}#sha256={'0' * 64}")
        for fragment in ("sha256=12", "md5=" + "0" * 32, "main"):
            with pytest.raises(ValueError, match=f"is its digest.*'{fragment}"):
                create(f"{url_of(server)}#{fragment}")


def test_a_weights_file_can_be_described_on_the_spot(published):
    digest = hashlib.sha256(published).hexdigest()
    with FileServer(published).running() as server:
        backbone, _ = create(kt.WeightsFile(url_of(server), sha256=digest))
    assert record_of(backbone)["sha256"] == digest


def test_a_broken_address_is_one_sentence(published):
    with FileServer(published).running() as server:
        server.statuses = [404]
        with pytest.raises(
            ConnectionError,
            match=r"The weights 'http://.*tiny.weights.h5' of 'my/tiny' are .*"
            r"answers 404 .*put it at .*Or pass weights=PATH",
        ):
            create(url_of(server))


def test_what_is_no_source_is_refused():
    with pytest.raises(TypeError, match="must be a tag, a path, .*: 3 of type"):
        create(3)
