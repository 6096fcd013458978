"""Files, folders, URLs and standard input to Arrow tables.

Text columns are dictionaries, such that later parsing parses each distinct text once.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from rnncli.config.fields import Decimal
from rnncli.errors import DataError
from rnncli.files.paths import is_standard_stream, is_url
from rnncli.tables import arrays, compression
from rnncli.tables.assumptions import Assume, accept_assumption
from rnncli.tables.formats import ReadOptions, find_format, format_by_content, format_by_suffix

WORKBOOKS = (b"PK", b"\xd0\xcf\x11\xe0")  # first bytes of .xlsx (a zip archive) and of .xls
LONGEST_FIRST_BYTES = 100


def read(
    source: str, format: str | None = None, decimal: Decimal | None = None, assume: Assume = accept_assumption
) -> pa.Table:
    """Read a file, a folder of Parquet files, a URL of either (s3://bucket/table), or "-" (standard input).

    format: its format; None: infer it from the suffix, or from the first bytes. decimal: the decimal separator of
    numbers in text; None: infer it.

    Raises DataError if the table is missing, empty or damaged, RequestError if the format is unknown.
    """
    with _data_errors():
        return _coded(_validated(pa.concat_tables(_tables(source, format, ReadOptions(decimal, assume)))))


def read_parts(
    source: str, format: str | None = None, decimal: Decimal | None = None, assume: Assume = accept_assumption
) -> Iterator[pa.Table]:
    """Read a table as `read` does; of a folder, yield a few files at a time."""
    with _data_errors():
        for table in _tables(source, format, ReadOptions(decimal, assume)):
            yield _coded(_validated(table))


@contextmanager
def _data_errors() -> Iterator[None]:
    """Raise DataError for the errors of Python and Arrow in reading."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError("there is no such file. Check the path") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split()).rstrip(".")
        raise DataError(f"cannot be read: {problem}. Check its format") from error


def _validated(table: pa.Table) -> pa.Table:
    """Return the table without stored row numbers. Raises DataError if it has no rows, or two columns of one name."""
    table = table.select([index for index in range(table.num_columns) if not _is_row_number(table.field(index))])
    names = table.column_names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f'column "{repeated[0]}" appears twice ({len(names)} columns). Rename one')
    if table.num_rows == 0:
        raise DataError(f"has a header ({', '.join(names)}) but no rows. Add rows")
    return table


def _is_row_number(field: pa.Field) -> bool:
    """Return whether a column holds the row numbers that pandas stores with a table."""
    stored = field.name.startswith("__index_level_") or field.name in ("", "Unnamed: 0")
    return stored and pa.types.is_integer(field.type)


def _tables(source: str, format: str | None, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the parts of a table: several only of a folder."""
    if is_url(source):
        from rnncli.tables import filesystems, parquet_dataset

        location = filesystems.locate(source)
        if location.is_folder():
            yield from parquet_dataset.read_parts(location)
            return
        name = format or format_by_suffix(Path(location.path))
        with location.system.open_input_stream(location.path, compression=None) as stream:
            yield _read_content(stream.read(), name, options)
    elif is_standard_stream(source):
        if sys.stdin is None:
            raise DataError("standard input is closed. Send a table into it, or name a file")
        yield _read_content(sys.stdin.buffer.read(), format, options)
    elif not source:  # Path("") is the current folder
        raise FileNotFoundError(source)
    elif Path(source).is_dir():
        from rnncli.tables import filesystems, parquet_dataset

        yield from parquet_dataset.read_parts(filesystems.local(Path(source)))
    else:
        yield _read_file(Path(source), format, options)


def _read_file(path: Path, format: str | None, options: ReadOptions) -> pa.Table:
    with path.open("rb") as stream:
        if path.is_file() and (name := format or format_by_suffix(path)) is not None:
            return find_format(name).read(stream, options)
        return _read_content(stream.read(), format, options)


def _read_content(content: bytes, format: str | None, options: ReadOptions) -> pa.Table:
    """Read a table from a pipe or a file without a known suffix, whose first bytes tell the format."""
    if format is None and content.startswith(WORKBOOKS):
        raise DataError("it looks like a workbook or a zip archive. Save the sheet as CSV")
    start = compression.decompressed(io.BytesIO(content))[:LONGEST_FIRST_BYTES] if format is None else b""
    return find_format(format or format_by_content(start)).read(io.BytesIO(content), options)


def _coded(table: pa.Table) -> pa.Table:
    """Return the table with texts as codes of distinct texts, decimals as floats."""
    columns = {field.name: _coded_column(column) for field, column in zip(table.schema, table.columns, strict=True)}
    return pa.table(columns)


def _coded_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        column = column.cast(pa.string())
    elif not pa.types.is_dictionary(kind):
        return column
    return pa.chunked_array([arrays.coded(column)])
