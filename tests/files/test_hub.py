"""Repositories of the hub: the real client against a local server."""

import json
import os
import subprocess
import sys

import pytest
from huggingface_hub import constants

from keras_transfer.files import hub
from tests.files.hub_server import HubServer

WEIGHTS = bytes(range(256)) * 400
FILES = {
    "tiny.weights.h5": WEIGHTS,
    "README.md": b"# A model",
    "sub/small.h5": b"small",
}


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with HubServer(FILES).running() as server:
        # The client reads HF_ENDPOINT when it is imported.
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.partition("/{")
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            "".join((server.address, *template[1:])),
        )
        yield server


def fetch(address="hf://org/name", name="tiny.weights.h5"):
    return hub.Repository(address).fetch(name)


def left(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_a_file_is_fetched_whole_below_the_home_of_keras(server, tmp_path):
    path = fetch()
    assert path.read_bytes() == WEIGHTS
    assert path.is_relative_to(tmp_path / "home" / "models" / "hub")
    requests = len(server.requests)
    assert fetch() == path
    assert len(server.requests) == requests + 1  # Is there a later version?


def test_small_files_are_checked_as_git_does(server):
    assert fetch(name="README.md").read_bytes() == b"# A model"


def test_names_in_subfolders_are_meant_only_when_they_are_named(server):
    assert hub.Repository("hf://org/name").names == [
        "README.md",
        "tiny.weights.h5",
    ]
    repository = hub.Repository("hf://org/name/sub/small.h5")
    assert repository.fetch(repository.path).read_bytes() == b"small"


def test_the_token_is_told_to_the_hub_alone(server):
    fetch()
    assert server.authorizations == {
        "api": ["Bearer hf_secret"],
        "resolve": ["Bearer hf_secret"],
        "elsewhere": [None],
    }


def test_a_broken_transfer_is_taken_up_where_it_stopped(server):
    server.cuts = [1000, 2000]
    assert fetch().read_bytes() == WEIGHTS
    assert "bytes=1000-" in server.requests
    assert "bytes=3000-" in server.requests


def test_a_later_process_takes_up_what_an_earlier_one_left(server):
    repository = hub.Repository("hf://org/name")
    server.cuts = [1000] + [0] * 10
    with pytest.raises(ConnectionError, match=r"Cannot fetch http.*broke off"):
        repository.fetch("tiny.weights.h5")
    server.cuts = []
    assert fetch().read_bytes() == WEIGHTS
    assert server.requests[-1] == "bytes=1000-"


def test_wrong_bytes_are_not_kept(server, tmp_path):
    server.wrong["tiny.weights.h5"] = WEIGHTS[:-1] + b"?"
    with pytest.raises(ValueError, match="damaged .*expected the sha256"):
        fetch()
    assert left(tmp_path / "home") == ["main"]


def test_a_file_that_was_damaged_in_the_cache_is_refused(server):
    path = fetch()
    path.write_bytes(WEIGHTS[:-1])
    with pytest.raises(ValueError, match="is there already but .* Delete it"):
        fetch()


def test_a_later_version_is_found(server):
    fetch()
    server.files["tiny.weights.h5"] = b"new"
    assert fetch().read_bytes() == b"new"


def test_a_new_version_of_another_file_fetches_nothing_again(server):
    fetch()
    server.files["README.md"] = b"# A better model"
    fetch()
    assert len(server.authorizations["elsewhere"]) == 1


def test_a_commit_is_asked_about_once(server):
    address = f"hf://org/name@{server.commit}"
    fetch(address)
    requests = len(server.requests)
    fetch(address)
    assert len(server.requests) == requests


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("hf://org/nome", "hf://org/nome does not exist, or is not open"),
        ("hf://org/name@v9", "hf://org/name has no revision 'v9'. Expected"),
        ("hf://org/name/x.h5", "holds no file 'x.h5'. Expected one of .'READ"),
        ("hf://org", "must be 'namespace/name'"),
        ("hf://datasets/org/name", "in repositories of models. Received: .*da"),
    ],
)
def test_what_is_not_there_is_one_sentence(server, address, sentence):
    with pytest.raises(ValueError, match=sentence):
        hub.Repository(address)


def test_a_file_without_a_hash_is_refused(server, monkeypatch):
    listing = server._listing()
    listing["siblings"][1]["blobId"] = None
    monkeypatch.setattr(server, "_listing", lambda: listing)
    with pytest.raises(ValueError, match="states no hash of 'README.md'"):
        hub.Repository("hf://org/name")


def test_without_a_network_the_cache_serves_and_says_so(server):
    path = fetch()
    server.server_close()
    with pytest.warns(UserWarning, match="taken from the cache as it was at"):
        assert fetch() == path


def test_without_network_and_cache_the_error_says_what_to_do(server):
    server.server_close()
    with pytest.raises(
        ConnectionError, match="is not in the cache, and .*pass its path"
    ):
        hub.Repository("hf://org/name")


def test_a_hub_that_answers_with_errors_is_no_reason_to_give_up(server):
    path = fetch()
    server.statuses = [500]
    with pytest.warns(UserWarning, match="cannot be asked whether"):
        assert fetch() == path


SCRIPT = """
import sys
from keras_transfer.files import hub
try:
    print(hub.Repository("hf://org/name").fetch(sys.argv[1]))
except ConnectionError as error:
    print(error)
"""


def run(name, **variables):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, name],
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_endpoint_and_offline_mode_are_heeded(server):
    """In processes of their own, since the client reads them at its import."""
    path = run("tiny.weights.h5", HF_ENDPOINT=server.address)
    assert path.strip().endswith("tiny.weights.h5")
    requests = len(server.requests)
    offline = {"HF_ENDPOINT": server.address, "HF_HUB_OFFLINE": "1"}
    assert run("tiny.weights.h5", **offline) == path
    assert "HF_HUB_OFFLINE forbids to fetch" in run("README.md", **offline)
    assert len(server.requests) == requests


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        ImportError, match=r"pip install 'keras-transfer\[hf\]'"
    ):
        hub.Repository("hf://org/name")


def test_the_list_of_files_is_plain_data(server, tmp_path):
    fetch()
    note = tmp_path / "home/models/hub/org--name/revisions/main"
    listing = json.loads(note.read_text())
    assert listing["commit"] == server.commit
    assert set(listing["files"]) == set(FILES)
