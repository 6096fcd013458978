"""The rows of a table sorted by series and time."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rnncli.errors import DataError
from rnncli.messages import counted
from rnncli.panel.panel import ColumnRoles, series_name
from rnncli.panel.table import Column, Table
from rnncli.panel.time import formats, timestamps
from rnncli.panel.time.frequency import DAY
from rnncli.panel.time.times import Times
from rnncli.tables.assumptions import Assume
from rnncli.tables.delimited import MAX_FOOTER_LINES

CHUNK = 1_000_000  # rows processed at a time, to limit memory


class SeriesCodes(NamedTuple):
    """The series of each row."""

    codes: np.ndarray  # (R,)
    ids: np.ndarray  # (S,) sorted


@dataclass(frozen=True)
class SortedRows:
    """R rows by series and time."""

    order: np.ndarray | None  # (R,) the number of each row in the table, from 0; None if the table is sorted
    codes: np.ndarray  # (R,) the series of each row
    ids: np.ndarray  # (S,)
    instants: np.ndarray  # (R,) int64
    time_column: Column  # of the table, for messages

    @cached_property
    def same_series(self) -> np.ndarray:
        """Return whether a row and the next one are of the same series: (R - 1,)."""
        return self.codes[1:] == self.codes[:-1]

    @cached_property
    def begins(self) -> np.ndarray:
        """The index of each series' first row: (S,)."""
        return np.flatnonzero(np.append(True, ~self.same_series))

    @cached_property
    def firsts(self) -> np.ndarray:
        """Return whether a row is the first of its series and instant: (R,)."""
        return np.append(True, (self.instants[1:] != self.instants[:-1]) | ~self.same_series)

    @cached_property
    def intervals(self) -> np.ndarray:
        """Time differences between neighbouring rows of a series; a broadcast scalar if all are equal, as is usual."""
        if not self.same_series.any():
            return np.empty(0, np.int64)
        first = int(self.same_series.argmax())
        usual = np.diff(self.instants[first : first + 2])
        for start in range(0, len(self.same_series), CHUNK):
            intervals = np.diff(self.instants[start : start + CHUNK + 1])
            if (intervals != usual)[self.same_series[start : start + CHUNK]].any():
                return np.diff(self.instants)[self.same_series]
        return np.broadcast_to(usual, int(self.same_series.sum()))

    def time(self, index: int) -> object:
        """Return the time of a row as the table has it."""
        return self.time_column.cell(self.table_row(index))

    def table_row(self, index: int) -> int:
        """Return the number of a row in the table, from 0."""
        return index if self.order is None else int(self.order[index])

    def sorted(self, values: np.ndarray) -> np.ndarray:
        """Return values of the table's rows in the order of these rows."""
        return values if self.order is None else values[self.order]

    def series_name(self, index: int) -> str:
        """Return how messages name the series of a row."""
        return series_name(self.ids[self.codes[index]])

    def keep(self, mask: np.ndarray) -> "SortedRows":
        """Return the rows of the mask (R,), without other series. Raises DataError if no row is left."""
        if not mask.any():
            raise DataError("the table has no rows left to learn from")
        rows = self.select(mask)
        present, codes = np.unique(rows.codes, return_inverse=True)
        return replace(rows, codes=codes, ids=self.ids[present])

    def select(self, mask: np.ndarray) -> "SortedRows":
        """Return the rows of the mask (R,), with all series."""
        order = np.flatnonzero(mask) if self.order is None else self.order[mask]
        return replace(self, order=order, codes=self.codes[mask], instants=self.instants[mask])


def without_footer(table: Table, roles: ColumnRoles, assume: Assume) -> Table:
    """Return the table without rows at its end that have no time, such as totals and blank lines."""
    column = table[roles.time]
    first = max(0, len(table) - MAX_FOOTER_LINES - 1)
    cells = [column.cell(position) for position in range(first, len(table))]
    timeless = [cell is None or cell != cell or not re.search(r"\d", str(cell)) for cell in cells]
    count = next((number for number, empty in enumerate(reversed(timeless)) if not empty), 0)
    if not count or len(table) == count:
        return table
    word = cells[-count]
    example = "" if word is None or word != word else f' (the first has "{word!s}")'
    assume(f"left out: {counted(count, 'row')} without a time at the end{example}")
    kept = Table(table.columns.slice(0, len(table) - count), table.rows)
    codes, distinct = kept[roles.time].coded
    texts = list(map(str, distinct.to_pylist())) if kept[roles.time].kind == "text" else []
    if texts and all(re.fullmatch(r"\d+", text) for text in texts):
        return kept.with_numbers(roles.time, np.array(list(map(int, texts)))[codes])
    return kept


def series_codes(table: Table, identifier: str | None) -> SeriesCodes:
    """Return the series of each row of a table, by the ids of a column; a single series without such a column."""
    if identifier is None:
        return SeriesCodes(np.zeros(len(table), dtype=np.int64), np.array([""], dtype=object))
    column = table[identifier]
    require_series_names(column)
    codes, ids = column.coded.codes, series_names(column)
    order = np.argsort(ids, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return SeriesCodes(codes if (np.diff(order) == 1).all() else rank[codes], ids[order])


def series_names(column: Column) -> np.ndarray:
    """Return the distinct ids of a column (S,) as numbers or as texts, in the order of its codes."""
    distinct = Column(column.name, pa.chunked_array([column.coded.distinct]))
    if distinct.kind == "number":
        return distinct.numbers
    if distinct.kind == "time":
        times = timestamps.parse(distinct, None)
        midnight = not (times.local % DAY).any()
        texts = formats.render(times._replace(form="%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S"))
    else:
        texts = distinct.values.cast(pa.string())
    return np.array(texts.to_pylist(), dtype=object)


def require_series_names(column: Column) -> None:
    """Raise DataError if a row has no id."""
    if column.empty.any():
        raise DataError(
            f'{column.row(int(column.empty.argmax()))}: "{column.name}" is empty. Fill in the name of the series'
        )


def sort_rows(series: SeriesCodes, times: Times, column: Column) -> SortedRows:
    """Return the rows by series and time, those of one instant in the table's order."""
    codes, instants = series.codes, times.values
    same = codes[1:] == codes[:-1]
    if ((codes[1:] > codes[:-1]) | (same & (instants[1:] >= instants[:-1]))).all():  # saves the cost of a sort
        return SortedRows(None, codes, series.ids, instants, column)
    order = np.lexsort((instants, codes))
    return SortedRows(order, codes[order], series.ids, instants[order], column)


def forbid_conflicts(rows: SortedRows, roles: ColumnRoles, differ: np.ndarray) -> None:
    """Raise DataError if rows differ (R,) from the first row of their series and instant."""
    if not differ.any():
        return
    index = int(differ.argmax())
    begin = int(np.flatnonzero(rows.firsts[: index + 1])[-1])
    numbers = sorted((rows.table_row(begin), rows.table_row(index)))
    first, second = (rows.time_column.row(number) for number in numbers)
    more = f" ({int(differ.sum())} such rows)" if differ.sum() > 1 else ""
    fix = "Remove one" if roles.id else "Remove one, or name the column that identifies the series with --id"
    day = rows.instants[index].astype("datetime64[us]").astype("datetime64[D]").astype(np.int64)
    if (day + 3) % 7 == 6 and rows.instants[index] % DAY:
        fix += "; if clocks were set back, set --timezone"
    raise DataError(
        f"{rows.series_name(index)}: {first} and {second} have the same time {rows.time(index)} but different values"
        f"{more}. {fix}; or combine them with --duplicates mean|sum|last"
    )
