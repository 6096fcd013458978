"""Files to DataFrames and back: CSV, TSV, Parquet, JSON lines, "-". Knows nothing of time or series.

Text columns come as categoricals, so that whoever parses them parses each distinct text once.
"""

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from rnncli.errors import DataError, RequestError, did_you_mean
from rnncli.files import COMPRESSIONS, SUFFIXES, kind_by_name, written_whole

STANDARD_STREAM = "-"
EMPTY = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "none", "-")  # among numbers; a name else
MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
DELIMITERS = ",;\t|"


def read(source: str, kind: str | None = None) -> pd.DataFrame:
    """The table in a file, a folder of Parquet files, or "-" for standard input, which is looked into if not said.

    Raises DataError where it is missing, empty or damaged, RequestError where its kind is not known.
    """
    try:
        table = _read_arrow(source, kind)
    except FileNotFoundError as error:
        raise DataError("there is no such file. Check the path") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        cure = ". Save it as UTF-8" if "UTF" in str(error) else ". Is it the right format?"
        raise DataError(f"it cannot be read: {_one_line(error)}{cure}") from error
    table = table.select([place for place in range(table.num_columns) if not _is_row_number(table.field(place))])
    names = table.column_names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f'{len(names)} columns, of which "{repeated[0]}" appears twice. Rename one')
    if table.num_rows == 0:
        raise DataError(f"a header ({', '.join(names)}) and no rows. A forecast needs rows")
    return _to_pandas(table)


def _is_row_number(field: pa.Field) -> bool:
    """Whether a column is the row numbers that pandas stores beside a table."""
    stored = field.name.startswith("__index_level_") or field.name in ("", "Unnamed: 0")
    return stored and pa.types.is_integer(field.type)


def _read_arrow(source: str, kind: str | None) -> pa.Table:
    if source == STANDARD_STREAM:
        if sys.stdin is None:
            raise DataError("it is closed. Send a table into it, or name a file")
        return _read_content(sys.stdin.buffer.read(), kind)
    path = Path(source)
    if path.is_dir():
        return _read_folder(path)
    with path.open("rb") as stream:
        if kind is None and path.is_file():
            kind = kind_by_name(path)
        return _reader(kind)(stream) if kind and path.is_file() else _read_content(stream.read(), kind)


def _read_content(content: bytes, kind: str | None) -> pa.Table:
    """A table that came through a pipe, or whose name tells nothing: its first bytes do."""
    if kind is None and content.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        raise DataError("it looks like a workbook or a zip archive. Save the sheet as CSV")
    return _reader(kind or ("parquet" if content.startswith(b"PAR1") else "csv"))(io.BytesIO(content))


def _reader(kind: str) -> Callable[[BinaryIO], pa.Table]:
    reader = FORMATS[kind].read if kind in FORMATS else None
    if reader is None:
        readable = ", ".join(name for name, entry in FORMATS.items() if entry.read)
        raise RequestError(
            f'a table cannot be read as "{kind}". Known are {readable}.{did_you_mean(kind, list(FORMATS))}'
        )
    return reader


def kind_of(path: Path) -> str:
    """The format that a file's name tells: `next.csv.gz` is csv."""
    if path.exists() and not path.is_file():
        return "csv"  # a device or a pipe
    kind = kind_by_name(path)
    if kind is None:
        raise RequestError(
            f"{path}: the name does not tell the format. Known are {', '.join(SUFFIXES)}; or give --format"
        )
    return kind


def _read_folder(folder: Path) -> pa.Table:
    import pyarrow.dataset as dataset

    files = sorted(path for path in folder.rglob("*.parquet") if not path.name.startswith((".", "_")))
    if not files:
        raise DataError("the folder holds no .parquet file")
    table = dataset.dataset(folder, format="parquet", partitioning="hive", exclude_invalid_files=False)
    for part in table.get_fragments():
        names = {*part.physical_schema.names, *_partitions(part)}
        if odd := names ^ set(table.schema.names):
            raise DataError(f'{part.path}: "{odd.pop()}" is a column of some files of the folder, not of all')
    return table.to_table()


def _partitions(part: Any) -> dict[str, Any]:
    from pyarrow.dataset import get_partition_keys

    return get_partition_keys(part.partition_expression)


def _read_parquet(stream: BinaryIO) -> pa.Table:
    import pyarrow.parquet as parquet

    return parquet.read_table(stream)


def _read_csv(stream: BinaryIO) -> pa.Table:
    return _read_text(stream, None)


def _read_tsv(stream: BinaryIO) -> pa.Table:
    return _read_text(stream, "\t")


def _read_text(stream: BinaryIO, delimiter: str | None) -> pa.Table:
    """Every column as text first: only a whole column tells whether it is numbers (and 007 is a name)."""
    compression = next((name for magic, name in MAGIC.items() if _peek(stream, 4).startswith(magic)), None)
    plain = pa.CompressedInputStream(stream, compression) if compression else stream
    data = plain.read() if compression else stream.read()
    if not data or data.isspace():
        raise DataError("the file is empty")
    data = data.lstrip(b"\r\n") if data[:1] in (b"\r", b"\n") else data
    header = data[: data.find(b"\n") % (len(data) + 1)].rstrip(b"\r").decode("utf-8-sig", errors="replace")
    if delimiter is None:
        delimiter = max(DELIMITERS, key=header.count)
    first = arrow_csv.read_csv(
        io.BytesIO(header.encode() + b"\n"), parse_options=arrow_csv.ParseOptions(delimiter=delimiter)
    )
    table = arrow_csv.read_csv(
        pa.BufferReader(data),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in data),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in first.column_names},
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    return pa.table([_numbers_or_text(column) for column in table.columns], names=table.column_names)


def _peek(stream: BinaryIO, size: int) -> bytes:
    start = stream.read(size)
    stream.seek(0)
    return start


def _numbers_or_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as whole numbers or as floats where all of it reads so, else as text."""
    trimmed = pc.utf8_trim_whitespace(column)
    numbers = pc.if_else(pc.is_in(trimmed, pa.array(EMPTY)), pa.scalar(None, pa.string()), trimmed)
    if pc.any(pc.match_substring_regex(numbers, r"^[+-]?0\d")).as_py():
        return column
    try:
        return numbers.cast(pa.int64())
    except pa.ArrowInvalid:
        if pc.any(pc.match_substring_regex(numbers, r"^[+-]?\d{17,}$")).as_py():
            return column  # names: as floats, neighbours would be one
    try:
        return numbers.cast(pa.float64())
    except pa.ArrowInvalid:
        return column


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    columns = {field.name: _decimal_as_float(column) for field, column in zip(table.schema, table.columns, strict=True)}
    frame = pa.table(columns).to_pandas(strings_to_categorical=True, date_as_object=False, ignore_metadata=True)
    assert isinstance(frame, pd.DataFrame)
    return frame


def _decimal_as_float(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column


def write(frame: pd.DataFrame, target: str, kind: str) -> None:
    """The table to a file, which appears whole or not at all, or to "-" for standard output."""
    if target == STANDARD_STREAM:
        try:
            _writer(kind)(frame, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise RequestError(f"cannot write to standard output: {error.strerror or error}") from error
        return
    path = Path(target)
    compression = COMPRESSIONS.get(path.suffix.lower())
    with written_whole(path) as stream:
        if compression is None:
            _writer(kind)(frame, stream)
        else:
            twin = os.fdopen(os.dup(stream.fileno()), "wb")  # for Arrow closes what it compresses into
            with pa.CompressedOutputStream(twin, compression) as compressed:
                _writer(kind)(frame, compressed)


def _writer(kind: str) -> Callable[[pd.DataFrame, Any], None]:
    if kind not in FORMATS:
        hint = did_you_mean(kind, list(FORMATS))
        raise RequestError(f'a table cannot be written as "{kind}". Known are {", ".join(FORMATS)}.{hint}')
    return FORMATS[kind].write


def _write_csv(frame: pd.DataFrame, stream: Any) -> None:
    _write_delimited(frame, stream, ",")


def _write_tsv(frame: pd.DataFrame, stream: Any) -> None:
    _write_delimited(frame, stream, "\t")


def _write_delimited(frame: pd.DataFrame, stream: Any, delimiter: str) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    quoting = "needed" if _holds_special(table, delimiter) else "none"  # "needed" puts every text in quotes
    options = arrow_csv.WriteOptions(delimiter=delimiter, quoting_style=quoting, quoting_header=quoting)
    arrow_csv.write_csv(table, stream, write_options=options)


def _holds_special(table: pa.Table, delimiter: str) -> bool:
    """Whether a name or a text has a character that CSV reads as its own."""
    texts: list[pa.Array] = [pa.array(table.column_names)]
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            texts += [chunk.dictionary for chunk in column.chunks]
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            texts.append(column)
    pattern = f'[{delimiter}"\r\n]'
    return any(pc.any(pc.match_substring_regex(part.cast(pa.string()), pattern)).as_py() for part in texts)


def _write_parquet(frame: pd.DataFrame, stream: Any) -> None:
    import pyarrow.parquet as parquet

    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), stream)


def _write_json_lines(frame: pd.DataFrame, stream: Any) -> None:
    for record in frame.to_dict("records"):
        stream.write(json.dumps(record, ensure_ascii=False, default=str).encode() + b"\n")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


class Format(NamedTuple):
    """How one format is read (None: it is not) and written."""

    read: Callable[[BinaryIO], pa.Table] | None
    write: Callable[[pd.DataFrame, Any], None]


FORMATS = {
    "csv": Format(_read_csv, _write_csv),
    "tsv": Format(_read_tsv, _write_tsv),
    "parquet": Format(_read_parquet, _write_parquet),
    "jsonl": Format(None, _write_json_lines),
}
