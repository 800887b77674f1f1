"""The choice of the fastest runtime that returns the same."""

import pathlib
import sys
import tempfile
from collections.abc import Sequence

import keras
import numpy as np
from rich.console import Console
from rich.progress import track

from keras_transfer.exporting.inference_graph import inference_graph
from keras_transfer.exporting.runtimes.optimized import Measurement
from keras_transfer.exporting.runtimes.optimized import OptimizedModel
from keras_transfer.exporting.runtimes.optimized import median_seconds
from keras_transfer.exporting.runtimes.table import RUNTIMES
from keras_transfer.exporting.stock_model import check_graph
from keras_transfer.exporting.trial import largest_difference
from keras_transfer.exporting.trial import trial_images
from keras_transfer.names import check_whole_number
from keras_transfer.names import did_you_mean

BASELINE = "model.predict"
TOLERANCE = 1e-4


def optimize_for_inference(
    model: keras.Model,
    *,
    batch_sizes: Sequence[int] = (1, 32),
    runtimes: Sequence[str] | None = None,
    images: np.ndarray | None = None,
) -> OptimizedModel:
    """Finds the fastest way to run a model on this machine.

    BatchNormalization is folded where that is exact; dropout, auxiliary heads
    and everything else that only training needs is removed. The result is
    timed in each installed runtime, in turns with `model.predict`. Of the
    runtimes whose outputs match the model, the one that is fastest over all
    batch sizes is chosen. The model itself is not changed.

    This takes about a minute for MobileNet, most of it to convert the model,
    so it pays off in a process that predicts for long. Use `kt.export` for a
    file that starts fast.

    Args:
        model: A Functional or Sequential model with one input. With several
            outputs, the export formats are not tried.
        batch_sizes: Batch sizes to time, at least 1, with equal weight.
            Defaults to 1 and 32.
        runtimes: Some of `"eager"` (layer by layer), `"compiled"` (as Keras
            compiles), `"graph"` and `"xla"` (TensorFlow), `"onnx"`,
            `"litert"`, `"openvino"` (each with its extra installed). Defaults
            to all; those that are not installed are reported as such.
        images: Images to compare outputs on, at least two. Defaults to eight
            synthetic images.

    Returns:
        An `OptimizedModel` with a `predict` method like the model's, callable
        with a batch; its `measurements` hold the timings. Outputs are within
        1e-4 of the model's, relative for outputs above 1.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If it has no graph or several inputs, an argument is out of
            range, or no runtime matches the model.

    Example:
    >>> import keras
    >>> import numpy as np
    >>> import keras_transfer as kt
    >>> model = keras.Sequential([
    ...     keras.Input((8, 8, 3)), keras.layers.Flatten(),
    ...     keras.layers.Dense(2, "softmax")])
    >>> fast = kt.optimize_for_inference(model, runtimes=["graph"])
    >>> fast.predict(np.ones((3, 8, 8, 3))).shape
    (3, 2)
    """
    check_graph(model)
    if len(model.inputs) != 1:
        raise ValueError(
            f"The model {model.name!r} has {len(model.inputs)} inputs. "
            "Expected one; use `model.predict` for it."
        )
    _check_sizes(batch_sizes)
    names = _checked_names(runtimes)
    if images is None:
        images = trial_images(model)
    images = np.asarray(images).astype(model.inputs[0].dtype)
    structure = model(images, training=False)
    expected = [
        keras.ops.convert_to_numpy(output)
        for output in keras.tree.flatten(structure)
    ]
    if not all(np.isfinite(output).all() for output in expected):
        raise ValueError(
            f"The model {model.name!r} returns NaN or infinity. Expected "
            "finite outputs, to compare the runtimes with."
        )
    reduced = inference_graph(model)
    reduced.model(images[:1], training=False)  # Or Keras will not export it.
    runs, found = {}, []
    # What a runtime has opened stays open when the files are gone.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in _shown(names):
            run, result = _tried(
                name, reduced.model, pathlib.Path(folder), images, expected
            )
            found.append(result)
            if run is not None:
                runs[name] = run
    if not runs:
        reasons = "; ".join(f"{m.runtime}: {m.refused}" for m in found)
        raise ValueError(
            f"No runtime returns the outputs of the model {model.name!r} "
            f"({reasons}). Expected differences up to {TOLERANCE:g}; use "
            "`model.predict` for it."
        )
    measurements = _measured(model, runs, found, images, batch_sizes)
    best = next(m for m in measurements if m.runtime in runs)
    return OptimizedModel(
        model=reduced.model,
        run=runs[best.runtime],
        pack=lambda flat: keras.tree.pack_sequence_as(structure, flat),
        runtime=best.runtime,
        folded=reduced.folded,
        measurements=tuple(measurements),
    )


def _tried(name, graph, folder, images, expected):
    # Converters raise whatever they like for a layer that they do not know;
    # the report says it, and another runtime is chosen.
    try:
        run = RUNTIMES[name](graph, folder)
        outputs = run(images)
        single = run(images[:1])
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        return None, Measurement(name, refused=reason or repr(error))
    difference = scale = 0.0
    for one, row, reference in zip(outputs, single, expected, strict=True):
        if one.shape != reference.shape or row.shape != reference[:1].shape:
            reason = f"it returns the shape {one.shape}"
            return None, Measurement(name, refused=reason)
        scale = max(1.0, float(np.abs(reference).max()))
        for part, of in ((one, reference), (row, reference[:1])):
            distance = largest_difference(part, of) / scale
            difference = float(np.maximum(difference, distance))
    if not difference <= TOLERANCE:
        reason = f"its outputs differ by {difference:.2g}"
        return None, Measurement(name, difference=difference, refused=reason)
    return run, Measurement(name, difference=difference)


def _measured(model, runs, found, images, batch_sizes):
    """Measurements of all, the fastest first, those not run at the end."""
    # A model of its own, whose `predict` compiles nothing into the given one.
    same = keras.Model(model.inputs, model.outputs)
    seconds: dict[str, dict[int, float]] = {}
    for size in batch_sizes:
        batch = np.resize(images, (size, *images.shape[1:]))

        def baseline(images):
            return same.predict(images, batch_size=len(images), verbose=0)

        medians = median_seconds({BASELINE: baseline, **runs}, batch)
        for name, median in medians.items():
            seconds.setdefault(name, {})[size] = median
    rows = [Measurement(BASELINE), *found]
    rows = [_with_times(row, seconds) for row in rows]
    return sorted(
        rows,
        key=lambda m: (
            not m.seconds,
            -sum(np.log(s) for s in m.speedup.values()),
        ),
    )


def _with_times(row, seconds):
    taken = seconds.get(row.runtime, {})
    speedup = {n: seconds[BASELINE][n] / s for n, s in taken.items()}
    return Measurement(row.runtime, taken, speedup, row.difference, row.refused)


def _shown(names):
    return track(
        names,
        description="Trying runtimes",
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )


def _check_sizes(batch_sizes):
    is_list = isinstance(batch_sizes, Sequence) and len(batch_sizes)
    if not is_list:
        raise ValueError(
            "`batch_sizes` must be a list of whole numbers. Received: "
            f"{batch_sizes!r}."
        )
    for size in batch_sizes:
        check_whole_number("batch_sizes", size, least=1)


def _checked_names(runtimes):
    names = list(RUNTIMES) if runtimes is None else list(runtimes)
    for name in names:
        if name not in RUNTIMES:
            raise ValueError(
                f"Unknown runtime {name!r}. Expected some of "
                f"{list(RUNTIMES)}.{did_you_mean(str(name), RUNTIMES)}"
            )
    return names
