"""A table's rows by series and time: put in order, without what is no row, one for each instant."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from rnncli.errors import DataError
from rnncli.messages import counted
from rnncli.panel.panel import ColumnRoles, called
from rnncli.panel.row_numbers import row
from rnncli.panel.time.frequency import DAY
from rnncli.panel.time.timestamps import Times
from rnncli.tables.assumptions import Assume
from rnncli.tables.delimited import MAX_FOOTER_LINES

BLOCK = 1_000_000  # rows looked at together, so that what is made of them needs little memory


@dataclass(frozen=True)
class Rows:
    """Rows by series and time."""

    order: np.ndarray | None  # (R,) the number of each in the table, from 0; None: they lie there in order
    codes: np.ndarray  # (R,) the series of each
    ids: np.ndarray  # (S,)
    instants: np.ndarray  # (R,) int64
    column: pd.Series  # the table's own time column, for messages

    @cached_property
    def neighbours(self) -> np.ndarray:
        """(R - 1,) whether a row and the next are of one series."""
        return self.codes[1:] == self.codes[:-1]

    @cached_property
    def begins(self) -> np.ndarray:
        """(S,) the place of each series' first row."""
        return np.flatnonzero(np.append(True, ~self.neighbours))

    @cached_property
    def firsts(self) -> np.ndarray:
        """(R,) whether a row is the first of its series and instant."""
        return np.append(True, (self.instants[1:] != self.instants[:-1]) | ~self.neighbours)

    @cached_property
    def gaps(self) -> np.ndarray:
        """The steps from row to row of one series; where all are the same, as on most clocks, that one repeated."""
        if not self.neighbours.any():
            return np.empty(0, np.int64)
        first = int(self.neighbours.argmax())
        usual = np.diff(self.instants[first : first + 2])
        for start in range(0, len(self.neighbours), BLOCK):
            gaps = np.diff(self.instants[start : start + BLOCK + 1])
            if (gaps != usual)[self.neighbours[start : start + BLOCK]].any():
                return np.diff(self.instants)[self.neighbours]
        return np.broadcast_to(usual, int(self.neighbours.sum()))

    def when(self, place: int) -> object:
        """The time of a row as the user wrote it."""
        return self.column.iloc[self.number(place)]

    def number(self, place: int) -> int:
        """The number of a row in the table, from 0."""
        return place if self.order is None else int(self.order[place])

    def inline(self, values: np.ndarray) -> np.ndarray:
        """Values of the table's rows as these lie."""
        return values if self.order is None else values[self.order]

    def called(self, place: int) -> str:
        """The series of a row, by name."""
        return called(self.ids[self.codes[place]])

    def only(self, places: np.ndarray) -> "Rows":
        """Some of them, and their series alone. Raises DataError where none is left."""
        if not places.any():
            raise DataError("no row is left. There is nothing to learn from")
        rows = self.at(places)
        known, codes = np.unique(rows.codes, return_inverse=True)
        return replace(rows, codes=codes, ids=self.ids[known])

    def at(self, places: np.ndarray) -> "Rows":
        """Some of them; places: (R,) a mask."""
        order = np.flatnonzero(places) if self.order is None else self.order[places]
        return replace(self, order=order, codes=self.codes[places], instants=self.instants[places])


def without_notes(frame: pd.DataFrame, roles: ColumnRoles, assume: Assume) -> pd.DataFrame:
    """The table without rows at its end that have no time: a sum, a blank."""
    column = frame[roles.time]
    last = column.iloc[-MAX_FOOTER_LINES - 1 :]
    timeless = last.isna() | ~last.astype(str).str.contains(r"\d")
    count = int((~timeless[::-1].to_numpy()).argmax())
    if not count or timeless.all() or len(frame) == count:
        return frame
    word = column.iloc[len(frame) - count]
    said = "" if pd.isna(word) else f' (the first says "{word!s}")'
    assume(f"left out: {counted(count, 'row')} without a time at the end{said}")
    frame = frame.iloc[:-count]
    texts = frame[roles.time]
    if isinstance(texts.dtype, pd.CategoricalDtype):
        texts = texts.cat.remove_unused_categories()
        if texts.cat.categories.astype(str).str.fullmatch(r"\d+").all():
            texts = pd.to_numeric(texts.astype(str))
    return frame.assign(**{roles.time: texts})


def series_of(frame: pd.DataFrame, identifier: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's series, and the series' ids in order."""
    if identifier is None:
        return np.zeros(len(frame), dtype=np.int64), np.array([""], dtype=object)
    column = frame[identifier]
    forbid_nameless(column)
    codes, ids = _numbered(column)
    known = ids.to_numpy() if pd.api.types.is_numeric_dtype(ids.dtype) else ids.astype(str).to_numpy(dtype=object)
    rank = np.argsort(known, kind="stable")
    place = np.empty(len(rank), dtype=np.int64)
    place[rank] = np.arange(len(rank))
    return codes if (np.diff(rank) == 1).all() else place[codes], known[rank]


def forbid_nameless(column: pd.Series) -> None:
    """Raise DataError where a row has not the name of its series."""
    if column.isna().any():
        place = int(column.isna().to_numpy().argmax())
        raise DataError(f'{row(column, place)}: "{column.name}" is empty. Every row needs the name of its series')


def _numbered(column: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """The number of each row's name, and the names; texts come with them."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        if np.bincount(codes, minlength=len(column.cat.categories)).all():
            return codes, column.cat.categories
    codes, distinct = pd.factorize(column)
    return codes, pd.Index(distinct)


def sort(codes: np.ndarray, ids: np.ndarray, times: Times, column: pd.Series) -> Rows:
    """The rows by series and time, those of one instant as they came; no sorting where they lie so already."""
    instants = times.values
    same = codes[1:] == codes[:-1]
    if ((codes[1:] > codes[:-1]) | (same & (instants[1:] >= instants[:-1]))).all():
        return Rows(None, codes, ids, instants, column)
    order = np.lexsort((instants, codes))
    return Rows(order, codes[order], ids, instants[order], column)


def forbid_repeats(rows: Rows, roles: ColumnRoles, differ: np.ndarray) -> None:
    """Raise DataError where rows of one series and instant differ from the first of them; differ: (R,)."""
    if not differ.any():
        return
    place = int(differ.argmax())
    begin = int(np.flatnonzero(rows.firsts[: place + 1])[-1])
    first, second = (row(rows.column, number) for number in sorted((rows.number(begin), rows.number(place))))
    more = f" ({int(differ.sum())} such rows in all)" if differ.sum() > 1 else ""
    cure = "Leave one out" if roles.id else "Leave one out, or name the column that tells the series apart with --id"
    day = rows.instants[place].astype("datetime64[us]").astype("datetime64[D]").astype(np.int64)
    if (day + 3) % 7 == 6 and rows.instants[place] % DAY:
        cure += "; if clocks were set back, give the --timezone"
    raise DataError(
        f"{rows.called(place)} has {rows.when(place)} twice, in {first} and {second}{more}, and they differ. "
        f"{cure}; or say what to make of them with --duplicates mean|sum|last"
    )
