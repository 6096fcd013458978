"""Files to DataFrames: CSV, TSV, Parquet, a folder of Parquet, "-". Knows nothing of time or series.

Text columns come as categoricals, so that whoever parses them parses each distinct text once.
"""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

from rnncli.config import Decimal
from rnncli.errors import Assume, DataError, RequestError, did_you_mean, quietly
from rnncli.files import SUFFIXES, kind_by_name
from rnncli.tables import delimited
from rnncli.tables.delimited import Manner

STANDARD_STREAM = "-"


def read(
    source: str, kind: str | None = None, decimal: Decimal | None = None, assume: Assume = quietly
) -> pd.DataFrame:
    """The table in a file, a folder of Parquet files, or "-" for standard input, which is looked into if not said.

    decimal: what stands before the fraction of a number in text, if it is known.

    Raises DataError where it is missing, empty or damaged, RequestError where its kind is not known.
    """
    try:
        table = _read_arrow(source, kind, Manner(decimal, assume))
    except FileNotFoundError as error:
        raise DataError("there is no such file. Check the path") from error
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"it cannot be read: {' '.join(str(error).split())}. Is it the right format?") from error
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


def _read_arrow(source: str, kind: str | None, manner: Manner) -> pa.Table:
    if source == STANDARD_STREAM:
        if sys.stdin is None:
            raise DataError("it is closed. Send a table into it, or name a file")
        return _read_content(sys.stdin.buffer.read(), kind, manner)
    path = Path(source)
    if path.is_dir():
        return _read_folder(path)
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
    return _reader(kind or ("parquet" if content.startswith(b"PAR1") else "csv"))(io.BytesIO(content), manner)


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
}
