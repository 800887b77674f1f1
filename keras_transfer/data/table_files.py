"""Tables in files, read as they are: text stays text."""

from pathlib import Path
from typing import Any

from keras_transfer.data.columns import Columns


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
