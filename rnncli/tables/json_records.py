"""JSON records to Arrow tables and back: a list of objects, or one object a line."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

from rnncli.errors import DataError
from rnncli.tables.compression import decompressed
from rnncli.tables.formats import ReadOptions


def read_lines(stream: BinaryIO, _options: ReadOptions) -> pa.Table:
    """Read one JSON object a line. Times remain text, as in CSV."""
    return _flat(_records(decompressed(stream).decode("utf-8-sig").split("\n")))


def read_list(stream: BinaryIO, _options: ReadOptions) -> pa.Table:
    """Read a JSON list of objects."""
    try:
        content = json.loads(decompressed(stream).decode("utf-8-sig"), parse_constant=_null)
    except (ValueError, RecursionError) as error:
        raise DataError(f"invalid JSON: {error}") from error
    if not isinstance(content, list):
        raise DataError("the JSON must be a list of objects, one for each row")
    return _flat(content)


def write_lines(frames: Iterator[pd.DataFrame], stream: Any) -> None:
    """Write one JSON object a line."""
    for frame in frames:
        stream.write(b"".join(line + b"\n" for line in _lines(frame)))


def write_list(frames: Iterator[pd.DataFrame], stream: Any) -> None:
    """Write a JSON list of objects."""
    separator = b"[\n"
    for frame in frames:
        for line in _lines(frame):
            stream.write(separator + line)
            separator = b",\n"
    stream.write(b"\n]\n" if separator == b",\n" else b"[]\n")


def _lines(frame: pd.DataFrame) -> Iterator[bytes]:
    """Yield the rows as JSON objects, with null for missing values."""
    columns = [column.astype(object).where(column.notna(), None).tolist() for _, column in frame.items()]
    for row in zip(*columns, strict=True):
        yield json.dumps(dict(zip(frame.columns, row, strict=True)), ensure_ascii=False, default=str).encode()


def _records(lines: list[str]) -> list[object]:
    records = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            records.append(json.loads(line, parse_constant=_null))
        except (ValueError, RecursionError) as error:
            raise DataError(f"line {number}: invalid JSON: {error}") from error
    return records


def _flat(records: list[Any]) -> pa.Table:
    """Return a table of records. Raises DataError if a record is no object, or is nested."""
    columns: dict[str, list[Any]] = {}
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(f"record {number + 1}: found {json.dumps(record)[:40]}, expected an object")
        for name, value in record.items():
            if isinstance(value, dict | list):
                raise DataError(f'record {number + 1}: "{name}" is nested, expected a single value')
            column = columns.setdefault(name, [])
            column += [None] * (number - len(column))
            column.append(value)
    try:
        return pa.table(
            {name: _column(values + [None] * (len(records) - len(values))) for name, values in columns.items()}
        )
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start])
        raise DataError(f"a text contains {half}, half a character, which cannot be encoded. Remove it") from error


def _column(values: list[Any]) -> pa.Array:
    """Return numbers as numbers; values of several types as text."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array(
            [None if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
        )


def _null(_word: str) -> None:
    """Return no value for NaN and Infinity, which are not JSON."""
