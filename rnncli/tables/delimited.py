"""Delimited text to columns: its encoding, its delimiter, its header, and lines at its end that are no rows."""

import io
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from rnncli.errors import DataError
from rnncli.tables import number_parsing
from rnncli.tables.assumptions import Assume, accept_assumption
from rnncli.tables.compression import decompressed
from rnncli.tables.delimiters import find_delimiter
from rnncli.tables.formats import ReadOptions

WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16, as spreadsheets call Unicode
SAMPLE = 250_000  # bytes that tell what the columns are
CHUNK = 16_000_000  # bytes looked at together
TEXT = pa.dictionary(pa.int32(), pa.string())
MAX_FOOTER_LINES = 5  # lines at the end that may be no rows: a sum, a blank, who made the file


def read_csv(stream: BinaryIO, options: ReadOptions) -> pa.Table:
    """The table in a stream whose delimiter its header tells."""
    return _read(stream, None, options)


def read_tsv(stream: BinaryIO, options: ReadOptions) -> pa.Table:
    """The table in a stream delimited by tabs."""
    return _read(stream, "\t", options)


def _read(stream: BinaryIO, delimiter: str | None, options: ReadOptions) -> pa.Table:
    """Every column as text first: only a whole column tells whether it is numbers (and 007 is a name)."""
    data = decompressed(stream)
    if data[:2] in WIDE_MARKS:
        data = data.decode("utf-16").encode()
    if not data or data.isspace():
        raise DataError("the file is empty")
    data = data.lstrip(b"\r\n") if data[:1] in (b"\r", b"\n") else data
    quick = _quickly(data, delimiter, options)
    if quick is not None:
        return quick
    try:
        table, delimiter = _columns(data, delimiter, options.assume)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        if isinstance(error, pa.ArrowInvalid) and "UTF" not in str(error):
            raise
        options.assume("the text is not UTF-8: it is read as Windows-1252 (Latin-1)")
        table, delimiter = _columns(data.decode("cp1252", errors="replace").encode(), delimiter, options.assume)
    return number_parsing.parse_columns(table, options.decimal, delimiter == ";", options.assume)


def _quickly(data: bytes, delimiter: str | None, options: ReadOptions) -> pa.Table | None:
    """The table, each column read at once as what its first rows are: ten times as quick. None where that is not safe.

    Safe are columns of plain numbers without names among them (007), and texts.
    """
    end = data.find(b"\n", SAMPLE)
    if end < 0 or options.decimal == ",":
        return None
    try:
        sample, delimiter = _columns(data[:end], delimiter, accept_assumption)
        first = number_parsing.parse_columns(sample, None, False, accept_assumption)
        names = any(pa.types.is_integer(kind) for kind in first.schema.types)  # or what may be such further down
        if not number_parsing.is_unambiguous(sample) or (names and _has_leading_zeros(data, delimiter)):
            return None
        kinds = {field.name: TEXT if pa.types.is_string(field.type) else field.type for field in first.schema}
        table = _parsed(data, delimiter, sample.column_names, kinds).unify_dictionaries()
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    return pa.table([_without_blanks(column) for column in table.columns], names=table.column_names)


def _has_leading_zeros(data: bytes, delimiter: str) -> bool:
    """Whether a cell begins with a zero and another digit."""
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


def _without_blanks(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of texts with null for the empty one."""
    if not pa.types.is_dictionary(column.type) or not column.num_chunks:
        return column
    names = column.chunk(0).dictionary
    blank = pc.index(names, "").as_py()
    if blank < 0:
        return column
    parts = [
        pa.DictionaryArray.from_arrays(pc.if_else(pc.equal(part.indices, blank), None, part.indices), names)
        for part in column.chunks
    ]
    return pa.chunked_array(parts)


def _columns(data: bytes, delimiter: str | None, assume: Assume) -> tuple[pa.Table, str]:
    """Columns of text, and what delimits them."""
    header = data[: data.find(b"\n") % (len(data) + 1)].rstrip(b"\r")
    delimiter = delimiter or find_delimiter(header.decode("utf-8-sig", errors="replace"))
    names = _parsed(header + b"\n", delimiter, []).column_names
    try:
        return _parsed(data, delimiter, names), delimiter
    except pa.ArrowInvalid as error:
        table = None if "UTF" in str(error) else _without_notes(data, delimiter, names, assume)
        if table is None:
            raise
        return table, delimiter


def _parsed(
    data: bytes, delimiter: str, names: list[str], kinds: dict[str, pa.DataType] | None = None, skip: Any = None
) -> pa.Table:
    """The rows, every column of these names as text, or of the kinds given."""
    return arrow_csv.read_csv(
        io.BytesIO(data) if not names else pa.BufferReader(data),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=b'"' in data, invalid_row_handler=skip
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=kinds or dict.fromkeys(names, pa.string()),
            null_values=["", *number_parsing.MISSING] if kinds else [""],
            strings_can_be_null=kinds is None,  # among texts, what stands for nothing among numbers is a name
        ),
    )


def _without_notes(data: bytes, delimiter: str, names: list[str], assume: Assume) -> pa.Table | None:
    """The table without the lines at its end that have another number of cells; None where others have it too."""
    data.decode()  # raises what tells of another encoding; Arrow, as it looks at a line, would not
    odd: list[str] = []

    def skip(row: Any) -> str:
        odd.append(row.text.strip())
        return "skip"

    try:
        table = _parsed(data, delimiter, names, skip=skip)
    except pa.ArrowInvalid:
        return None
    last = [line.decode().strip() for line in data.rstrip().rsplit(b"\n", len(odd))[-len(odd) :]]
    if not odd or not table.num_rows or len(odd) > MAX_FOOTER_LINES or sorted(last) != sorted(odd):
        return None
    assume(f'left out: {len(odd)} of the last lines, with another number of cells, the first of them "{last[0][:40]}"')
    return table
