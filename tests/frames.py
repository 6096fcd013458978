"""DataFrames, in which tests write tables down, as the tables that a panel is built from, and back."""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa

from rnncli.config.sections import Columns
from rnncli.panel import Panel, Table, from_table
from rnncli.panel.ingest.chunked import from_parts
from rnncli.panel.memmap import Store
from rnncli.panel.table import Column
from rnncli.panel.time import formats
from rnncli.panel.time.times import Times
from rnncli.tables import reading, writing


def arrow_of(frame: pd.DataFrame) -> pa.Table:
    """A DataFrame without its index as a file would hold it: a column of numbers and texts holds texts."""
    frame = frame.rename(columns=str)
    for name in map(str, frame):
        if pd.api.types.infer_dtype(frame[name]).startswith("mixed"):
            frame[name] = as_texts(frame[name])
    return pa.Table.from_pandas(frame, preserve_index=False)


def as_texts(column: "pd.Series[Any]") -> list[str | None]:
    """A column as texts."""
    return [None if pd.isna(value) else str(value) for value in column]


def table_of(frame: pd.DataFrame) -> Table:
    """The table of a DataFrame, without its index."""
    return Table(arrow_of(frame))


def column_of(values: Any, name: str) -> Column:
    """A column of a table."""
    return table_of(pd.DataFrame({name: values}))[name]


def from_frame(frame: pd.DataFrame, *options: Any, **named: Any) -> Panel:
    """The panel of a DataFrame."""
    return from_table(table_of(frame), *options, **named)


def from_frames(
    parts: Iterable[pd.DataFrame], whole: pd.DataFrame, columns: Columns, store: Store | None = None
) -> Panel:
    """The panel of a table that is read in parts."""
    return from_parts(map(arrow_of, parts), lambda: arrow_of(whole), columns, store=store)


def read(source: str, *options: Any, **named: Any) -> pd.DataFrame:
    """The table in a file as a DataFrame."""
    return frame_of(reading.read(source, *options, **named))


def frame_of(table: pa.Table) -> pd.DataFrame:
    """A table as a DataFrame, coded texts as categoricals."""
    frame = table.to_pandas(date_as_object=False)
    assert isinstance(frame, pd.DataFrame)
    return frame


def write(frames: pd.DataFrame | Iterator[pd.DataFrame], target: str, format: str) -> None:
    """Write a DataFrame, or its parts, to a file."""
    parts = iter([frames]) if isinstance(frames, pd.DataFrame) else frames
    writing.write(map(arrow_of, parts), target, format)


def times_of(times: Times) -> pd.Index:
    """Times as pandas has them."""
    return pd.Index(formats.to_arrow(times, as_text=False).to_pandas())
