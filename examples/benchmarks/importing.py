"""Time that importing the package and listing its backbones take.

Both are measured inside a fresh process, with nothing else imported, so that
starting Python does not count. What other programs take from the machine adds
to the seconds of the clock, hence their least of several rounds; the
processor's own hardly change.

    python examples/benchmarks/importing.py --rounds 20
"""

import argparse
import json
import statistics
import subprocess
import sys

MEASURED = """
import json, time
def now():
    return time.perf_counter(), time.process_time()
times = [now()]
import keras_transfer as kt
times.append(now())
count = len(kt.list_backbones())
times.append(now())
print(json.dumps([times, count]))
"""


def measure():
    """Measures in a fresh process.

    Returns:
        Milliseconds by the clock and of the processor for the import, the
        same for the listing, and the number of names.
    """
    finished = subprocess.run(
        [sys.executable, "-c", MEASURED],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    (start, imported, listed), count = json.loads(finished.stdout)
    return between(start, imported), between(imported, listed), count


def between(start, end):
    return [1000 * (b - a) for a, b in zip(start, end, strict=True)]


def main(arguments):
    measure()  # The first round reads files that the system then keeps.
    rounds = [measure() for _ in range(arguments.rounds)]
    imports, listings, counts = zip(*rounds, strict=True)
    for name, times in (
        ("import keras_transfer", imports),
        (f"list {counts[0]} backbones", listings),
    ):
        clock, processor = zip(*times, strict=True)
        print(
            f"{name:>22}: {statistics.median(clock):.0f} ms (median), "
            f"{min(clock):.0f} ms (least), {statistics.median(processor):.0f} "
            "ms of the processor (median)"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    main(parser.parse_args())
