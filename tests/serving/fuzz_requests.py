"""Sends mutilated requests to a service for as long as one likes.

    python -m tests.serving.fuzz_requests --seconds 600

It stops with what it sent in `fuzz-request.bin` when an answer is a failure,
the service ends, takes more than 500 MB, or does not answer a good request.
"""

import argparse
import pathlib
import random
import tempfile
import time

import numpy as np

from tests.cli.test_serve import start
from tests.serving import hostile_requests
from tests.serving.http_client import Service
from tests.serving.http_client import form
from tests.serving.http_client import photograph
from tests.serving.test_hostile import health_watched
from tests.serving.test_hostile import memory_of
from tests.serving.test_hostile import status_of
from tests.serving.test_refusals import mutated

MOST_BYTES = 200_000
FOUND = pathlib.Path("fuzz-request.bin")


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=pathlib.Path)
    arguments = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or made_up(pathlib.Path(folder, "model.keras"))
        process, found = start(model, "--port=0")
        try:
            with health_watched(int(found[3])) as times:
                count, statuses = fuzz(process, int(found[3]), arguments)
        finally:
            process.kill()
            process.communicate()
    print(f"{count} requests, answered with {sorted(statuses)}")
    latencies = np.percentile(times, [50, 99, 100]) * 1000
    print(
        "/healthz, ms: p50 {:.1f}, p99 {:.1f}, most {:.1f}".format(*latencies)
    )


def made_up(path):
    import keras_transfer as kt
    from tests.exporting import networks

    model = kt.build_model(networks.convolutional(), kt.heads.LinearHead(3))
    kt.save_model(networks.lively(model), path)
    return path


def corpus():
    """Returns small requests, hostile ones and good ones."""
    found = [
        hostile_requests.post(photograph(), "image/png"),
        hostile_requests.post(photograph(1, format="JPEG"), "image/jpeg"),
        hostile_requests.post(photograph(2, format="WEBP"), "image/webp"),
        hostile_requests.post(photograph(3, format="GIF"), "image/gif"),
        hostile_requests.post(*form(("a", photograph()), ("b", photograph()))),
        hostile_requests.post(hostile_requests.grid(3), hostile_requests.JSON),
    ]
    for build, _ in hostile_requests.KINDS.values():
        data = build()
        if isinstance(data, bytes) and len(data) < MOST_BYTES:
            found.append(data)
    return found


def fuzz(process, port, arguments):
    rng = random.Random(arguments.seed)
    seeds, service = corpus(), Service(port)
    expected = service.post(photograph(), "image/png").json
    before, statuses, count = memory_of(process), set(), 0
    end = time.monotonic() + arguments.seconds
    while time.monotonic() < end:
        request = mutated(rng.choice(seeds), rng)
        FOUND.write_bytes(request)
        status = status_of(port, request, is_answered=False)
        statuses.add(status)
        count += 1
        assert status < 500 or status == 503, (status, FOUND)
        assert process.poll() is None, FOUND
        if count % 50 == 0:
            assert memory_of(process) - before < 500e6, FOUND
            assert service.post(photograph(), "image/png").json == expected
    FOUND.unlink(missing_ok=True)
    return count, statuses


if __name__ == "__main__":
    main()
