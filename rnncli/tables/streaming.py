"""Rows of an endless stream: CSV lines or JSON objects, as they arrive."""

import csv
import io
import re
import select
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from rnncli.config.fields import Decimal
from rnncli.errors import DataError
from rnncli.files.paths import is_standard_stream
from rnncli.tables import json_records
from rnncli.tables.arrays import texts_to_arrow
from rnncli.tables.delimiters import find_delimiter
from rnncli.tables.formats import ReadOptions

MAX_CHUNK = 1 << 18  # bytes read at a time: the rows in them are forecast together
MAX_LINE = 1 << 20  # bytes
POLL = 1.0  # seconds of each wait for more
DECIMAL_COMMA = re.compile(r"^([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)$")  # of a number; ids may have commas, too


def line_batches(source: str) -> Iterator[list[bytes]]:
    """Yield the complete lines that have arrived, repeatedly, until the stream ends. Raises DataError."""
    rest = b""
    with _opened(source) as stream:
        while chunk := _read_available(stream):
            complete, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                yield complete.split(b"\n")
            if len(rest) > MAX_LINE:
                raise DataError(f"a line of more than {MAX_LINE} bytes. Send rows as lines of CSV or JSON")
    if rest:
        yield [rest]


def _read_available(stream: BinaryIO) -> bytes:
    """Return what has arrived, after waiting for it if necessary; nothing at the end.

    A signal just before a wait, or to another thread, does not interrupt it. It is handled after the wait, whereas a
    blocking read would delay it until the next row.
    """
    with suppress(OSError, ValueError):  # no pipe, or a system without select for pipes
        while not select.select([stream], [], [], POLL)[0]:
            pass
    return stream.read1(MAX_CHUNK)  # type: ignore[attr-defined]


def _opened(source: str) -> BinaryIO:
    if not is_standard_stream(source):
        try:
            return Path(source).open("rb")
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror}. Check the path") from error
    if sys.stdin is None:
        raise DataError("standard input is closed. Send rows into it")
    return sys.stdin.buffer


class LineParser:
    """Parser of lines into tables; the first line of CSV has the column names."""

    def __init__(self, decimal: Decimal | None) -> None:
        self.decimal = decimal
        self.names: list[str] | None = None  # of the columns, in CSV
        self.delimiter = ","
        self._json = False

    def begin(self, lines: list[bytes]) -> list[bytes]:
        """Recognise the format from the first lines, and return the lines that are rows."""
        if self._json or self.names is not None:
            return lines
        while lines:
            head = lines[0].decode("utf-8-sig", errors="replace").strip()
            if head.startswith("{"):
                self._json = True
                return lines
            lines = lines[1:]
            if head:
                self.delimiter = find_delimiter(head)
                self.names = self._cells(head)
                return lines
        return lines

    def table(self, lines: list[bytes]) -> pa.Table:
        """Return the rows in some lines. Raises DataError if one is no row."""
        if self._json:
            try:
                return json_records.read_lines(
                    io.BytesIO(b"\n".join(lines)), ReadOptions(self.decimal, lambda _assumed: None)
                )
            except (UnicodeDecodeError, pa.ArrowException) as error:
                raise DataError(f"cannot be read: {' '.join(str(error).split())}") from error
        assert self.names is not None
        rows = []
        for line in lines:
            cells = self._cells(line.decode(errors="replace").rstrip("\r"))
            if len(cells) != len(self.names):
                raise DataError(f"{len(cells)} cells (expected {len(self.names)}, as in the header)")
            rows.append([self._value(cell.strip()) for cell in cells])
        columns = [_column(list(cells)) for cells in zip(*rows, strict=True)]
        return pa.Table.from_arrays(columns, names=self.names)

    def _value(self, cell: str) -> str | None:
        """Return a cell with a decimal point, or None if it is empty."""
        return (DECIMAL_COMMA.sub(r"\1.\2", cell) if self.decimal == "," else cell) or None

    def _cells(self, line: str) -> list[str]:
        """Split a line of CSV. Raises DataError if it has characters that no line can have."""
        try:
            return next(csv.reader([line], delimiter=self.delimiter), [])
        except csv.Error as error:
            raise DataError(f"cannot be read: {error}") from error


def _column(cells: list[str | None]) -> pa.Array:
    """Return cells as texts; without any text as a column that may hold anything."""
    return texts_to_arrow(cells) if any(cell is not None for cell in cells) else pa.nulls(len(cells))
