"""The names of a table's columns, without reading the table. Neither pandas nor numpy for a CSV."""

import csv
import gzip
import json
from itertools import islice
from pathlib import Path

from rnncli.files import atomic

DELIMITERS = ",;\t|"
MOST_FILES = 1000  # looked at for one that is a table
MOST = 1_000_000  # characters of a first line


def names(path: Path) -> list[str]:
    """The columns of a file, or of a folder of Parquet files; none where it is neither.

    Raises whatever reading a file can that is not what its name says.
    """
    if path.is_dir():
        return _of_folder(path)
    if not path.is_file():  # a pipe would be waited for
        return []
    match atomic.kind_by_name(path):
        case "parquet":
            import pyarrow.parquet as parquet

            return list(parquet.read_schema(path).names)
        case "arrow":
            import pyarrow as pa

            return list(pa.ipc.open_file(path).schema.names)
        case "ndjson":
            return list(json.loads(_first_line(path)))
        case "csv" | "tsv" | None:
            line = _first_line(path)
            if "\0" in line:  # no text: a model, say
                return []
            delimiter = max(DELIMITERS, key=line.count)
            return [name for name in next(csv.reader([line], delimiter=delimiter), []) if name]
    return []


def _of_folder(path: Path) -> list[str]:
    """Those of one of its files, and what hive-like folders tell."""
    some = islice(path.rglob("*"), MOST_FILES)
    first = next((one for one in some if one.suffix == ".parquet" and not one.name.startswith((".", "_"))), None)
    if first is None:
        return []
    keys = [part.partition("=")[0] for part in first.relative_to(path).parts[:-1] if "=" in part]
    return [*names(first), *keys]


def _first_line(path: Path) -> str:
    packed = path.suffix.lower() == ".gz"
    with gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig") as stream:
        line = stream.readline(MOST)
        while line and not line.strip():
            line = stream.readline(MOST)
        return line.rstrip("\r\n")
