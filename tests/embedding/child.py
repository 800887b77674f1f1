"""Embeds a folder and tells how much memory that took beyond the model.

Arguments: model file, folder, output, batch size. Prints a line with the
growth of the resident memory, at its peak, in bytes: over the loaded model,
then over the loaded model that has seen one batch.
"""

import pathlib
import sys

import keras_transfer as kt
from keras_transfer.data import list_images


def resident(field):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise ValueError(f"This system does not tell {field}.")


def forget_peak():
    """Linux counts the peak from here on."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")


def main(model, folder, out, batch_size):
    model = kt.load_model(model)
    batch_size = int(batch_size)
    loaded = resident("VmRSS")
    kt.embed(model, list_images(folder)[:batch_size], batch_size=batch_size)
    warm = resident("VmRSS")
    forget_peak()
    kt.embed(model, folder, out=out, batch_size=batch_size)
    print(resident("VmHWM") - loaded, resident("VmHWM") - warm)


if __name__ == "__main__":
    main(*sys.argv[1:])
