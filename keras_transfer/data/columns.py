"""Columns of a table: files, labels, numbers; what cannot be read is named."""

import dataclasses
import os
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_transfer.data.folder_names import composed
from keras_transfer.data.listing import EXTENSIONS
from keras_transfer.data.listing import has_image_extension
from keras_transfer.data.listing import list_files
from keras_transfer.data.splitting import Samples
from keras_transfer.names import did_you_mean
from keras_transfer.names import natural_order

_TRUTHS = {
    **dict.fromkeys(("1", "1.0", "true", "yes"), 1.0),
    **dict.fromkeys(("0", "0.0", "false", "no", "-1", "-1.0"), 0.0),
}
_SEPARATORS = ("|", ";", ",", " ")


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
        found = known.get(Path(text).name, [])
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


def read_table(table: Any) -> Columns:
    """Returns a table with the columns as they are.

    Args:
        table: A `.csv`, `.tsv` or `.parquet` file, or a pandas `DataFrame`.

    Raises:
        ImportError: pandas is not installed.
        ValueError: It is no table, or has no row.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "Tables need pandas: pip install 'keras-transfer[tables]'."
        ) from error
    if isinstance(table, pd.DataFrame):
        return _with_rows(Columns(table, "The table", Path(".")))
    path = Path(table)
    if not path.is_file():
        raise ValueError(
            f"There is no table {path}. Expected a .csv, .tsv or .parquet file."
        )
    suffix = path.suffix.lower()
    try:
        if suffix in (".parquet", ".pq"):
            frame = pd.read_parquet(path)
        elif suffix in (".csv", ".tsv", ".txt"):
            frame = pd.read_csv(
                path,
                sep="\t" if suffix == ".tsv" else _separator(path),
                encoding="utf-8-sig",
                dtype=str,  # Labels such as 007 are no numbers.
                keep_default_na=False,
                na_values=[""],
            )
        else:
            raise ValueError(
                "Expected a .csv, .tsv or .parquet file, or a pandas DataFrame"
            )
    except (ValueError, OSError, ImportError, pd.errors.ParserError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(
            f"{path} cannot be read as a table: {reason}."
        ) from error
    return _with_rows(Columns(frame, str(path), path.parent))


def _separator(path):
    """What stands between the headings: a comma, a semicolon or a tab."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        headings = file.readline(1 << 16)
    return max(",;\t|", key=headings.count)


def _with_rows(columns):
    if not len(columns):
        raise ValueError(f"{columns.name} has no row.")
    repeated = columns.frame.columns[columns.frame.columns.duplicated()]
    if len(repeated):
        raise ValueError(
            f"{columns.name} has several columns {str(repeated[0])!r}. Rename "
            "all but one."
        )
    return columns


@dataclasses.dataclass
class Labels:
    """What is to be learned, by the columns that hold it.

    Args:
        task: `"classification"`, `"multi_label"` or `"regression"`.
        argument: The argument that named the columns.
        columns: The columns.
        class_names: Names of classes, labels or numbers; known after `read`.
        separator: What stands between labels in one column, or `None`.
        units: Unit of each number by its column.
    """

    task: str
    argument: str
    columns: list[str]
    class_names: list[str] | None = None
    separator: str | None = None
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def asked(
        cls,
        label: str | None,
        labels: str | Sequence[str] | None,
        separator: str | None,
        target: str | Sequence[str] | None,
        units: Mapping[str, str] | None,
        class_names: Sequence[str] | None,
    ) -> "Labels":
        """Returns what the arguments of `from_table` ask for.

        Raises:
            ValueError: None or several of label, labels and target are given.
        """
        given = {"label": label, "labels": labels, "target": target}
        given = {name: value for name, value in given.items() if value}
        if len(given) != 1:
            raise ValueError(
                "Expected one of label= (the class), labels= (several labels "
                "at once) and target= (numbers). "
                f"Received: {', '.join(given) or 'none of them'}."
            )
        ((argument, value),) = given.items()
        columns = [value] if isinstance(value, str) else list(value)
        task = {"label": "classification", "labels": "multi_label"}
        task = task.get(argument, "regression")
        if separator is not None and (
            task != "multi_label" or len(columns) != 1 or not separator
        ):
            raise ValueError(
                "separator= is for labels= of one column. Received: "
                f"{argument}={value!r}, separator={separator!r}."
            )
        if units and (unknown := set(units) - set(columns)):
            raise ValueError(
                f"units= names {sorted(unknown)[0]!r}, which is no target. "
                f"Expected some of {columns}."
            )
        names = None if class_names is None else [*map(composed, class_names)]
        return cls(task, argument, columns, names, separator, units or {})

    def read(self, columns: Columns) -> np.ndarray:
        """Returns the labels of all rows; numbers are not scaled yet.

        Raises:
            ValueError: A column holds something else.
        """
        if self.task == "classification":
            return self._classes(columns.texts(self.columns[0]), columns.name)
        if self.task == "regression":
            self.class_names = self.columns
            read = [columns.numbers(name) for name in self.columns]
            return np.stack(read, axis=1)
        if self.separator is not None:
            return self._separated(columns)
        if len(self.columns) == 1:
            self._ask_for_separator(columns)
        self._choose(self.columns, columns.name)
        read = [columns.truths(name) for name in self.class_names]
        return np.stack(read, axis=1)

    def _classes(self, texts, table):
        found = sorted(set(texts.tolist()), key=natural_order)
        self._choose(found, table)
        if len(found) < 2:
            raise ValueError(
                f"The column {self.columns[0]!r} of {table} holds one class, "
                f"{found}; telling classes apart takes two or more."
            )
        numbers = {name: place for place, name in enumerate(self.class_names)}
        return np.array([numbers[text] for text in texts], dtype="int32")

    def _choose(self, found, table):
        """Takes the order of `class_names`, where it is given."""
        if self.class_names is None:
            self.class_names = list(found)
        if sorted(self.class_names) != sorted(found):
            missing = sorted(set(found) ^ set(self.class_names))
            raise ValueError(
                f"class_names={self.class_names} and the labels of {table}, "
                f"{list(found)}, differ in {missing[0]!r}. Expected the same "
                "names, each once."
            )

    def _separated(self, columns):
        (name,) = self.columns
        texts = columns.frame[name].fillna("").astype(str)
        tags = [
            {composed(tag.strip()) for tag in text.split(self.separator)} - {""}
            for text in texts
        ]
        found = sorted(set().union(*tags), key=natural_order)
        if len(found) < 2:
            self._ask_for_separator(columns)
        self._choose(found, columns.name)
        return np.array(
            [[name in own for name in self.class_names] for own in tags],
            dtype="float32",
        )

    def _ask_for_separator(self, columns):
        (name,) = self.columns
        texts = columns.frame[name].astype(str)
        found = [
            s for s in _SEPARATORS if texts.str.contains(s, regex=False).any()
        ]
        shown = f", which holds {found[0]!r}" if found else ""
        raise ValueError(
            f"labels= names the one column {name!r}{shown}. Expected several "
            "columns of 0 and 1; or separator= with what stands between the "
            f"labels, such as separator={(found or ['|'])[0]!r}."
        )

    def scaled(
        self, parts: dict[str, Samples]
    ) -> tuple[dict[str, Samples], dict[str, list] | None]:
        """Returns the parts with scaled numbers, and how they were scaled.

        Args:
            parts: The photographs; those of `"train"` decide.

        Raises:
            ValueError: A number is the same for all training photographs.
        """
        if self.task != "regression":
            return parts, None
        known = parts["train"].labels
        mean, std = known.mean(axis=0), known.std(axis=0)
        for name, spread in zip(self.columns, std, strict=True):
            if not spread > 0:
                raise ValueError(
                    f"The target {name!r} is the same for all training "
                    "photographs, so that there is nothing to learn. Leave it "
                    "out of target=."
                )
        scaled = {
            role: dataclasses.replace(
                part, labels=((part.labels - mean) / std).astype("float32")
            )
            for role, part in parts.items()
        }
        return scaled, {
            "names": list(self.columns),
            "units": [self.units.get(name) for name in self.columns],
            "mean": mean.tolist(),
            "std": std.tolist(),
        }
