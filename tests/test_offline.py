"""Without a network: clear errors, nothing random in place of weights."""

import pytest

import keras_transfer as kt


@pytest.fixture(autouse=True)
def no_network(tmp_path, monkeypatch):
    """An empty cache, and a proxy that nobody answers at."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "options", "file_name"),
    [
        (
            "vgg16",
            {},
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
        ("mobilenet", {"alpha": 0.75}, "mobilenet_7_5_224_tf_no_top.h5"),
        ("nasnet_mobile", {}, "nasnet_mobile_no_top.h5"),
    ],
)
def test_the_error_names_file_address_and_place(
    name, options, file_name, tmp_path
):
    with pytest.raises(ConnectionError) as raised:
        kt.create_backbone(name, **options)
    message = str(raised.value)
    spec = kt.get_backbone(name)
    source = spec.weights["imagenet"]
    if callable(source):
        source = source((224, 224, 3), **options)
    assert source.url in message
    assert str(tmp_path / "home" / "models" / file_name) in message
    assert "weights=None" in message


def test_build_model_by_name_does_not_fall_back_either():
    with pytest.raises(ConnectionError, match="could not be downloaded"):
        kt.build_model("vgg16", kt.heads.LinearHead(2))
