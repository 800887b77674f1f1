"""Columns of a table: files, labels, numbers; what cannot be read is named."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np

from keras_transfer.data.folder_names import composed
from keras_transfer.data.listing import EXTENSIONS
from keras_transfer.data.listing import has_image_extension
from keras_transfer.data.listing import list_files
from keras_transfer.names import did_you_mean

_TRUTHS = {
    **dict.fromkeys(("1", "1.0", "true", "yes"), 1.0),
    **dict.fromkeys(("0", "0.0", "false", "no", "-1", "-1.0"), 0.0),
}


@dataclasses.dataclass(frozen=True)
class Columns:
    """A table with a row for each photograph.

    Args:
        frame: The pandas `DataFrame`.
        name: What the table is called in messages.
        folder: Where the files lie if nobody says so.
    """

    frame: Any
    name: str
    folder: Path

    def __len__(self):
        return len(self.frame)

    def require(
        self, name: str, argument: str, looks_like: str | None = None
    ) -> None:
        """Raises unless the table has a column, with those that it has.

        Args:
            name: The column.
            argument: The argument that names it.
            looks_like: `"images"` to look for one with names of images.
        """
        if name in self.frame.columns:
            return
        others = [str(column) for column in self.frame.columns]
        hint = did_you_mean(str(name), others)
        if looks_like:
            with_images = [c for c in self.frame.columns if self._has_images(c)]
            if with_images:
                hint = (
                    f" {with_images[0]!r} holds names of images: pass "
                    f"{argument}={with_images[0]!r}."
                )
        raise ValueError(
            f"{self.name} has no column {name!r}, which {argument}= names. "
            f"Its columns are {others}.{hint}"
        )

    def _has_images(self, column):
        first = self.frame[column].head(20).astype(str)
        return len(first) and all(
            has_image_extension(Path(text)) for text in first
        )

    def texts(self, name: str) -> np.ndarray:
        """Returns a column as text, as composed Unicode, no row empty."""
        values = self.frame[name]
        texts = values.astype(str).str.strip()
        self._refuse(values.isna() | (texts == ""), name, "is empty")
        whole = [
            str(int(value))
            if isinstance(value, float) and value.is_integer()
            else composed(text)
            for value, text in zip(values, texts, strict=True)
        ]
        return np.array(whole)

    def numbers(self, name: str, least: float = -np.inf) -> np.ndarray:
        """Returns a column as float64 numbers, all finite.

        Args:
            name: The column.
            least: The smallest number that is allowed.
        """
        import pandas as pd

        values = pd.to_numeric(self.frame[name], errors="coerce")
        values = values.astype("float64")
        self._refuse(~np.isfinite(values), name, "is no number")
        self._refuse(values < least, name, f"is below {least:g}")
        return values.to_numpy()

    def truths(self, name: str) -> np.ndarray:
        """Returns a column of 0 and 1 (or true and false, yes and no)."""
        texts = self.frame[name].astype(str).str.strip().str.lower()
        known = texts.map(_TRUTHS)
        self._refuse(known.isna(), name, "is neither 0 nor 1")
        return known.to_numpy("float32")

    def files(self, name: str, root: Path) -> list[Path]:
        """Returns the file of each row.

        Args:
            name: The column.
            root: The folder in which they lie, at any depth.

        Raises:
            ValueError: Files are missing, or a name is that of several.
        """
        if not root.is_dir():
            raise ValueError(
                f"There is no folder {root} of the photographs of {self.name}. "
                "Expected one as images=."
            )
        texts = self.texts(name)
        self._refuse(
            self.frame[name].duplicated(), name, "stands in another row, too"
        )
        present = _present(root)
        paths, missing = [], []
        for text in texts:
            path = root / text
            if path.suffix.lower() in EXTENSIONS and (
                text in present or os.path.isfile(path)
            ):
                paths.append(path)
            else:
                missing.append(len(paths))
                paths.append(None)
        if missing:
            known = _by_name(root)
            for row in missing:
                paths[row] = self._found(known, texts[row], root)
        absent = np.array([path is None for path in paths])
        self._refuse(absent, name, f"is no image in {root}")
        return paths

    def _found(self, known, text, root):
        text = str(text)
        tail = Path(text).parts
        found = [
            path
            for path in known.get(tail[-1], [])
            # Folders that are named are those in which a file lies.
            if path.absolute().parts[-len(tail) : -1] == tail[:-1]
        ]
        if len(found) > 1:
            raise ValueError(
                f"{self.name} names {text!r}, which are {len(found)} files in "
                f"{root}: {found[0]} and {found[1]}. Expected names that tell "
                "them apart, such as folder/name.jpg."
            )
        return found[0] if found else None

    def _refuse(self, wrong, name, what):
        rows = np.flatnonzero(wrong)
        if len(rows):
            values = self.frame[name].iloc[rows[:3]].tolist()
            # As a spreadsheet counts them, below the headings.
            shown = ", ".join(
                f"row {row + 2} ({value!r})"
                for row, value in zip(rows, values, strict=False)
            )
            more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
            raise ValueError(
                f"The column {name!r} of {self.name} {what} in {shown}{more}. "
                "Mend or remove these rows."
            )


def _present(root):
    with os.scandir(root) as entries:
        return {entry.name for entry in entries}


def _by_name(root):
    """Images below a folder by their names, with and without extension."""
    known = {}
    for path in list_files(root):
        if has_image_extension(path):
            for name in (path.name, path.stem):
                known.setdefault(composed(name), []).append(path)
    return known
