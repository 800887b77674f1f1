"""Downloads that are killed, and what they leave under the final name."""

import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys

import pytest

from tests.files.file_server import FileServer
from tests.files.hub_server import HubServer

CONTENTS = random.Random(0).randbytes(1 << 21)
SHA256 = hashlib.sha256(CONTENTS).hexdigest()
KILLS = 50

# Imports once, then forks a child for each download: starting Python fifty
# times would take most of a minute.
NURSERY = """
import json, os, signal, sys, time, warnings
import huggingface_hub, huggingface_hub.errors, huggingface_hub.utils
from keras_transfer.files import hub
from keras_transfer.files.download import download

# What is imported or found out only once is so before the first child.
huggingface_hub.HfApi, huggingface_hub.hf_hub_url
huggingface_hub.utils.build_hf_headers()
warnings.simplefilter("error")
for line in sys.stdin:
    moment, part, address, path, sha256 = json.loads(line)
    child = os.fork()
    if child == 0:
        if address.startswith("hf://"):
            hub.Repository(address).fetch(path)
        else:
            download(address, path, sha256=sha256)
        os._exit(0)
    while moment is not None:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        if os.path.exists(part) and os.path.getsize(part) >= moment[0]:
            time.sleep(moment[1])
            os.kill(child, signal.SIGKILL)  # Not waited for yet: it is ours.
            break
        time.sleep(0.001)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """Runs downloads in processes, and kills them."""

    def __init__(self, **variables):
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            env={**os.environ, "no_proxy": "*", **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, moment, part, address, path, sha256=None):
        """Downloads; kills when `part` holds so many bytes, and a bit later.

        Returns the exit code; a negative one is that of a signal.
        """
        task = json.dumps([moment, str(part), address, str(path), sha256])
        print(task, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def slow(server):
    server.piece, server.pause = len(CONTENTS) // 25, 0.001
    return server.running()


def moments(seed):
    """When to kill: after which share of the bytes, how many seconds later."""
    generator = random.Random(seed)
    while True:
        is_whole = generator.random() < 0.2  # While it is checked and renamed.
        share = 1 if is_whole else generator.random()
        yield share, generator.uniform(0, 0.01)


def left(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="needs os.fork to be fast enough"
)


def kill_fifty_times(seed, path, download):
    """Returns how often a killed download left a part of the file."""
    part = path.with_name(path.name + ".part")
    kills = resumed = 0
    for share, pause in itertools.islice(moments(seed), 4 * KILLS):
        start = part.stat().st_size if part.exists() else 0
        if start == len(CONTENTS):
            part.unlink()  # Nothing would be left to arrive.
            start = 0
        arrived = start + 1 + int(share * (len(CONTENTS) - start - 1))
        code = download((arrived, pause), part)
        assert code in (0, -signal.SIGKILL)
        kills += code != 0
        if path.exists():
            assert path.read_bytes() == CONTENTS
            path.unlink()
        resumed += part.exists()
        if kills == KILLS:
            break
    assert kills == KILLS
    assert download(None, part) == 0
    assert path.read_bytes() == CONTENTS
    assert not part.exists()
    return resumed


@pytest.mark.parametrize("sha256", [SHA256, None], ids=["hash", "length"])
def test_fifty_kills_leave_no_half_file(tmp_path, sha256):
    path = tmp_path / "file.bin"
    with slow(FileServer(CONTENTS)) as server, Nursery() as nursery:

        def download(moment, part):
            return nursery.run(moment, part, server.url, path, sha256)

        assert kill_fifty_times(1, path, download) >= 25


def test_fifty_kills_leave_no_half_file_of_the_hub(tmp_path):
    name = "tiny.weights.h5"
    folder = tmp_path / "models" / "hub" / "org--name"
    with slow(HubServer({name: CONTENTS})) as server:
        home = {"KERAS_HOME": str(tmp_path), "HF_ENDPOINT": server.address}
        with Nursery(**home) as nursery:
            # Of a commit the hub is asked once: more downloads in less time.
            address = f"hf://org/name@{server.commit}"

            def download(moment, part):
                return nursery.run(moment, part, address, name)

            path = folder / SHA256 / name
            assert kill_fifty_times(2, path, download) >= 25
    assert left(folder / "revisions") == [server.commit]


def test_a_kill_while_the_hub_is_asked_leaves_no_half_list(tmp_path):
    name = "tiny.weights.h5"
    generator = random.Random(3)
    with HubServer({name: b"weights"}).running() as server:
        home = {"KERAS_HOME": str(tmp_path), "HF_ENDPOINT": server.address}
        with Nursery(**home) as nursery:
            for _ in range(10):
                moment = 0, generator.uniform(0, 0.2)
                nursery.run(moment, tmp_path, "hf://org/name", name)
                for note in tmp_path.rglob("main"):
                    listing = json.loads(note.read_text())
                    assert listing["commit"] == server.commit
            assert nursery.run(None, tmp_path, "hf://org/name", name) == 0
    (path,) = tmp_path.rglob(name)
    assert path.read_bytes() == b"weights"
