"""Arrow tables to delimited text."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from rnncli.tables.arrays import texts_to_arrow


def write_csv(parts: Iterator[pa.Table], stream: Any) -> None:
    """Write the parts of a table with commas and one header."""
    _write(parts, stream, ",")


def write_tsv(parts: Iterator[pa.Table], stream: Any) -> None:
    """Write the parts of a table with tabs and one header."""
    _write(parts, stream, "\t")


def _write(parts: Iterator[pa.Table], stream: Any, delimiter: str) -> None:
    for number, table in enumerate(parts):
        quoting = "needed" if _needs_quotes(table, delimiter) else "none"  # "needed" puts every text in quotes
        options = arrow_csv.WriteOptions(
            include_header=number == 0, delimiter=delimiter, quoting_style=quoting, quoting_header=quoting
        )
        arrow_csv.write_csv(table, stream, write_options=options)


def _needs_quotes(table: pa.Table, delimiter: str) -> bool:
    """Return whether a column name or a text contains the delimiter, a quote or a line break."""
    texts: list[pa.Array] = [texts_to_arrow(table.column_names)]
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            texts += [chunk.dictionary for chunk in column.chunks]
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            texts.append(column)
    pattern = f'[{delimiter}"\r\n]'
    return any(pc.any(pc.match_substring_regex(part.cast(pa.string()), pattern)).as_py() for part in texts)
