"""Delimited text to Arrow tables: encoding, delimiter, header, types of columns, and footer lines."""

import io
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from rnncli.errors import DataError
from rnncli.messages import counted
from rnncli.tables import arrays, number_parsing
from rnncli.tables.assumptions import Assume, accept_assumption
from rnncli.tables.compression import decompressed
from rnncli.tables.delimiters import find_delimiter
from rnncli.tables.formats import ReadOptions

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")  # spreadsheets write UTF-16 as "Unicode text"
SAMPLE = 250_000  # bytes from which the types of columns are inferred
CHUNK = 16_000_000  # bytes searched at a time
TEXT = pa.dictionary(pa.int32(), pa.string())
MAX_FOOTER_LINES = 5  # lines at the end that may be no rows: totals, a blank line, a source


def read_csv(stream: BinaryIO, options: ReadOptions) -> pa.Table:
    """Read a table whose delimiter is inferred from its header."""
    return _read(stream, None, options)


def read_tsv(stream: BinaryIO, options: ReadOptions) -> pa.Table:
    """Read a table delimited by tabs."""
    return _read(stream, "\t", options)


def _read(stream: BinaryIO, delimiter: str | None, options: ReadOptions) -> pa.Table:
    """Read all columns as text first: only a complete column shows whether it is numeric (007 may be an id)."""
    data = decompressed(stream)
    if data[:2] in UTF16_MARKS:
        data = data.decode("utf-16").encode()
    if not data or data.isspace():
        raise DataError("the file is empty")
    data = data.lstrip(b"\r\n") if data[:1] in (b"\r", b"\n") else data
    typed = _read_typed(data, delimiter, options)
    if typed is not None:
        return typed
    try:
        table, delimiter = _columns(data, delimiter, options.assume)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        if not isinstance(error, UnicodeDecodeError) and _is_utf8(data):
            raise
        options.assume("the text is not UTF-8: it is read as Windows-1252 (Latin-1)")
        table, delimiter = _columns(data.decode("cp1252", errors="replace").encode(), delimiter, options.assume)
    return number_parsing.parse_columns(table, options.decimal, delimiter == ";", options.assume)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read_typed(data: bytes, delimiter: str | None, options: ReadOptions) -> pa.Table | None:
    """Read each column with the type of its first rows, which is ten times as fast; return None if that is not safe.

    It is safe for text, and for plain numbers without ids such as 007 among them.
    """
    end = data.find(b"\n", SAMPLE)
    if end < 0 or options.decimal == ",":
        return None
    try:
        sample, delimiter = _columns(data[:end], delimiter, accept_assumption)
        first = number_parsing.parse_columns(sample, None, False, accept_assumption)
        integers = any(pa.types.is_integer(field.type) for field in first.schema)  # may have ids further down
        if not number_parsing.is_unambiguous(sample) or (integers and _has_leading_zeros(data, delimiter)):
            return None
        types = {field.name: TEXT if pa.types.is_string(field.type) else field.type for field in first.schema}
        table = _parsed(data, delimiter, sample.column_names, types)
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    return pa.table([_empty_as_null(column) for column in table.columns], names=table.column_names)


def _has_leading_zeros(data: bytes, delimiter: str) -> bool:
    """Return whether a cell begins with a zero and another digit."""
    starts = np.zeros(256, bool)
    starts[[ord(delimiter), *b'\n\r"']] = True
    for start in range(0, len(data), CHUNK):
        cells = np.frombuffer(data, np.uint8, min(CHUNK + 2, len(data) - start), start)
        zeros = np.flatnonzero(cells[1:-1] == ord("0"))
        before, following = cells[zeros], cells[zeros + 2]
        begins = starts[before] | ((before == ord(" ")) & starts[cells[np.maximum(zeros - 1, 0)]])
        if (begins & (following >= ord("0")) & (following <= ord("9"))).any():
            return True
    return False


def _empty_as_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a dictionary column with null for the empty text, other columns as they are."""
    if not pa.types.is_dictionary(column.type):
        return column
    coded = arrays.coded(column)
    empty = pc.index(coded.dictionary, arrays.text_scalar("")).as_py()
    if empty >= 0:
        codes = arrays.to_numpy(coded.indices)
        present = (codes != empty) & ~arrays.is_null(coded)
        coded = pa.DictionaryArray.from_arrays(arrays.to_arrow(codes, present), coded.dictionary)
    return pa.chunked_array([coded])


def _columns(data: bytes, delimiter: str | None, assume: Assume) -> tuple[pa.Table, str]:
    """Return the columns as text, and their delimiter. Raises UnicodeDecodeError if a bad row is not UTF-8."""
    header = data[: data.find(b"\n") % (len(data) + 1)].rstrip(b"\r")
    delimiter = delimiter or find_delimiter(header.decode("utf-8-sig", errors="replace"))
    names = _parsed(header + b"\n", delimiter, []).column_names
    try:
        return _parsed(data, delimiter, names), delimiter
    except pa.ArrowInvalid:
        table = _without_footer(data, delimiter, names, assume)
        if table is None:
            raise
        return table, delimiter


def _parsed(
    data: bytes, delimiter: str, names: list[str], types: dict[str, pa.DataType] | None = None, skip: Any = None
) -> pa.Table:
    """Parse the rows: the named columns as text, or with the given types."""
    return arrow_csv.read_csv(
        io.BytesIO(data) if not names else pa.BufferReader(data),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=b'"' in data, invalid_row_handler=skip
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=types or dict.fromkeys(names, pa.string()),
            null_values=["", *number_parsing.MISSING] if types else [""],
            strings_can_be_null=types is None,  # in a text column, "NA" is a value
        ),
    )


def _without_footer(data: bytes, delimiter: str, names: list[str], assume: Assume) -> pa.Table | None:
    """Return the table without the last lines if only these have another number of cells, else None."""
    data.decode()  # raises UnicodeDecodeError, which Arrow does not in a row that it skips
    skipped: list[str] = []

    def skip(row: Any) -> str:
        skipped.append(row.text.strip())
        return "skip"

    try:
        table = _parsed(data, delimiter, names, skip=skip)
    except pa.ArrowInvalid:
        return None
    last = [line.decode().strip() for line in data.rstrip().rsplit(b"\n", len(skipped))[-len(skipped) :]]
    if not skipped or not table.num_rows or len(skipped) > MAX_FOOTER_LINES or sorted(last) != sorted(skipped):
        return None
    assume(f'left out: the last {counted(len(skipped), "line")}, with another number of cells: "{last[0][:40]}"')
    return table
