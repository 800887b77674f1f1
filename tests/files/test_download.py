"""Downloads: complete, checked, taken up where they stopped."""

import hashlib
import subprocess
import sys
import threading
import time

import pytest

from keras_transfer.files.download import download
from tests.files.file_server import FileServer

CONTENTS = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENTS).hexdigest()
MD5 = hashlib.md5(CONTENTS).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with FileServer(CONTENTS).running() as server:
        yield server


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.bin"


def _left(path):
    return sorted(child.name for child in path.parent.iterdir())


def test_a_file_is_fetched_whole_into_a_new_folder(server, tmp_path):
    path = tmp_path / "a" / "b" / "file.bin"
    assert download(server.url, str(path), sha256=SHA256, md5=MD5) == path
    assert path.read_bytes() == CONTENTS
    assert _left(path) == ["file.bin"]


def test_an_existing_file_is_not_fetched_again(server, path):
    path.write_bytes(CONTENTS)
    download(server.url, path)
    download(server.url, path, sha256=SHA256.upper())
    assert server.requests == []


def test_an_existing_file_of_the_wrong_hash_is_an_error(server, path):
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"file\.bin is there already but is"):
        download(server.url, path, sha256=SHA256)
    assert path.read_bytes() == b"something else"


def test_a_broken_transfer_is_taken_up_where_it_stopped(server, path):
    server.cuts = [1000, 2000, 3000]
    download(server.url, path, sha256=SHA256)
    assert path.read_bytes() == CONTENTS
    assert server.requests == [
        None,
        "bytes=1000-",
        "bytes=3000-",
        "bytes=6000-",
    ]


def test_a_range_that_begins_elsewhere_is_not_appended(server, path):
    """No hash is known that would tell."""
    server.cuts = [1000]
    server.earlier = 100
    download(server.url, path)
    assert path.read_bytes() == CONTENTS
    assert server.requests == [None, "bytes=1000-", None]


def test_a_later_call_takes_up_what_an_earlier_one_left(server, path):
    server.cuts = [5000]
    with pytest.raises(ConnectionError, match="broke off after 5000 of 102400"):
        download(server.url, path, retries=0)
    assert not path.exists()
    assert "file.bin.part" in _left(path)
    download(server.url, path, sha256=SHA256)
    assert server.requests == [None, "bytes=5000-"]
    assert path.read_bytes() == CONTENTS
    assert _left(path) == ["file.bin"]


def test_a_line_that_brings_a_little_each_time_is_no_failure(server, path):
    server.cuts = [20000] * 4
    download(server.url, path, retries=1)
    assert path.read_bytes() == CONTENTS


def test_a_server_without_ranges_starts_over(server, path):
    server.has_ranges = False
    server.cuts = [5000]
    download(server.url, path, sha256=SHA256)
    assert path.read_bytes() == CONTENTS
    assert server.requests == [None, "bytes=5000-"]


def test_a_server_that_always_starts_over_is_given_up(server, path):
    server.has_ranges = False
    server.cuts = [5000] * 20
    with pytest.raises(ConnectionError, match="broke off"):
        download(server.url, path, retries=1)
    # The second request brought nothing new.
    assert len(server.requests) == 2


def test_without_a_version_nothing_is_taken_up(server, path):
    server.etag = None
    server.cuts = [5000]
    download(server.url, path)
    assert server.requests == [None, None]
    assert path.read_bytes() == CONTENTS


@pytest.mark.parametrize("honours_if_range", [True, False])
def test_a_file_that_changed_meanwhile_is_fetched_anew(
    server, path, honours_if_range
):
    server.cuts = [5000]
    with pytest.raises(ConnectionError, match="broke off"):
        download(server.url, path, retries=0)
    server.contents = b"x" * len(CONTENTS)
    server.etag = '"2"'
    server.honours_if_range = honours_if_range
    download(server.url, path)
    assert path.read_bytes() == server.contents
    # A server that heeds the version spares the second request.
    again = [] if honours_if_range else [None]
    assert server.requests == [None, "bytes=5000-", *again]


def test_what_is_left_of_a_shorter_version_is_dropped(server, path):
    server.cuts = [5000]
    with pytest.raises(ConnectionError, match="broke off"):
        download(server.url, path, retries=0)
    server.contents = b"short"
    download(server.url, path)
    assert path.read_bytes() == b"short"


def test_a_damaged_beginning_is_fetched_anew(server, path):
    server.cuts = [5000]
    with pytest.raises(ConnectionError, match="broke off"):
        download(server.url, path, retries=0)
    path.with_name("file.bin.part").write_bytes(b"?" * 5000)
    download(server.url, path, sha256=SHA256)
    assert path.read_bytes() == CONTENTS
    assert server.requests == [None, "bytes=5000-", None]


def test_a_transfer_without_a_length_is_fetched(server, path):
    server.has_length = False
    download(server.url, path, sha256=SHA256)
    assert path.read_bytes() == CONTENTS


def test_without_length_and_hash_half_a_file_is_not_taken_for_one(server, path):
    server.has_length = False
    server.cuts = [5000]
    with pytest.raises(
        ConnectionError, match="does not say how long .*: state its sha256"
    ):
        download(server.url, path)
    assert _left(path) == []


def test_a_transfer_in_chunks_that_breaks_off_is_taken_up(server, path):
    server.is_chunked = True
    server.cuts = [5000]
    download(server.url, path)
    assert path.read_bytes() == CONTENTS
    assert len(server.requests) == 2


def test_bytes_of_another_process_in_between_are_dropped(server, path):
    server.piece, server.pause = 20000, 0.05
    part = path.with_name("file.bin.part")

    def interfere():
        while not part.exists():
            time.sleep(0.01)
        with open(part, "ab") as file:
            file.write(b"x" * 1000)

    thread = threading.Thread(target=interfere)
    thread.start()
    download(server.url, path)
    thread.join()
    assert path.read_bytes() == CONTENTS


def test_git_knows_a_file_by_its_length_and_contents(server, path):
    header = f"blob {len(CONTENTS)}\0".encode()
    git_sha1 = hashlib.sha1(header + CONTENTS).hexdigest()
    download(server.url, path, git_sha1=git_sha1)
    assert path.read_bytes() == CONTENTS
    with pytest.raises(ValueError, match="expected the git_sha1 0000"):
        download(server.url, path, git_sha1="0" * 40)


@pytest.mark.parametrize(
    ("hashes", "received"),
    [
        ({"sha256": "0" * 64}, f"sha256 0+, received {SHA256}"),
        ({"md5": "0" * 32}, f"md5 0+, received {MD5}"),
    ],
)
def test_wrong_bytes_are_an_error_that_names_all(
    server, path, hashes, received
):
    message = f"{server.url} for .*file.bin is damaged .* {received}"
    with pytest.raises(ValueError, match=message):
        download(server.url, path, **hashes)
    assert _left(path) == []


def test_a_missing_file_is_final(server, path):
    server.statuses = [404, 404]
    with pytest.raises(
        ConnectionError,
        match=r"Cannot fetch http.*: the server answers 404 .*put it at .*bin",
    ):
        download(server.url, path)
    assert len(server.requests) == 1
    assert _left(path) == []


def test_an_overloaded_server_is_asked_again(server, path):
    server.statuses = [503, 429]
    download(server.url, path, sha256=SHA256)
    assert len(server.requests) == 3


def test_a_silent_server_is_given_up(server, path):
    server.silence = 100
    began = time.monotonic()
    with pytest.raises(ConnectionError, match="the server went silent"):
        download(server.url, path, retries=0, timeout=0.2)
    assert time.monotonic() - began < 0.9
    assert not path.exists()


def test_a_closed_door_is_a_connection_error(server, path):
    url = server.url
    server.server_close()
    with pytest.raises(ConnectionError, match=r"Cannot fetch .*put it at"):
        download(url, path, retries=0)


def test_an_unknown_host_is_not_asked_again(path):
    began = time.monotonic()
    with pytest.raises(ConnectionError, match=r"Cannot fetch .*invalid/x"):
        download("http://host.invalid/x", path, retries=10)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("url", ["file:///etc/hosts", "ftp://a/b", "a.bin"])
def test_other_addresses_are_refused(path, url):
    with pytest.raises(ValueError, match="Only http or https"):
        download(url, path)


def test_progress_is_drawn_on_a_terminal_only(
    server, tmp_path, capsys, monkeypatch
):
    download(server.url, tmp_path / "plain.bin")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    download(server.url, tmp_path / "quiet.bin", progress=False)
    assert capsys.readouterr() == ("", "")
    download(server.url, tmp_path / "shown.bin")
    out, err = capsys.readouterr()
    assert "shown.bin" in err
    assert out == ""


def test_neither_keras_nor_tensorflow_is_imported():
    script = (
        "import sys, keras_transfer.files.download; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
