"""Photographs of other sources, copied to a folder as files and a table."""

import csv
import os
import re
import sys
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from keras_transfer.data.sources import Item
from keras_transfer.data.sources import items_of
from keras_transfer.files.whole_files import replacing

TABLE = "labels.csv"


def collect(
    source: Any,
    folder: str | os.PathLike,
    *,
    image: str = "image",
    class_names: Sequence[str] | None = None,
    progress: bool = True,
) -> Path:
    """Copies photographs of another source to a folder, each once.

    What is there already is not fetched again, so a run that was interrupted
    goes on where it was. Photographs are written one by one, whatever their
    number.

    Args:
        source: An address that fsspec knows (`s3://bucket/photos`,
            `gs://...`, `zip://photos::https://.../photos.zip`), or a list of
            WebDataset tars (`["shard-000.tar"]`, addresses as well); a
            `Dataset` or `DatasetDict` of Hugging Face, or
            `hf://datasets/org/name`; a `tf.data.Dataset` of single examples,
            such as TFDS returns. Each needs its library:
            `pip install "keras-transfer[sources]"`.
        folder: Where to write. It is made if there is none.
        image: Column or key of the photographs, where they have one. Defaults
            to `"image"`.
        class_names: Names for labels that are numbers, where the source does
            not know them. Defaults to `None`.
        progress: Whether to show a bar. Defaults to `True`.

    Returns:
        The folder, with its folders as at the address, for `from_directory`;
        or, of other sources, the table `labels.csv` in it, for `from_table`:
        with the column `file` and one for every other column of the source.
        Several labels of one photograph stand in one column, apart by `|`.

    Raises:
        ImportError: The library of the source is not installed.
        TypeError: The source is of no kind that is known.
        ValueError: There is no photograph, or the source cannot be read.

    Example:
    >>> import pathlib
    >>> import keras_transfer as kt
    >>> address = pathlib.Path("photos").resolve().as_uri()
    >>> folder = kt.data.collect(address, "copied", progress=False)
    >>> train, validation = kt.data.from_directory(folder)
    """
    folder = Path(folder)
    items, has_table = items_of(source, image, class_names)
    table = folder / TABLE
    if has_table and table.is_file():
        return table
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(file=sys.stderr)
    shown = track(items, "Copying", console=console, disable=not progress)
    rows = list(_written(shown, folder))
    if not rows:
        raise ValueError(
            f"The source {source!r:.80} holds no photograph that is read here."
        )
    if not has_table:
        return folder
    columns = ["file", *dict.fromkeys(name for row in rows for name in row)]
    columns = list(dict.fromkeys(columns))
    with (
        replacing(table) as path,
        open(path, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return table


def _written(items: Iterator[Item], folder: Path) -> Iterator[dict[str, Any]]:
    """Writes each photograph that is not there; yields its row."""
    root = folder.resolve()
    for item in items:
        name = _safe(item.name)
        path = root.joinpath(*name.split("/"))
        is_there = path.is_file() and (
            item.size is None or path.stat().st_size == item.size
        )
        if not is_there:
            path.parent.mkdir(parents=True, exist_ok=True)
            contents = item.read()
            with replacing(path) as temporary:
                temporary.write_bytes(contents)
        yield {**item.row, "file": name}


def _safe(name):
    """A path below a folder, whatever a stranger's source calls it."""
    parts = [p for p in re.split(r"[/\\]", name) if p not in ("", ".", "..")]
    if not parts:
        raise ValueError(
            f"The source has a photograph without a name: {name!r}."
        )
    return "/".join(re.sub(r'[\x00-\x1f:*?"<>|]', "_", part) for part in parts)
