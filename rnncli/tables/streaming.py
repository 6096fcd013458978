"""Rows from a stream that goes on: each line as it comes, CSV or a JSON object."""

import csv
import io
import select
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pyarrow as pa

from rnncli.config.sections import Decimal
from rnncli.errors import DataError
from rnncli.files.paths import is_standard_stream
from rnncli.tables import json_records
from rnncli.tables.delimiters import find_delimiter
from rnncli.tables.formats import ReadOptions

AT_ONCE = 1 << 18  # bytes read at a time at most: what has piled up is forecast together
LONGEST = 1 << 20  # bytes of a line: more are no row
TURN = 1.0  # seconds after which waiting for more begins anew
COMMA = r"^([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)$"  # of a number; names have commas of their own


def line_batches(source: str) -> Iterator[list[bytes]]:
    """The complete lines that have come by now, again and again until the stream ends. Raises DataError."""
    rest = b""
    with _opened(source) as stream:
        while chunk := _more(stream):
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                yield whole.split(b"\n")
            if len(rest) > LONGEST:
                raise DataError(f"a line of more than {LONGEST} bytes. Rows are lines of CSV or JSON")
    if rest:
        yield [rest]


def _more(stream: BinaryIO) -> bytes:
    """What has come, waited for in turns; nothing at the end.

    A signal that comes just before a wait, or to another thread, does not interrupt it: it is heeded with the next
    turn, where reading would keep it until a row comes.
    """
    with suppress(OSError, ValueError):  # no pipe, or on a system where pipes cannot be waited for
        while not select.select([stream], [], [], TURN)[0]:
            pass
    return stream.read1(AT_ONCE)  # type: ignore[attr-defined]


def _opened(source: str) -> BinaryIO:
    if not is_standard_stream(source):
        try:
            return Path(source).open("rb")
        except OSError as error:
            raise DataError(f"it cannot be read: {error.strerror}. Check the path") from error
    if sys.stdin is None:
        raise DataError("it is closed. Send rows into it")
    return sys.stdin.buffer


class LineParser:
    """Lines to tables; of CSV the first line says the names."""

    def __init__(self, decimal: Decimal | None) -> None:
        self.decimal = decimal
        self.names: list[str] | None = None  # of CSV
        self.delimiter = ","
        self._lines = False  # whether they are JSON

    def begin(self, lines: list[bytes]) -> list[bytes]:
        """Look at the first lines; what is left of them are rows."""
        if self._lines or self.names is not None:
            return lines
        while lines:
            head = lines[0].decode("utf-8-sig", errors="replace").strip()
            if head.startswith("{"):
                self._lines = True
                return lines
            lines = lines[1:]
            if head:
                self.delimiter = find_delimiter(head)
                self.names = self._cells(head)
                return lines
        return lines

    def table(self, lines: list[bytes]) -> pd.DataFrame:
        """The rows in some lines. Raises DataError where one is none."""
        if self._lines:
            try:
                table = json_records.read_lines(
                    io.BytesIO(b"\n".join(lines)), ReadOptions(self.decimal, lambda _assumed: None)
                )
            except (UnicodeDecodeError, pa.ArrowException) as error:
                raise DataError(f"it cannot be read: {' '.join(str(error).split())}") from error
            frame = table.to_pandas()
            assert isinstance(frame, pd.DataFrame)
            return frame
        assert self.names is not None
        rows = []
        for line in lines:
            cells = self._cells(line.decode(errors="replace").rstrip("\r"))
            if len(cells) != len(self.names):
                raise DataError(f"{len(cells)} cells, where the header has {len(self.names)}")
            rows.append([cell.strip() or None for cell in cells])
        frame = pd.DataFrame(rows, columns=self.names, dtype=object)
        return frame.replace(COMMA, r"\1.\2", regex=True) if self.decimal == "," else frame

    def _cells(self, line: str) -> list[str]:
        """Raises DataError where it has signs that no line has: a carriage return in its midst."""
        try:
            return next(csv.reader([line], delimiter=self.delimiter), [])
        except csv.Error as error:
            raise DataError(f"it cannot be read: {error}") from error
