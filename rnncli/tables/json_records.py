"""JSON records to Arrow tables and back: a list of objects, or one object a line."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from rnncli.errors import DataError
from rnncli.tables import arrays
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


def write_lines(parts: Iterator[pa.Table], stream: Any) -> None:
    """Write one JSON object a line."""
    for part in parts:
        stream.write(b"".join(line + b"\n" for line in _lines(part)))


def write_list(parts: Iterator[pa.Table], stream: Any) -> None:
    """Write a JSON list of objects."""
    separator = b"[\n"
    for part in parts:
        for line in _lines(part):
            stream.write(separator + line)
            separator = b",\n"
    stream.write(b"\n]\n" if separator == b",\n" else b"[]\n")


def _lines(table: pa.Table) -> Iterator[bytes]:
    """Yield the rows as JSON objects, with null for missing values."""
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        yield json.dumps(dict(zip(table.column_names, row, strict=True)), ensure_ascii=False, default=str).encode()


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
    present = np.array([value is not None for value in values], bool)
    if not present.any():
        return pa.nulls(len(values))
    dtype = _dtype([value for value in values if value is not None])
    if dtype is not None:
        return arrays.to_arrow(np.array([0 if value is None else value for value in values], dtype), present)
    return arrays.texts_to_arrow(
        [None if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
    )


def _dtype(values: list[Any]) -> type | None:
    """Return the type that holds all of some values exactly; None if only text does."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return bool
    if kinds == {int}:
        return np.int64 if min(values) >= -(2**63) and max(values) < 2**63 else None
    exact = all(abs(value) <= 2**53 for value in values if isinstance(value, int))
    return np.float64 if kinds <= {int, float} and exact else None


def _null(_word: str) -> None:
    """Return no value for NaN and Infinity, which are not JSON."""
