"""Where a benchmark ran, and the place of its figures in a README."""

import importlib.metadata
import os
import pathlib
import platform

END = "<!-- Until here. -->"


def machine(packages=()):
    """Describes the machine, and packages beside Keras, in a line."""
    import keras
    import psutil
    import tensorflow as tf

    versions = [
        f", {name} {importlib.metadata.version(name)}" for name in packages
    ]
    return (
        f"{os.cpu_count()} cores ({_processor()}), "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, load average "
        f"{os.getloadavg()[0]:.1f} at the end; Python "
        f"{platform.python_version()}, Keras {keras.__version__}, TensorFlow "
        f"{tf.__version__}" + "".join(versions)
    )


def _processor():
    information = pathlib.Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def write_readme(path, mark, text):
    """Puts figures between a mark of a README and the next end."""
    before, begin, rest = path.read_text().partition(mark)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"'{path}' has no lines {mark!r} and {END!r}.")
    path.write_text(f"{before}{mark}\n\n{text}\n\n{END}{after}")
