"""The computation of embeddings, batch by batch."""

import os
import pathlib
from typing import Any

import keras
from rich import filesize

from keras_transfer.data.check import check_images
from keras_transfer.data.classes import report
from keras_transfer.embedding.photographs import Photographs
from keras_transfer.embedding.result import VECTORS
from keras_transfer.embedding.result import Embeddings
from keras_transfer.embedding.source import check_features
from keras_transfer.embedding.source import find_source
from keras_transfer.embedding.source import reading_of
from keras_transfer.embedding.vectors import spec_of
from keras_transfer.embedding.vectors import vectors_of
from keras_transfer.extraction import build_extractor
from keras_transfer.feature_store.fingerprint import fingerprint_model
from keras_transfer.feature_store.manifest import NAME
from keras_transfer.feature_store.manifest import read_notes
from keras_transfer.feature_store.memory import MemoryWriter
from keras_transfer.feature_store.store_folder import check_new_folder
from keras_transfer.feature_store.store_writer import StoreWriter
from keras_transfer.names import check_whole_number

# More than this is not collected in memory unasked.
IN_MEMORY = 2**30


def embed(
    model: keras.Model,
    data: Any,
    at: Any = "backbone",
    *,
    pooling: str | None = "avg",
    out: str | os.PathLike | None = None,
    batch_size: int = 32,
    dtype: str = "float32",
    image_size: int | tuple[int, int] | None = None,
    bad_files: str = "error",
    rebuild: bool = False,
    progress: bool | None = None,
) -> Embeddings:
    """Computes a vector for each photograph of a folder.

    With `out` the rows are written as they come, in memory that does not grow
    with their number. Killed at any moment and started again, it goes on
    where it was, with the same result to the last bit where `batch_size` is
    the same. Called once more, it returns what is there; what was made from
    other weights, files or options is refused with what has changed.

    Args:
        model: Any model of one image input whose shape is known, as that of
            a subclassed model is not.
        data: A folder, searched at any depth; a list of image files; a data
            set of `kt.data.from_directory`, whose files are read in the order
            of its `file_paths`, without augmentation; or an array of images of
            shape `(rows, height, width, channels)`.
        at: The activation to take, a selector as for `build_extractor`.
            Defaults to the output of the backbone, which a classifier must
            have nested.
        pooling: `"avg"`, `"max"` or `"gem"` over the positions of feature
            maps; `None` keeps the maps. Defaults to `"avg"`.
        out: A folder to write to, as `vectors.npy` with its record; or a
            file named `*.parquet` (the extra `parquet` installs what that
            takes), for which twice the space is needed while it is made.
            Defaults to `None`: the result is kept in memory, up to 1 GiB.
        batch_size: Images at a time, at least 1. Defaults to 32.
        dtype: `"float32"`, or half the space in `"float16"` or `"bfloat16"`
            (which a `.parquet` file does not have). Defaults to `"float32"`.
        image_size: `(height, width)` in pixels, for a model that takes
            images of any size.
        bad_files: `"error"` to raise for files that are no sound image, all
            of which are read once before the work begins; `"skip"` to leave
            them out with a warning. Defaults to `"error"`.
        rebuild: Whether older embeddings in `out`, made from something else,
            are replaced. Defaults to False.
        progress: Whether a progress bar is drawn on stderr. Defaults to one
            for more than 100 images when stderr is a terminal.

    Returns:
        `Embeddings` with `.vectors` (of shape `(rows, channels)`), `.paths`,
        and `.labels` with `.class_names` where there are class folders.

    Raises:
        StaleFeaturesError: `out` holds something made from other weights,
            files or options.
        ValueError: There is no image, `at` matches nothing or is the output
            of a classifier, an embedding is not finite, or `out` cannot be
            written.

    Example:
    >>> import keras
    >>> import keras_transfer as kt
    >>> image = keras.Input((8, 8, 3))
    >>> conv = keras.layers.Conv2D(4, 3, name="conv")
    >>> model = keras.Model(image, conv(image))
    >>> embeddings = kt.embed(model, "photos", at="conv")
    >>> embeddings.vectors.shape
    (4, 4)
    >>> embeddings.class_names
    ['ants', 'bees']
    """
    _check_arguments(batch_size, bad_files)
    check_features(model, at)
    extractor = build_extractor(model, {VECTORS: at}, pooling=pooling)
    size, mode = reading_of(model, image_size)
    source = find_source(model, data)
    arrays = {
        VECTORS: spec_of(extractor, (*size, model.input_shape[-1]), dtype)
    }
    fingerprint = {
        **fingerprint_model(extractor),
        "data": source.fingerprint(),
        "options": {
            "at": at if isinstance(at, str) else type(at).__name__,
            "pooling": pooling,
            "image_size": list(size),
            "dtype": dtype,
        },
    }
    out = None if out is None else pathlib.Path(out).expanduser()
    folder = out
    if out is not None and out.suffix == ".parquet":
        from keras_transfer.embedding import parquet

        parquet.check_output(out, arrays[VECTORS])
        found = parquet.find_parquet(out, fingerprint, rebuild)
        if found is not None:
            return Embeddings(found)
        folder = parquet.folder_of(out)
    if folder is not None and not (folder / NAME).exists():
        # Before the photographs are read, which may take long.
        check_new_folder(folder, arrays[VECTORS].row_bytes * len(source))
    source, left_out = _sound(source, folder, fingerprint, bad_files)
    batch_size = min(batch_size, len(source))
    notes = _notes(source, left_out, fingerprint)
    with _writer(
        folder, arrays, len(source), fingerprint, notes, rebuild
    ) as writer:
        batches = source.batches(writer.rows_done, batch_size, size, mode)
        for vectors in vectors_of(
            extractor, source, batches, writer.rows_done, batch_size, progress
        ):
            writer.write({VECTORS: vectors})
        store = writer.finish()
    if folder != out:
        store = parquet.convert(store, out)
    return Embeddings(store)


def _check_arguments(batch_size, bad_files):
    check_whole_number("batch_size", batch_size, least=1)
    if bad_files not in ("error", "skip"):
        raise ValueError(
            "`bad_files` must be one of ['error', 'skip']. "
            f"Received: bad_files={bad_files!r}"
        )


def _sound(source, folder, fingerprint, bad_files):
    """Leaves the damaged files out, which an earlier run may have found."""
    if not isinstance(source, Photographs):
        return source, {}
    notes = {} if folder is None else read_notes(folder)
    if notes and notes.get("data") == fingerprint["data"]:
        left_out = notes["left_out"]
    else:
        reasons = check_images(source.paths)
        named = zip(source.names(), source.paths, strict=True)
        left_out = {name: reasons[p] for name, p in named if p in reasons}
    sound = source.without(left_out)
    root = source.root or pathlib.Path()
    faults = [] if len(sound) else ["there is no sound image"]
    report(
        root,
        faults,
        {root / name: reason for name, reason in left_out.items()}
        | dict(source.unread),
        bad_files,
    )
    return sound, left_out


def _notes(source, left_out, fingerprint):
    paths, labels, names = source.paths, source.labels, source.class_names
    return {
        "paths": paths and [os.fspath(path) for path in paths],
        "labels": labels and list(labels),
        "class_names": names and list(names),
        "left_out": left_out,
        "data": fingerprint["data"],
    }


def _writer(folder, arrays, rows, fingerprint, notes, rebuild):
    if folder is not None:
        return StoreWriter(
            folder,
            arrays,
            rows=rows,
            fingerprint=fingerprint,
            notes=notes,
            rebuild=rebuild,
        )
    needed = arrays[VECTORS].row_bytes * rows
    if needed > IN_MEMORY:
        raise ValueError(
            f"The embeddings of {rows} images take "
            f"{filesize.decimal(needed)}. Name a folder to write them to: "
            "out='embeddings'."
        )
    return MemoryWriter(arrays, rows=rows, fingerprint=fingerprint, notes=notes)
