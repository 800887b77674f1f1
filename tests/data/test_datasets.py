import functools
import http.server
import io
import os
import random
import threading

import pytest
from PIL import Image

import keras_transfer as kt
from keras_transfer.data.datasets import DATASETS
from tests.data.test_extract import make_tar
from tests.data.test_extract import make_zip

# What each archive holds, as the originals do.
ARCHIVES = {
    "mledu-datasets/cats_and_dogs_filtered.zip": [
        "cats_and_dogs_filtered/train/cats/cat.0.jpg",
        "cats_and_dogs_filtered/train/dogs/dog.0.jpg",
        "cats_and_dogs_filtered/validation/cats/cat.2000.jpg",
        "cats_and_dogs_filtered/validation/dogs/dog.2000.jpg",
        "cats_and_dogs_filtered/vectorize.py",
    ],
    "download.tensorflow.org/example_images/flower_photos.tgz": [
        f"flower_photos/{name}/{number}.jpg"
        for name in ("daisy", "dandelion", "roses", "sunflowers", "tulips")
        for number in range(2)
    ]
    + ["flower_photos/LICENSE.txt"],
    "download.tensorflow.org/data/horse-or-human.zip": [
        "horses/horse01-0.png",
        "humans/human01-00.png",
    ],
    "download.tensorflow.org/data/validation-horse-or-human.zip": [
        "horses/horse1-000.png",
        "humans/valhuman01-00.png",
    ],
    "download.tensorflow.org/data/rps.zip": [
        f"rps/{name}/{name}01-000.png" for name in ("rock", "paper", "scissors")
    ],
    "download.tensorflow.org/data/rps-test-set.zip": [
        f"rps-test-set/{name}/test{name}01-00.png"
        for name in ("rock", "paper", "scissors")
    ],
}
CLASSES = {
    "cats_vs_dogs": ["cats", "dogs"],
    "flowers": ["daisy", "dandelion", "roses", "sunflowers", "tulips"],
    "horses_or_humans": ["horses", "humans"],
    "rock_paper_scissors": ["paper", "rock", "scissors"],
}


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.requests.append(self.path)
        super().do_GET()


def _contents(name):
    if not name.endswith((".png", ".jpg")):
        return b"text"
    data = io.BytesIO()
    # No two alike: copies would stay on one side of the split.
    noise = random.Random(name).randbytes(6 * 6 * 3)
    image = Image.frombytes("RGB", (6, 6), noise)
    image.save(data, "PNG" if name.endswith(".png") else "JPEG")
    return data.getvalue()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    root = tmp_path / "mirror"
    for address, names in ARCHIVES.items():
        path = root / address
        path.parent.mkdir(parents=True, exist_ok=True)
        make = make_zip if path.suffix == ".zip" else make_tar
        make(path, {name: _contents(name) for name in names})
    handler = functools.partial(Handler, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.requests = []
        server.root = root
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _fetch(mirror, name, folder, **options):
    options = {"check_hash": False, **options}
    return kt.data.fetch(name, folder, base_url=mirror.url, **options)


def test_every_data_set_has_its_archives_in_the_mirror():
    assert DATASETS.keys() == CLASSES.keys()
    addresses = {a.address for parts in DATASETS.values() for a in parts}
    assert addresses == ARCHIVES.keys()


@pytest.mark.filterwarnings("ignore:There are no validation images")
@pytest.mark.parametrize("name", sorted(CLASSES))
def test_what_is_fetched_can_be_read(mirror, tmp_path, name):
    folder = _fetch(mirror, name, tmp_path / "kept")
    train, validation = kt.data.from_directory(folder, image_size=2)
    assert train.class_names == CLASSES[name]
    assert len(validation.file_paths) == len(CLASSES[name])
    assert len(train.file_paths) == len(CLASSES[name])
    assert os.listdir(tmp_path / "kept") == [name]


def test_a_second_call_fetches_nothing(mirror, tmp_path):
    first = _fetch(mirror, "flowers", tmp_path)
    count = len(mirror.requests)
    assert _fetch(mirror, "flowers", tmp_path) == first
    assert len(mirror.requests) == count


def test_data_sets_are_kept_in_the_home_of_keras(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    folder = _fetch(mirror, "flowers", None)
    assert folder == tmp_path / "home" / "datasets" / "flowers"


def test_other_bytes_than_the_known_ones_are_refused(mirror, tmp_path):
    with pytest.raises(ValueError, match="is damaged or another version"):
        _fetch(mirror, "flowers", tmp_path / "kept", check_hash=True)
    assert os.listdir(tmp_path / "kept") == []


def test_a_failed_download_leaves_no_folder(mirror, tmp_path):
    missing = mirror.root / "download.tensorflow.org/data/rps-test-set.zip"
    missing.unlink()
    with pytest.raises(ConnectionError, match=r"rps-test-set\.zip.* 404"):
        _fetch(mirror, "rock_paper_scissors", tmp_path / "kept")
    assert not (tmp_path / "kept" / "rock_paper_scissors").exists()


def test_a_damaged_archive_leaves_no_folder(mirror, tmp_path):
    path = mirror.root / "mledu-datasets/cats_and_dogs_filtered.zip"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"filtered\.zip is damaged"):
        _fetch(mirror, "cats_vs_dogs", tmp_path / "kept")
    assert not (tmp_path / "kept" / "cats_vs_dogs").exists()
    assert not [n for n in os.listdir(tmp_path / "kept") if n[0] == "."]


def test_an_archive_put_there_by_hand_is_used(mirror, tmp_path):
    address = "download.tensorflow.org/example_images/flower_photos.tgz"
    data = (mirror.root / address).read_bytes()
    (tmp_path / "flower_photos.tgz").write_bytes(data)
    _fetch(mirror, "flowers", tmp_path)
    assert mirror.requests == []


def test_an_unknown_name_gets_a_suggestion(tmp_path):
    with pytest.raises(ValueError, match="data set 'flower'.* mean 'flowers'"):
        kt.data.fetch("flower", tmp_path)
