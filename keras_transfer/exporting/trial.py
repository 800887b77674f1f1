"""The comparison of an exported file with the model in Keras."""

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import numpy as np

from keras_transfer.structure import model_info

_UNKNOWN_SIZE = 96
_REPEATS = 3


class Allowance(NamedTuple):
    """The largest difference from Keras that passes, the smaller of two.

    Args:
        tolerance: Of outputs up to 1; of larger ones the same fraction.
        fraction: Allowed difference, as a fraction of the outputs' spread;
            catches constant exports.
    """

    tolerance: float
    fraction: float = 0.1


@dataclasses.dataclass(frozen=True)
class Trial:
    """The result of comparing an exported file with Keras.

    Args:
        images: Number of images.
        batch_sizes: Batch sizes that were run.
        difference: Largest difference from the outputs of Keras.
        tolerance: Largest difference allowed.
        same_best: Number of images for which both predict the same class.
    """

    images: int
    batch_sizes: tuple[int, ...]
    difference: float
    tolerance: float
    same_best: int


def try_out(
    run: Callable[[np.ndarray], np.ndarray],
    reference: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    allowance: Allowance,
    name: str,
) -> Trial:
    """Runs an exported model and compares its outputs with those of Keras.

    Args:
        run: Returns the exported model's outputs for a batch.
        reference: Returns the outputs of Keras for a batch.
        images: The largest batch; smaller ones are its first images.
        allowance: How much outputs may differ.
        name: Name of the file in error messages.

    Raises:
        ValueError: If outputs are not finite, are the same for all images,
            are not reproducible, or differ from those of Keras.
    """
    expected = reference(images)
    variation = float(np.max(np.ptp(expected, axis=0)))
    scale = max(1.0, float(np.max(np.abs(expected))))
    if not np.isfinite(expected).all() or not variation > 1e-6 * scale:
        raise ValueError(
            "The model itself returns nearly the same for every image "
            f"(outputs vary by {variation:.2g}), so {name} cannot be verified. "
            "Expected a trained model; pass data='FOLDER' to compare outputs "
            "on your own photographs."
        )
    allowed = min(allowance.tolerance * scale, allowance.fraction * variation)
    repeats = [np.asarray(run(images)) for _ in range(_REPEATS)]
    first = repeats[0]
    if first.shape != expected.shape:
        raise ValueError(
            f"{name} is broken: it returns the shape {first.shape}, Keras "
            f"{expected.shape}."
        )
    if not np.isfinite(first).all():
        raise ValueError(f"{name} is broken: it returns NaN or infinity.")
    if not float(np.max(np.ptp(first, axis=0))) > 1e-6 * scale:
        raise ValueError(
            f"{name} is broken: it returns the same for every image."
        )
    if any(not np.array_equal(first, other) for other in repeats[1:]):
        raise ValueError(
            f"{name} is broken: its outputs change from run to run. Expected "
            "no random layers; apply augmentation in the input pipeline."
        )
    difference = largest_difference(expected, first)
    sizes = tuple(size for size in (1, 3) if size < len(images))
    for size in sizes:
        # Not with the first rows of `expected`: in another batch size Keras
        # itself rounds differently.
        part = images[:size]
        difference = max(
            difference, largest_difference(reference(part), run(part))
        )
    if not difference <= allowed:
        raise ValueError(
            f"{name} is broken: its outputs differ from those of Keras by "
            f"{difference:.3g}. Expected at most {allowed:.3g}."
        )
    return Trial(
        images=len(images),
        batch_sizes=(*sizes, len(images)),
        difference=difference,
        tolerance=allowed,
        same_best=int(np.sum(expected.argmax(-1) == first.argmax(-1))),
    )


def try_out_all(
    run: Callable[[np.ndarray], Any],
    reference: Callable[[np.ndarray], Sequence[np.ndarray]],
    images: np.ndarray,
    allowance: Allowance,
    name: str,
    outputs: Sequence[str | None],
) -> Trial:
    """Compares each output of an exported model with that of Keras.

    Args:
        run: Returns the exported model's outputs for a batch; not as a list
            where there is one.
        reference: Returns the list of outputs of Keras for a batch.
        images: As for `try_out`.
        allowance: As for `try_out`.
        name: As for `try_out`.
        outputs: Names of the outputs, in order.

    Returns:
        The trial of the output that differs most, of what is allowed; and the
        number of images for which all outputs are best at the same place.

    Raises:
        ValueError: As for `try_out`.
    """
    if len(outputs) == 1:
        only = lambda images: reference(images)[0]  # noqa: E731
        return try_out(run, only, images, allowance, name)
    trials = [
        try_out(
            lambda images, place=place: run(images)[place],
            lambda images, place=place: reference(images)[place],
            images,
            allowance,
            f"the output {output!r} of {name}",
        )
        for place, output in enumerate(outputs)
    ]
    worst = max(trials, key=lambda trial: trial.difference / trial.tolerance)
    best = min(trial.same_best for trial in trials)
    return dataclasses.replace(worst, same_best=best)


def outputs_of(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Returns the outputs of a model with one output in Keras.

    Args:
        model: A model with one output.
        images: A batch.
    """
    (outputs,) = all_outputs_of(model, images)
    return outputs


def all_outputs_of(model: keras.Model, images: np.ndarray) -> list[np.ndarray]:
    """Returns each output of a model in Keras, in float32 or wider.

    Does not use `predict`, which would compile a function for a single call.

    Args:
        model: A model, whose outputs come in the order of `model.outputs`.
        images: A batch.
    """
    outputs = map(
        keras.ops.convert_to_numpy,
        keras.tree.flatten(model(images, training=False)),
    )
    return [o.astype(np.promote_types(o.dtype, "float32")) for o in outputs]


def largest_difference(one: Any, other: Any) -> float:
    """Returns the largest absolute difference; NaN where one is NaN."""
    one, other = (np.asarray(array, "float64") for array in (one, other))
    return float(np.max(np.abs(one - other)))


def trial_images(model: keras.Model) -> np.ndarray:
    """Returns eight synthetic inputs that differ strongly from each other.

    Noise, patches of several sizes, gradients, dark and bright images: many
    networks return nearly the same for all noise. The same in every process.

    Args:
        model: A model with one input.
    """
    rng = np.random.default_rng(0)
    shape = tuple(
        _UNKNOWN_SIZE if size is None else size
        for size in model.inputs[0].shape[1:]
    )
    if len(shape) != 3:
        return rng.normal(size=(8, *shape)).astype(model.inputs[0].dtype)
    images = [rng.uniform(size=shape), 0.1 * rng.uniform(size=shape)]
    for count in (2, 4, 8):
        patches = rng.uniform(size=(count, count, shape[2]))
        rows, columns = (np.arange(n) * count // n for n in shape[:2])
        images.append(patches[rows][:, columns])
    ramp = np.linspace(0, 1, shape[0])[:, None, None]
    colour = rng.uniform(0.2, 1, size=shape[2])
    images += [ramp * colour, (1 - ramp) * colour[::-1]]
    images.append(0.9 + 0.1 * rng.uniform(size=shape))
    metadata = model_info.find(model) or {}
    low, high = (metadata.get("input") or {}).get("range") or (0, 255)
    images = low + (high - low) * np.stack(
        [np.broadcast_to(i, shape) for i in images]
    )
    return images.astype(model.inputs[0].dtype)
