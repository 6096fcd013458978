"""Parquet files to Arrow tables and back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet

from rnncli.tables.formats import ReadOptions


def read(stream: BinaryIO, _options: ReadOptions) -> pa.Table:
    """Read a Parquet file. Its rows are read without the `dataset` of pyarrow, which imports pandas."""
    return pa.parquet.ParquetFile(stream).read()


def columns(path: Path) -> list[str]:
    """Return the column names of a Parquet file."""
    return list(pa.parquet.read_schema(path).names)


def write(parts: Iterator[pa.Table], stream: Any) -> None:
    """Write the parts of a table."""
    first = next(parts)
    with pa.parquet.ParquetWriter(stream, first.schema) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
