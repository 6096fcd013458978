"""Arrow files and streams to Arrow tables and back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from rnncli.tables.compression import decompressed
from rnncli.tables.formats import ReadOptions


def read(stream: BinaryIO, _options: ReadOptions) -> pa.Table:
    """Read an Arrow file or stream. Raises ArrowInvalid if its values contradict their types."""
    content = decompressed(stream)
    reader = pa.ipc.open_file if content.startswith(b"ARROW1") else pa.ipc.open_stream
    table = reader(pa.py_buffer(content)).read_all()
    table.validate(full=True)
    return table


def columns(path: Path) -> list[str]:
    """Return the column names of an Arrow file."""
    return list(pa.ipc.open_file(path).schema.names)


def write(parts: Iterator[pa.Table], stream: Any) -> None:
    """Write the parts of a table as they come, in Arrow's stream format."""
    first = next(parts)
    with pa.ipc.new_stream(stream, first.schema) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
