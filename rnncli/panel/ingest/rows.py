"""The rows of a table sorted by series and time."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.errors import DataError
from rnncli.messages import counted
from rnncli.panel.panel import ColumnRoles, series_name
from rnncli.panel.row_numbers import row
from rnncli.panel.time.frequency import DAY
from rnncli.panel.time.timestamps import Times
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
    time_column: pd.Series  # of the table, for messages

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
        return self.time_column.iloc[self.table_row(index)]

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


def without_footer(frame: pd.DataFrame, roles: ColumnRoles, assume: Assume) -> pd.DataFrame:
    """Return the table without rows at its end that have no time, such as totals and blank lines."""
    column = frame[roles.time]
    last = column.iloc[-MAX_FOOTER_LINES - 1 :]
    timeless = last.isna() | ~last.astype(str).str.contains(r"\d")
    count = int((~timeless[::-1].to_numpy()).argmax())
    if not count or timeless.all() or len(frame) == count:
        return frame
    word = column.iloc[len(frame) - count]
    example = "" if pd.isna(word) else f' (the first has "{word!s}")'
    assume(f"left out: {counted(count, 'row')} without a time at the end{example}")
    frame = frame.iloc[:-count]
    texts = frame[roles.time]
    if isinstance(texts.dtype, pd.CategoricalDtype):
        texts = texts.cat.remove_unused_categories()
        if texts.cat.categories.astype(str).str.fullmatch(r"\d+").all():
            texts = pd.to_numeric(texts.astype(str))
    return frame.assign(**{roles.time: texts})


def series_codes(frame: pd.DataFrame, identifier: str | None) -> SeriesCodes:
    """Return the series of each row of a table, by the ids of a column; a single series without such a column."""
    if identifier is None:
        return SeriesCodes(np.zeros(len(frame), dtype=np.int64), np.array([""], dtype=object))
    column = frame[identifier]
    require_series_names(column)
    codes, index = _factorise(column)
    ids = index.to_numpy() if pd.api.types.is_numeric_dtype(index.dtype) else index.astype(str).to_numpy(dtype=object)
    order = np.argsort(ids, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return SeriesCodes(codes if (np.diff(order) == 1).all() else rank[codes], ids[order])


def require_series_names(column: pd.Series) -> None:
    """Raise DataError if a row has no id."""
    if column.isna().any():
        index = int(column.isna().to_numpy().argmax())
        raise DataError(f'{row(column, index)}: "{column.name}" is empty. Fill in the name of the series')


def _factorise(column: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Return codes and distinct values; the reader has coded texts already."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        if np.bincount(codes, minlength=len(column.cat.categories)).all():
            return codes, column.cat.categories
    codes, distinct = pd.factorize(column)
    return codes, pd.Index(distinct)


def sort_rows(series: SeriesCodes, times: Times, column: pd.Series) -> SortedRows:
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
    first, second = (row(rows.time_column, number) for number in numbers)
    more = f" ({int(differ.sum())} such rows)" if differ.sum() > 1 else ""
    fix = "Remove one" if roles.id else "Remove one, or name the column that identifies the series with --id"
    day = rows.instants[index].astype("datetime64[us]").astype("datetime64[D]").astype(np.int64)
    if (day + 3) % 7 == 6 and rows.instants[index] % DAY:
        fix += "; if clocks were set back, set --timezone"
    raise DataError(
        f"{rows.series_name(index)}: {first} and {second} have the same time {rows.time(index)} but different values"
        f"{more}. {fix}; or combine them with --duplicates mean|sum|last"
    )
