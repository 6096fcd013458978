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
    """A JSON object a line. Times stay texts, as they do in CSV."""
    return _flat(_records(decompressed(stream).decode("utf-8-sig").split("\n")))


def read_list(stream: BinaryIO, _options: ReadOptions) -> pa.Table:
    """A JSON list of objects."""
    try:
        content = json.loads(decompressed(stream).decode("utf-8-sig"), parse_constant=_nothing)
    except (ValueError, RecursionError) as error:
        raise DataError(f"it is no JSON: {error}") from error
    if not isinstance(content, list):
        raise DataError("its JSON is no list of objects, one for each row")
    return _flat(content)


def write_lines(frames: Iterator[pd.DataFrame], stream: Any) -> None:
    """A JSON object a line."""
    for frame in frames:
        stream.write(b"".join(line + b"\n" for line in _lines(frame)))


def write_list(frames: Iterator[pd.DataFrame], stream: Any) -> None:
    """A JSON list of objects."""
    between = b"[\n"
    for frame in frames:
        for line in _lines(frame):
            stream.write(between + line)
            between = b",\n"
    stream.write(b"\n]\n" if between == b",\n" else b"[]\n")


def _lines(frame: pd.DataFrame) -> Iterator[bytes]:
    """The rows as JSON objects; what is not known is null."""
    columns = [column.astype(object).where(column.notna(), None).tolist() for _, column in frame.items()]
    for row in zip(*columns, strict=True):
        yield json.dumps(dict(zip(frame.columns, row, strict=True)), ensure_ascii=False, default=str).encode()


def _records(lines: list[str]) -> list[object]:
    records = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            records.append(json.loads(line, parse_constant=_nothing))
        except (ValueError, RecursionError) as error:
            raise DataError(f"line {number} is no JSON: {error}") from error
    return records


def _flat(records: list[Any]) -> pa.Table:
    """A table of records. Raises DataError where one is no object, or holds another."""
    columns: dict[str, list[Any]] = {}
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise DataError(f"record {number + 1} is {json.dumps(record)[:40]}, where an object is wanted")
        for name, value in record.items():
            if isinstance(value, dict | list):
                raise DataError(f'record {number + 1}: "{name}" holds several values, where one is wanted')
            column = columns.setdefault(name, [])
            column += [None] * (number - len(column))
            column.append(value)
    try:
        return pa.table(
            {name: _column(values + [None] * (len(records) - len(values))) for name, values in columns.items()}
        )
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start])
        raise DataError(f"a text in it has half a character ({half}), which JSON can spell and no file hold") from error


def _column(values: list[Any]) -> pa.Array:
    """Numbers as numbers; of several kinds their texts."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array(
            [None if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
        )


def _nothing(_word: str) -> None:
    """NaN and Infinity, which JSON does not know, are no values."""
