"""Parquet files to Arrow tables and back."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet

from rnncli.tables.formats import ReadOptions

if TYPE_CHECKING:
    import pandas as pd


def read(stream: BinaryIO, _options: ReadOptions) -> pa.Table:
    """Read a Parquet file."""
    return pa.parquet.read_table(stream)


def columns(path: Path) -> list[str]:
    """Return the column names of a Parquet file."""
    return list(pa.parquet.read_schema(path).names)


def write(frames: "Iterator[pd.DataFrame]", stream: Any) -> None:
    """Write the parts of a table, each with the schema of the first."""
    first = pa.Table.from_pandas(next(frames), preserve_index=False)
    with pa.parquet.ParquetWriter(stream, first.schema) as writer:
        writer.write_table(first)
        for frame in frames:
            writer.write_table(pa.Table.from_pandas(frame, schema=first.schema, preserve_index=False))
