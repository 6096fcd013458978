"""A toy format of fixed-width columns, as an extension would add it: see test_formats."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from rnncli.tables.formats import ReadOptions

WIDTH = 20


def read(stream: BinaryIO, _options: ReadOptions) -> pa.Table:
    """Read lines of columns of equal width below a header."""
    names, *rows = [_cells(line) for line in stream.read().decode().removeprefix("#fixed\n").splitlines()]
    columns = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    return pa.table({name: _numbers(cells) for name, cells in columns.items()})


def columns(path: Path) -> list[str]:
    """Return the names in the header."""
    return _cells(path.read_text().splitlines()[1])


def write(parts: Iterator[pa.Table], stream: Any) -> None:
    """Write a header, then a line for each row."""
    for number, part in enumerate(parts):
        if number == 0:
            stream.write(b"#fixed\n" + _line(part.column_names))
        for row in part.to_pylist():
            stream.write(_line(list(row.values())))


def _cells(line: str) -> list[str]:
    return [line[start : start + WIDTH].strip() for start in range(0, len(line), WIDTH)]


def _line(cells: list[object]) -> bytes:
    return "".join(f"{cell!s:<{WIDTH}}" for cell in cells).encode() + b"\n"


def _numbers(cells: list[str]) -> pa.Array:
    try:
        return pa.array([float(cell) for cell in cells])
    except ValueError:
        return pa.array(cells)
