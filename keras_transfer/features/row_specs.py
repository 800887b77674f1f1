"""What a row takes at a boundary: shape and type of all that crosses."""

from collections.abc import Sequence

from keras_transfer.feature_store.array_spec import ArraySpec
from keras_transfer.features.boundary import Split
from keras_transfer.features.boundary import closed_shape
from keras_transfer.features.rows import Rows

_FLOATS = ("float16", "bfloat16", "float32", "float64")


def specs_of(
    split: Split, sources: Sequence[Rows], dtype: str | None = None
) -> dict[str, ArraySpec]:
    """Returns what is to be stored for a row, by name, in order of crossing.

    Args:
        split: A model in two parts.
        sources: The data.
        dtype: Type to store floating-point features in; `None` for their own.

    Raises:
        ValueError: If a size is open, as of images of any size.
    """
    prefix = split.prefix
    if prefix.steps:
        rows = [
            (closed_shape(ref.spec), ref.spec.dtype)
            for ref in prefix.output_refs
        ]
    else:
        given = dict(zip(prefix.input_refs, sources[0].inputs, strict=True))
        rows = [
            # What the model would make of another type anyway.
            (shape, kind if kind == "uint8" else ref.spec.dtype)
            for ref in prefix.output_refs
            for shape, kind in [given[ref]]
        ]
    if dtype is not None:
        rows = [(s, dtype if kind in _FLOATS else kind) for s, kind in rows]
    names = [f"features_{number}" for number in range(1, len(rows) + 1)]
    if len(rows) == 1:
        names = ["features"]
    return {
        name: ArraySpec(shape, kind)
        for name, (shape, kind) in zip(names, rows, strict=True)
    }
