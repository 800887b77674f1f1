"""Puts load on `keras-transfer serve` and reports failures, latency, memory.

    python examples/benchmarks/serving.py model.onnx --seconds 60 --users 8

Needs `pip install "keras-transfer[serve,test]"`. Each user sends one
photograph after the other over a connection of its own, on this machine; the
load generator shares the processor with the service, so a service on a machine
to itself answers sooner. The last line is a row of a table: file, requests a
second, p50, p90, p99, memory in MB with that of the decoders, failed requests,
load average of the machine.
"""

import argparse
import io
import itertools
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

import gevent
import numpy as np
import psutil
from locust import FastHttpUser
from locust import task
from locust.env import Environment
from PIL import Image

BATCHES = re.compile(r"^keras_transfer_batch_size_(count|sum) (\S+)$", re.M)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--photographs", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--users", type=int, default=8)
    arguments = parser.parse_args()
    photographs = read(arguments.photographs)
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "keras_transfer", "serve"),
            *(str(arguments.model), "--port=0"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    ) as service:
        try:
            found = re.search(r"(http://\S+)", service.stdout.readline())
            if found is None:
                sys.exit("the service did not start")
            print(measure(found[1], service.pid, photographs, arguments))
        finally:
            service.terminate()
    print(f"exit code after SIGTERM  {service.returncode}")


def read(folder):
    """Returns photographs, made-up ones where there is no folder."""
    if folder is not None:
        return [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))]
    random = np.random.default_rng(0)
    made_up = []
    for _ in range(16):
        coarse = random.integers(0, 256, (12, 16, 3), dtype="uint8")
        file = io.BytesIO()
        Image.fromarray(coarse).resize((500, 375)).save(file, "JPEG")
        made_up.append(file.getvalue())
    return made_up


def measure(address, process_id, photographs, arguments):
    """Prints the figures, and returns them as a row of a table."""
    environment = Environment(user_classes=[user_of(photographs)], host=address)
    runner = environment.create_local_runner()
    runner.start(arguments.users, spawn_rate=arguments.users)
    memory = []
    for _ in range(12):
        gevent.sleep(arguments.seconds / 12)
        memory.append(memory_of(process_id) / 1e6)
    total = runner.stats.total
    rate = total.num_requests / arguments.seconds
    runner.quit()
    counted = {name: float(n) for name, n in BATCHES.findall(metrics(address))}
    print(f"requests                 {total.num_requests}")
    print(f"failed                   {total.num_failures}")
    print(f"requests a second        {rate:.1f}")
    print(f"images in a batch        {counted['sum'] / counted['count']:.2f}")
    latencies = []
    for percent in (50, 90, 99):
        latency = total.get_response_time_percentile(percent / 100)
        print(f"p{percent}, ms                  {latency:.0f}")
        latencies.append(f"{latency:,.0f} ms")
    load = os.getloadavg()[0]
    print(f"load average             {load:.1f} on {os.cpu_count()} cores")
    print(f"memory, MB               {' '.join(f'{m:.0f}' for m in memory)}")
    for error in runner.errors.values():
        print(f"error                    {error.error} ({error.occurrences})")
    cells = [f"`{arguments.model.suffix}`", f"{rate:.1f}", *latencies]
    cells += [f"{max(memory):,.0f}", str(total.num_failures), f"{load:.1f}"]
    return f"| {' | '.join(cells)} |"


def memory_of(process_id):
    """Returns what the service takes together with its decoders."""
    service = psutil.Process(process_id)
    everyone = [service, *service.children(recursive=True)]
    return sum(process.memory_info().rss for process in everyone)


def user_of(photographs):
    endless = itertools.cycle(photographs)

    class User(FastHttpUser):
        @task
        def predict(self):
            self.client.post(
                "/predict",
                data=next(endless),
                headers={"Content-Type": "image/jpeg"},
            )

    return User


def metrics(address):
    with urllib.request.urlopen(f"{address}/metrics", timeout=60) as reply:
        return reply.read().decode()


if __name__ == "__main__":
    main()
