"""Arrow files and streams to Arrow tables and back."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from rnncli.tables.compression import decompressed
from rnncli.tables.formats import ReadOptions

if TYPE_CHECKING:
    import pandas as pd


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


def write(frames: "Iterator[pd.DataFrame]", stream: Any) -> None:
    """Write the parts of a table as they come, in Arrow's stream format."""
    first = pa.Table.from_pandas(next(frames), preserve_index=False)
    with pa.ipc.new_stream(stream, first.schema) as writer:
        writer.write_table(first)
        for frame in frames:
            writer.write_table(pa.Table.from_pandas(frame, schema=first.schema, preserve_index=False))
