"""The table of file formats: how each is recognised, read and written. Imports neither pandas nor pyarrow.

To add a format, write a module with its functions and add one row to FORMATS.
"""

import codecs
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from rnncli.errors import RequestError
from rnncli.messages import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from rnncli.config.fields import Decimal
    from rnncli.tables.assumptions import Assume

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
DEFAULT = "csv"  # the format of content without known first bytes


class ReadOptions(NamedTuple):
    """Options for reading a text file."""

    decimal: "Decimal | None"  # decimal separator of numbers in text; None: infer it
    assume: "Assume"  # called with each assumption


class Format(NamedTuple):
    """A file format. Functions are named as "module:function" and imported at the first use."""

    name: str  # as --format takes it
    suffixes: tuple[str, ...]  # of file names, before that of a compression
    reader: str  # (stream, ReadOptions) -> pyarrow.Table
    writer: str  # (iterator of tables, stream) -> None
    column_reader: str | None = None  # (path) -> column names, without reading the rows; None: not possible
    first_bytes: tuple[bytes, ...] = ()  # how the content begins; text may have a byte order mark and blanks before
    binary: bool = False  # stores times as such, and cannot be shown on a terminal
    streamable: bool = False  # each row is complete in its line

    def read(self, stream: BinaryIO, options: ReadOptions) -> "pa.Table":
        """Read a table from a stream, compressed or not."""
        table: pa.Table = imported(self.reader)(stream, options)
        return table

    def write(self, parts: "Iterator[pa.Table]", stream: Any) -> None:
        """Write the parts of a table to a stream as they come."""
        imported(self.writer)(parts, stream)

    def column_names(self, path: Path) -> list[str]:
        """Return the column names of a file; none if they cannot be known without reading its rows."""
        return [] if self.column_reader is None else list(imported(self.column_reader)(path))


FORMATS = {
    row.name: row
    for row in (
        Format(
            "csv",
            (".csv", ".txt"),
            reader="rnncli.tables.delimited:read_csv",
            writer="rnncli.tables.delimited_writer:write_csv",
            column_reader="rnncli.tables.header:delimited_columns",
            streamable=True,
        ),
        Format(
            "tsv",
            (".tsv",),
            reader="rnncli.tables.delimited:read_tsv",
            writer="rnncli.tables.delimited_writer:write_tsv",
            column_reader="rnncli.tables.header:delimited_columns",
            streamable=True,
        ),
        Format(
            "json",
            (".json",),
            reader="rnncli.tables.json_records:read_list",
            writer="rnncli.tables.json_records:write_list",
            first_bytes=(b"[",),
        ),
        Format(
            "ndjson",
            (".jsonl", ".ndjson"),
            reader="rnncli.tables.json_records:read_lines",
            writer="rnncli.tables.json_records:write_lines",
            column_reader="rnncli.tables.header:ndjson_columns",
            first_bytes=(b"{",),
            streamable=True,
        ),
        Format(
            "parquet",
            (".parquet", ".pq"),
            reader="rnncli.tables.parquet:read",
            writer="rnncli.tables.parquet:write",
            column_reader="rnncli.tables.parquet:columns",
            first_bytes=(b"PAR1",),
            binary=True,
        ),
        Format(
            "arrow",
            (".arrow", ".feather"),
            reader="rnncli.tables.arrow:read",
            writer="rnncli.tables.arrow:write",
            column_reader="rnncli.tables.arrow:columns",
            first_bytes=(b"ARROW1", b"\xff\xff\xff\xff"),
            binary=True,
        ),
    )
}


def find_format(name: str) -> Format:
    """Return the format of this name. Raises RequestError if it is unknown."""
    if name not in FORMATS:
        hint = did_you_mean(name, list(FORMATS))
        raise RequestError(f'--format "{name}" is unknown. Known formats: {", ".join(FORMATS)}.{hint}')
    return FORMATS[name]


def format_by_suffix(path: Path) -> str | None:
    """Return the name of the format that a file's suffix names: csv for `next.csv.gz`; None if it names none."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    return next((name for name, row in FORMATS.items() if last in row.suffixes), None)


def format_by_content(content: bytes) -> str:
    """Return the name of the format whose first bytes these are, uncompressed; csv if they are of none."""
    start = content.removeprefix(codecs.BOM_UTF8).lstrip()
    return next((name for name, row in FORMATS.items() if start.startswith(row.first_bytes)), DEFAULT)


def output_format(path: Path) -> str:
    """Return the name of the format in which to write to a path; csv for a device or a pipe.

    Raises RequestError if the name has no known suffix.
    """
    if path.exists() and not path.is_file():
        return DEFAULT
    name = format_by_suffix(path)
    if name is None:
        suffixes = [suffix for row in FORMATS.values() for suffix in row.suffixes]
        raise RequestError(f"{path}: unknown suffix. Use one of {', '.join(suffixes)}, or set --format")
    return name


def is_binary(name: str) -> bool:
    """Return whether a format stores times as such, rather than as text."""
    return name in FORMATS and FORMATS[name].binary


def imported(reference: str) -> Callable[..., Any]:
    """Import the function that "module:function" names."""
    module, _, name = reference.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
