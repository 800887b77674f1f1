"""Sources of photographs that other libraries read, item by item."""

import dataclasses
import importlib
import io
import json
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from keras_transfer.data.formats import EXTENSIONS

_HUGGING_FACE = "hf://datasets/"
# Keys of a sample of WebDataset that hold its class.
_LABELS = ("cls", "label", "txt")


@dataclasses.dataclass(frozen=True)
class Item:
    """One photograph.

    Args:
        name: Name of its file, perhaps below folders.
        read: Returns what is in the file.
        row: What else is known of it, by column.
        size: Number of bytes, or `None` if that is unknown before reading.
    """

    name: str
    read: Callable[[], bytes]
    row: dict[str, Any]
    size: int | None = None


def items_of(
    source: Any, image: str, class_names: Sequence[str] | None
) -> tuple[Iterator[Item], bool]:
    """Returns the photographs of a source, and whether they have columns.

    Args:
        source: As `collect` takes it.
        image: Column or key of the photographs.
        class_names: Names of labels that are numbers, or `None`.

    Raises:
        ImportError: The library of the source is not installed.
        TypeError: The source is of no kind that is known.
    """
    if isinstance(source, str) and source.startswith(_HUGGING_FACE):
        name = source.removeprefix(_HUGGING_FACE)
        loaded = _library("datasets").load_dataset(name)
        return _of_hugging_face(loaded, image, class_names), True
    if isinstance(source, str) and "://" in source:
        return _of_address(source), False
    if isinstance(source, Sequence) and source and _are_tars(source):
        return _of_tars(source, class_names), True
    if hasattr(source, "cast_column"):  # A Dataset or DatasetDict.
        return _of_hugging_face(source, image, class_names), True
    if hasattr(source, "element_spec"):
        return _of_examples(source, image, class_names), True
    raise TypeError(
        "Expected an address such as 's3://bucket/photos', a list of .tar "
        "files, a Dataset of Hugging Face or a tf.data.Dataset of single "
        f"examples. Received: {source!r:.80}. Files on this machine need no "
        "copy: pass them to from_directory or from_table."
    )


def _library(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"This source needs {name}: pip install 'keras-transfer[sources]'."
        ) from error


def _are_tars(source):
    return not isinstance(source, str) and all(
        str(path).endswith((".tar", ".tar.gz", ".tgz")) for path in source
    )


def _is_image(name):
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def _of_address(address):
    system, root = _library("fsspec").core.url_to_fs(address)
    if not system.exists(root):
        raise ValueError(f"There is nothing at {address!r}.")
    found = system.find(root, detail=True)
    for path, known in sorted(found.items()):
        name = path.removeprefix(root).lstrip("/") or PurePosixPath(path).name
        if _is_image(name) and not PurePosixPath(name).name.startswith("."):
            size = known.get("size")
            yield Item(name, _reader(system, path), {}, size)


def _reader(system, path):
    return lambda: system.cat_file(path)


def _of_tars(paths, class_names):
    webdataset = _library("webdataset")
    samples = webdataset.WebDataset(
        list(map(str, paths)), shardshuffle=False, empty_check=False
    )
    for sample in samples:
        keys = [key for key in sample if f".{key}".lower() in EXTENSIONS]
        if not keys:
            continue
        row = {}
        if "json" in sample:
            known = json.loads(sample["json"])
            row |= {key: _text(value, None) for key, value in known.items()}
        for key in _LABELS:
            if key in sample:
                text = sample[key].decode().strip()
                row["label"] = _named(text, class_names)
        contents = sample[keys[0]]
        name = f"{sample['__key__']}.{keys[0]}"
        yield Item(name, lambda contents=contents: contents, row, len(contents))


def _of_hugging_face(source, image, class_names):
    datasets = _library("datasets")
    parts = source if isinstance(source, dict) else {None: source}
    for split, part in parts.items():
        if image not in part.column_names:
            raise ValueError(
                f"The data set has no column {image!r}; it has "
                f"{part.column_names}. Name that of the photographs as image=."
            )
        features = part.features
        part = part.cast_column(image, datasets.Image(decode=False))
        for number, record in enumerate(part):
            stored = record.pop(image)
            row = {
                name: _text(value, _names_of(features[name]) or class_names)
                for name, value in record.items()
            }
            if split is not None:
                row["split"] = split
            contents = stored["bytes"]
            if contents is None:
                with open(stored["path"], "rb") as file:
                    contents = file.read()
            folder = "" if split is None else f"{split}/"
            name = f"{folder}{number:08}{_ending_of(contents)}"
            read = lambda contents=contents: contents  # noqa: E731
            yield Item(name, read, row, len(contents))


def _names_of(feature):
    """Names of the classes of a feature, also of a list of them."""
    feature = getattr(feature, "feature", feature)
    return getattr(feature, "names", None)


def _of_examples(source, image, class_names):
    is_dictionary = isinstance(source.element_spec, dict)
    for number, example in enumerate(source.as_numpy_iterator()):
        if is_dictionary:
            row = {k: v for k, v in example.items() if k != image}
            pixels = example.get(image)
        else:
            pixels, *rest = example
            row = {"label": rest[0]} if rest else {}
        if getattr(pixels, "ndim", 0) != 3 or pixels.dtype != "uint8":
            shape = getattr(pixels, "shape", None)
            raise ValueError(
                "Expected single examples with uint8 images of shape (height, "
                f"width, channels), as (image, label) or with the key "
                f"{image!r}. Received: {shape}. For batches, pass "
                "dataset.unbatch()."
            )
        row = {name: _text(value, class_names) for name, value in row.items()}
        yield Item(f"{number:08}.png", _encoder(pixels), row)


def _encoder(pixels):
    from PIL import Image

    def encode():
        data = io.BytesIO()
        flat = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        Image.fromarray(flat).save(data, "PNG")
        return data.getvalue()

    return encode


def _ending_of(contents):
    from PIL import Image

    with Image.open(io.BytesIO(contents)) as image:
        return f".{image.format.lower()}".replace(".jpeg", ".jpg")


def _text(value, names):
    """A value as text: classes by name, several of them apart by `|`."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return "|".join(str(_text(each, names)) for each in value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return _named(value, names) if is_number else value


def _named(value, names):
    text = str(value)
    if names is None or not text.isdigit() or int(text) >= len(names):
        return text
    return names[int(text)]
