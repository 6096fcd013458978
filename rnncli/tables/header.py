"""Column names of a table, without reading its rows. Imports neither pandas nor numpy; for text formats no pyarrow."""

import csv
import gzip
import json
from itertools import islice
from pathlib import Path

from rnncli.tables import formats
from rnncli.tables.delimiters import find_delimiter

MAX_FILES = 1000  # of a folder, searched for one that belongs to the table
MAX_LINE = 1_000_000  # characters


def column_names(path: Path) -> list[str]:
    """Return the column names of a file, or of a folder of Parquet files; none if it is neither.

    Raises whatever reading raises if the content does not match the suffix.
    """
    if path.is_dir():
        return _folder_columns(path)
    if not path.is_file():  # reading a pipe would block
        return []
    return formats.FORMATS[formats.format_by_suffix(path) or formats.DEFAULT].column_names(path)


def delimited_columns(path: Path) -> list[str]:
    """Return the column names of delimited text; none for a binary file."""
    line = _first_line(path)
    if "\0" in line:  # a model, for example
        return []
    return [name for name in next(csv.reader([line], delimiter=find_delimiter(line)), []) if name]


def ndjson_columns(path: Path) -> list[str]:
    """Return the keys of the first JSON object of a file with one a line."""
    return list(json.loads(_first_line(path)))


def _folder_columns(path: Path) -> list[str]:
    """Return the columns of one of the files, and those named by hive-style subfolders (year=2024)."""
    entries = islice(path.rglob("*"), MAX_FILES)
    first = next(
        (entry for entry in entries if entry.suffix == ".parquet" and not entry.name.startswith((".", "_"))), None
    )
    if first is None:
        return []
    keys = [part.partition("=")[0] for part in first.relative_to(path).parts[:-1] if "=" in part]
    return [*column_names(first), *keys]


def _first_line(path: Path) -> str:
    compressed = path.suffix.lower() == ".gz"
    with gzip.open(path, "rt", encoding="utf-8-sig") if compressed else path.open(encoding="utf-8-sig") as stream:
        line = stream.readline(MAX_LINE)
        while line and not line.strip():
            line = stream.readline(MAX_LINE)
        return line.rstrip("\r\n")
