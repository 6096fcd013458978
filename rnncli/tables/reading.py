"""Files to DataFrames: CSV, TSV, Parquet, a folder of Parquet, "-". Knows nothing of time or series.

Text columns come as categoricals, so that whoever parses them parses each distinct text once.
"""

import codecs
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pyarrow as pa
from pyarrow import fs

from rnncli.config.sections import Decimal
from rnncli.errors import DataError, RequestError
from rnncli.files.atomic import SUFFIXES, is_url, kind_by_name
from rnncli.messages import did_you_mean
from rnncli.tables import delimited, json_records, parquet_dataset
from rnncli.tables.assumptions import Assume, quietly
from rnncli.tables.delimited import Manner

STANDARD_STREAM = "-"


def read(
    source: str, kind: str | None = None, decimal: Decimal | None = None, assume: Assume = quietly
) -> pd.DataFrame:
    """The table in a file, a folder of Parquet files, either of them at a URL (s3://bucket/table), or "-" for standard
    input, which is looked into if its kind is not said.

    decimal: what stands before the fraction of a number in text, if it is known.

    Raises DataError where it is missing, empty or damaged, RequestError where its kind is not known.
    """
    with _complaints():
        return _to_pandas(_checked(pa.concat_tables(_tables(source, kind, Manner(decimal, assume)))))


def read_parts(
    source: str, kind: str | None = None, decimal: Decimal | None = None, assume: Assume = quietly
) -> Iterator[pd.DataFrame]:
    """The same, of a folder some files at a time."""
    with _complaints():
        for table in _tables(source, kind, Manner(decimal, assume)):
            yield _to_pandas(_checked(table))


@contextmanager
def _complaints() -> Iterator[None]:
    """What goes wrong in reading, in rnncli's own errors."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError("there is no such file. Check the path") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"it cannot be read: {' '.join(str(error).split())}. Is it the right format?") from error


def _checked(table: pa.Table) -> pa.Table:
    """The table without row numbers that were stored. Raises DataError where it has no rows, or a name twice."""
    table = table.select([place for place in range(table.num_columns) if not _is_row_number(table.field(place))])
    names = table.column_names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(f'{len(names)} columns, of which "{repeated[0]}" appears twice. Rename one')
    if table.num_rows == 0:
        raise DataError(f"a header ({', '.join(names)}) and no rows. A forecast needs rows")
    return table


def _is_row_number(field: pa.Field) -> bool:
    """Whether a column is the row numbers that pandas stores beside a table."""
    stored = field.name.startswith("__index_level_") or field.name in ("", "Unnamed: 0")
    return stored and pa.types.is_integer(field.type)


def _tables(source: str, kind: str | None, manner: Manner) -> Iterator[pa.Table]:
    """The parts of a table: several only of a folder."""
    if is_url(source):
        system, place = parquet_dataset.located(source)
        if parquet_dataset.is_folder(system, place):
            yield from parquet_dataset.parts(system, place)
            return
        kind = kind or kind_by_name(Path(place))
        with system.open_input_stream(place, compression=None) as stream:
            yield _read_content(stream.read(), kind, manner)
    elif source == STANDARD_STREAM:
        if sys.stdin is None:
            raise DataError("it is closed. Send a table into it, or name a file")
        yield _read_content(sys.stdin.buffer.read(), kind, manner)
    elif not source:  # a Path takes it for this folder
        raise FileNotFoundError(source)
    elif Path(source).is_dir():
        yield from parquet_dataset.parts(fs.LocalFileSystem(), str(Path(source).resolve()))
    else:
        yield _read_file(Path(source), kind, manner)


def _read_file(path: Path, kind: str | None, manner: Manner) -> pa.Table:
    with path.open("rb") as stream:
        if kind is None and path.is_file():
            kind = kind_by_name(path)
        if kind is not None and path.is_file():
            return _reader(kind)(stream, manner)
        return _read_content(stream.read(), kind, manner)


def _read_content(content: bytes, kind: str | None, manner: Manner) -> pa.Table:
    """A table that came through a pipe, or whose name tells nothing: its first bytes do."""
    if kind is None and content.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        raise DataError("it looks like a workbook or a zip archive. Save the sheet as CSV")
    return _reader(kind or _kind_by_content(delimited.unpacked(io.BytesIO(content))[:100]))(io.BytesIO(content), manner)


def _kind_by_content(head: bytes) -> str:
    """What the first bytes of a table are of."""
    for start, kind in BEGINNINGS.items():
        if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(start):
            return kind
    return "csv"


def _reader(kind: str) -> Callable[[BinaryIO, Manner], pa.Table]:
    if kind not in READERS:
        hint = did_you_mean(kind, list(READERS))
        raise RequestError(f'a table cannot be read as "{kind}". Known are {", ".join(READERS)}.{hint}')
    return READERS[kind]


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


def _read_parquet(stream: BinaryIO, _manner: Manner) -> pa.Table:
    import pyarrow.parquet as parquet

    return parquet.read_table(stream)


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    columns = {field.name: _decimal_as_float(column) for field, column in zip(table.schema, table.columns, strict=True)}
    frame = pa.table(columns).to_pandas(strings_to_categorical=True, date_as_object=False, ignore_metadata=True)
    assert isinstance(frame, pd.DataFrame)
    return frame


def _decimal_as_float(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column


READERS: dict[str, Callable[[BinaryIO, Manner], pa.Table]] = {
    "csv": delimited.read_csv,
    "tsv": delimited.read_tsv,
    "parquet": _read_parquet,
    "json": json_records.read_list,
    "ndjson": json_records.read_lines,
    "arrow": json_records.read_arrow,
}
BEGINNINGS = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow", b"{": "ndjson", b"[": "json"}
