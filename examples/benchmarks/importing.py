"""Time that importing the package and listing its backbones take.

Both are measured inside a fresh process, with nothing else imported, so that
starting Python does not count. The least of several rounds is printed too: what
other programs take from the machine only adds to it.

    python examples/benchmarks/importing.py --rounds 20
"""

import argparse
import json
import statistics
import subprocess
import sys

MEASURED = """
import json, time
start = time.perf_counter()
import keras_transfer as kt
imported = time.perf_counter()
count = len(kt.list_backbones())
listed = time.perf_counter()
times = imported - start, listed - imported
print(json.dumps([*(1000 * time for time in times), count]))
"""


def measure():
    """Returns milliseconds of the import, of the listing, how many names."""
    finished = subprocess.run(
        [sys.executable, "-c", MEASURED],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(finished.stdout)


def main(arguments):
    measure()  # The first round reads files that the system then keeps.
    rounds = [measure() for _ in range(arguments.rounds)]
    imports, listings, counts = zip(*rounds, strict=True)
    for name, times in (
        ("import keras_transfer", imports),
        (f"list {counts[0]} backbones", listings),
    ):
        print(
            f"{name:>22}: {statistics.median(times):6.1f} ms (median), "
            f"{min(times):.1f} ms (least)"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    main(parser.parse_args())
