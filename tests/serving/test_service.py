"""Answers of a service to good requests, with the real model behind it."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.serving.prediction import predict
from keras_transfer.serving.service import check_packages
from keras_transfer.serving.service import warm_up
from tests.serving.http_client import photograph


@pytest.fixture
def expected(model_path, tmp_path):
    """A function that asks the model itself about the bytes of a file."""

    def expected(*files):
        paths = []
        for number, contents in enumerate(files):
            paths.append(tmp_path / f"{number}.img")
            paths[-1].write_bytes(contents)
        answers = predict(kt.load_model(model_path), paths, top=3)
        return [
            {p.label: pytest.approx(p.probability, abs=1e-6) for p in answer}
            for answer in answers
        ]

    return expected


def found(reply):
    assert reply.status == 200, reply.body
    return [
        {c["class"]: c["probability"] for c in prediction["classes"]}
        for prediction in reply.json["predictions"]
    ]


def test_files_get_the_classes_that_the_model_gives(service, expected):
    files = [photograph(1), photograph(2, format="JPEG"), photograph(3)]
    reply = service.post_files(
        ("a.png", files[0]), ("ü.jpg", files[1]), ("c.png", files[2])
    )
    assert found(reply) == expected(*files)
    answers = reply.json["predictions"]
    assert [a["image"] for a in answers] == ["a.png", "ü.jpg", "c.png"]
    for answer in answers:
        ranked = [c["probability"] for c in answer["classes"]]
        assert ranked == sorted(ranked, reverse=True)
        assert sum(ranked) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream"])
def test_a_bare_file_is_enough(service, expected, kind):
    contents = photograph(1)
    assert found(service.post(contents, kind)) == expected(contents)


def test_json_brings_files_in_base64_or_pixels(service, expected):
    contents = photograph(1, size=(16, 16))
    encoded = base64.encodebytes(contents).decode()
    pixels = np.asarray(Image.open(io.BytesIO(contents))).tolist()
    images = [encoded, f"data:image/png;base64,{encoded}", pixels]
    reply = service.post_json({"images": images})
    assert found(reply) == 3 * expected(contents)


@pytest.mark.parametrize(("top", "count"), [(1, 1), (2, 2), (99, 3)])
def test_as_many_classes_as_are_asked_for(service, top, count):
    reply = service.post(photograph(), "image/png", f"/predict?top={top}")
    assert [len(classes) for classes in found(reply)] == [count]


def test_metadata_says_what_a_client_must_know(service, model_path):
    import hashlib

    metadata = service.get("/metadata").json
    digest = hashlib.sha256(model_path.read_bytes()).hexdigest()
    assert metadata["sha256"] == digest
    assert metadata["class_names"] == ["a", "b", "c"]
    assert metadata["input"] == {
        "height": 16,
        "width": 16,
        "channels": 3,
        "range": [0, 255],
    }
    assert metadata["versions"]["keras_transfer"] == kt.__version__
    assert metadata["limits"]["images"] == 4


def test_health_is_ok(service):
    assert service.get("/healthz").json == {"status": "ok"}


def figures(service):
    text = service.get("/metrics").body.decode()
    return {
        name: float(value)
        for name, value in re.findall(r"^(keras\S+) (\S+)$", text, re.M)
    }


def test_metrics_count_answers_and_batches(service):
    name = 'keras_transfer_requests_total{status="%d"}'
    before = figures(service)
    service.post_files(("a", photograph(1)), ("b", photograph(2)))
    service.post(b"no image", "image/png")
    after = figures(service)
    for status in (200, 422):
        key = name % status
        assert after[key] == before.get(key, 0) + 1
    images = "keras_transfer_batch_size_sum"
    assert after[images] == before[images] + 2
    assert after["keras_transfer_requests_in_flight"] == 0


def test_the_page_needs_nothing_from_elsewhere(service):
    reply = service.get("/")
    page = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "Drop photographs here" in page
    assert not re.search(r"https?://|(src|href)=[\"'](?!data:)", page)


def test_a_missing_package_is_named_with_the_line_that_installs_it():
    with pytest.raises(
        ImportError, match=r"pip install 'keras-transfer\[serve"
    ):
        check_packages(("no_such_package",))


@pytest.mark.parametrize(
    "row", [[[0.5, float("nan"), 0.5]], [[0.5, 0.5]]], ids=["nan", "shape"]
)
def test_a_model_that_classifies_nothing_is_not_served(classifier, row):
    import dataclasses

    broken = dataclasses.replace(
        classifier, run=lambda x: [np.repeat(row, len(x), axis=0)]
    )
    with pytest.raises(ValueError, match="is no classifier of images"):
        warm_up(broken, 4)


def test_importing_the_package_imports_no_server():
    import subprocess
    import sys

    code = (
        "import sys, keras_transfer, keras_transfer.cli.serve; print([m for m "
        "in ('starlette', 'uvicorn', 'keras_transfer.serving') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_pixels_that_were_scaled_already_are_warned_of(service):
    scaled = np.random.default_rng(0).uniform(0, 1, (16, 16, 3))
    images = [scaled.tolist(), (255 * scaled).tolist()]
    first, second = service.post_json({"images": images}).json["predictions"]
    assert "between 0 and 1, but the model expects 0 to 255" in first["warning"]
    assert "warning" not in second
