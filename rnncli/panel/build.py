"""From a table's rows to a Panel: who belongs to which series, in which order, on which clock, with which numbers."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.config import Columns, Input
from rnncli.errors import DataError, RequestError
from rnncli.panel import clock, columns, covariates, timestamps
from rnncli.panel.clock import Frequency
from rnncli.panel.columns import Roles
from rnncli.panel.covariates import Covariates
from rnncli.panel.sequences import Found, Panel, called
from rnncli.panel.timestamps import Times
from rnncli.tables import EMPTY

TELLING = 10  # steps between rows that tell a frequency
LARGEST = 1e150  # whose square is still a number
MOST_GAP = 100  # empty steps to a row: more, and the clock is taken to be wrong


@dataclass(frozen=True)
class Rows:
    """The table's rows by series and time."""

    order: np.ndarray  # (rows,) the number of each in the table, from 0
    codes: np.ndarray  # (rows,) the series of each
    ids: np.ndarray  # (S,)
    instants: np.ndarray  # (rows,) int64
    column: pd.Series  # the table's own time column, for messages

    @property
    def neighbours(self) -> np.ndarray:
        """(rows - 1,) whether a row and the next are of one series."""
        return self.codes[1:] == self.codes[:-1]

    @property
    def begins(self) -> np.ndarray:
        """(S,) the place of each series' first row."""
        return np.searchsorted(self.codes, np.arange(len(self.ids)))

    def when(self, place: int) -> object:
        """The time of a row as the user wrote it."""
        return self.column.iloc[self.order[place]]

    def called(self, place: int) -> str:
        """The series of a row, by name."""
        return called(self.ids[self.codes[place]])


class Expected(NamedTuple):
    """What a model takes."""

    frequency: Frequency  # for tables too short to tell their own
    inputs: tuple[Input, ...]  # in the order of the columns' roles


def from_frame(
    frame: pd.DataFrame, asked: Columns, expected: Expected | None = None, keep_first: bool = False
) -> Panel:
    """The panel in a table, whatever the order of its rows.

    With keep_first, of rows with one series and time the first is taken, and the others are counted. Where columns are
    known in advance, rows at the end of a series without a target are what is known of its future.

    Raises DataError, naming row or series, where time or numbers do not read, a series has one time twice, a time is
    off the clock, or nothing is left.
    """
    frame = frame.rename(columns=str)
    roles = columns.find(frame, asked)
    times = timestamps.parse(frame[roles.time], asked.dayfirst)
    rows = _sort(frame, roles, times)
    rows, repeated = _without_repeats(rows) if keep_first else (_forbid_repeats(rows, roles), 0)
    rows, frequency = _clock(rows, times, asked, expected.frequency if expected else None)
    offsets, firsts, phases, place = _lay_out(rows, frequency)
    numbers = np.stack([_numbers(frame[name])[rows.order] for name in roles.targets], axis=1)  # (rows, K)
    values = np.full((offsets[-1], len(roles.targets)), np.nan)
    values[place] = numbers
    missing, absent = int(np.isnan(numbers).sum()), int(offsets[-1]) - len(numbers)
    found = Found(roles, len(frame), missing, absent, repeated, empty=())
    times = times._replace(values=times.values[:0])
    beside = _covariates(frame, roles, asked, rows, (offsets, place), expected.inputs if expected else None)
    panel = Panel(values, offsets, rows.ids, firsts, phases, frequency, times, beside, found)
    return _trimmed(_unfolded(panel) if roles.wide else panel)


def _covariates(
    frame: pd.DataFrame,
    roles: Roles,
    asked: Columns,
    rows: Rows,
    layout: tuple[np.ndarray, np.ndarray],
    expected: tuple[Input, ...] | None,
) -> Covariates:
    """The columns beside the targets; layout: offsets (S + 1,) and each row's place among all steps (rows,)."""
    offsets, place = layout
    if expected is not None and [one.role for one in expected] != [role for _, role in roles.covariates]:
        wanted = ", ".join(f'--{one.role} "{one.name}"' for one in expected) or "no columns beside the target"
        raise RequestError(f"the model was trained with {wanted}. Name as many columns for each")
    if not roles.covariates and roles.weight is None:
        return covariates.nothing(len(rows.ids), asked.holidays)
    along, fixed = [], []
    for number, (name, role) in enumerate(roles.covariates):
        column = frame[name]
        kinds = expected[number].categories if expected else covariates.kinds(column, name in asked.categorical)
        numbers = (_numbers(column) if kinds is None else covariates.codes(column, kinds))[rows.order]
        entry = Input(name=name, role=role, categories=kinds)
        if role == "static":
            known = numbers if kinds is None else np.where(numbers == covariates.UNSEEN, np.nan, numbers)
            single = covariates.once(known, rows.codes, rows.ids, column, rows.order)
            fixed.append((entry, single if kinds is None else np.nan_to_num(single, nan=covariates.UNSEEN)))
            continue
        spread = np.full(offsets[-1], np.nan)
        spread[place] = numbers
        along.append((entry, spread))
    count = len(rows.ids)
    return Covariates(
        tuple(entry for entry, _ in along),
        tuple(entry for entry, _ in fixed),
        np.stack([values for _, values in along], axis=1) if along else np.empty((offsets[-1], 0)),
        offsets,
        np.stack([values for _, values in fixed], axis=1) if fixed else np.empty((count, 0)),
        None if roles.weight is None else _weights(frame[roles.weight], rows, offsets, place),
        asked.holidays,
    )


def _weights(column: pd.Series, rows: Rows, offsets: np.ndarray, place: np.ndarray) -> np.ndarray:
    """How much each step counts, on average 1; an empty weight counts nothing."""
    given = np.nan_to_num(_numbers(column))
    if (given < 0).any():
        row = int((given < 0).argmax()) + 1
        raise DataError(f'row {row}: the weight "{column.name}" is {given[row - 1]:g}. It cannot be below zero')
    if not given.any():
        raise DataError(f'every weight in "{column.name}" is zero or empty. There is nothing to learn from')
    weights = np.zeros(offsets[-1])
    weights[place] = given[rows.order] / given.mean()
    return weights


def _sort(frame: pd.DataFrame, roles: Roles, times: Times) -> Rows:
    """The rows by series and time; no sorting where they lie so already."""
    codes, ids = _series(frame, roles.id)
    instants = times.values
    same = codes[1:] == codes[:-1]
    if ((codes[1:] > codes[:-1]) | (same & (instants[1:] >= instants[:-1]))).all():
        order = np.arange(len(codes))
    else:
        order = np.lexsort((instants, codes))
    return Rows(order, codes[order], ids, instants[order], frame[roles.time])


def _series(frame: pd.DataFrame, identifier: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's series, and the series' ids in order."""
    if identifier is None:
        return np.zeros(len(frame), dtype=np.int64), np.array([""], dtype=object)
    column = frame[identifier]
    if column.isna().any():
        row = int(column.isna().to_numpy().argmax()) + 1
        raise DataError(f'row {row}: "{identifier}" is empty. Every row needs the name of its series')
    codes, distinct = pd.factorize(column)
    ids = pd.Index(distinct)
    known = ids.to_numpy() if pd.api.types.is_numeric_dtype(ids.dtype) else ids.astype(str).to_numpy(dtype=object)
    rank = np.argsort(known, kind="stable")
    place = np.empty(len(rank), dtype=np.int64)
    place[rank] = np.arange(len(rank))
    return place[codes], known[rank]


def _without_repeats(rows: Rows) -> tuple[Rows, int]:
    first = np.append(True, ~(rows.neighbours & (np.diff(rows.instants) == 0)))
    kept = replace(rows, order=rows.order[first], codes=rows.codes[first], instants=rows.instants[first])
    return kept, int((~first).sum())


def _forbid_repeats(rows: Rows, roles: Roles) -> Rows:
    repeated = np.flatnonzero(rows.neighbours & (np.diff(rows.instants) == 0))
    if not len(repeated):
        return rows
    first, second = sorted(int(rows.order[repeated[0] + more]) + 1 for more in (0, 1))
    more = f" ({len(repeated)} such rows in all)" if len(repeated) > 1 else ""
    cure = "Leave one out" if roles.id else "Leave one out, or name the column that tells the series apart with --id"
    place = repeated[0]
    raise DataError(f"{rows.called(place)} has {rows.when(place)} twice, in rows {first} and {second}{more}. {cure}")


def _clock(rows: Rows, times: Times, asked: Columns, expected: Frequency | None) -> tuple[Rows, Frequency]:
    """The frequency, and the rows by its clock.

    In a time zone days have 23, 24 or 25 hours: where a step is a day or more, time is what a clock on the wall shows.
    """
    if times.zone is not None:
        wall = replace(rows, instants=timestamps.wall_time(rows.instants, times.zone))
        frequency = _frequency(wall, times, asked, expected)
        if frequency.by_days:
            return wall, frequency
    return rows, _frequency(rows, times, asked, expected)


def _frequency(rows: Rows, times: Times, asked: Columns, expected: Frequency | None) -> Frequency:
    """As asked for, or of the commonest step, or as expected where that is hard to tell."""
    if asked.freq is None:
        gaps = np.diff(rows.instants)[rows.neighbours]
        if expected is not None and (expected.unit == "integer") == times.integer and _undecided(gaps, rows, expected):
            return clock.at_anchor(expected, rows.instants)
        frequency = clock.infer(gaps, rows.instants, times.integer)
        _forbid_mixture(gaps, rows, frequency)
        return frequency
    frequency = clock.parse(asked.freq)
    if (frequency.unit == "integer") != times.integer:
        held = "plain numbers" if times.integer else "timestamps"
        raise DataError(f'the time column holds {held}, to which the frequency "{asked.freq}" does not fit')
    return clock.at_anchor(frequency, rows.instants)


def _undecided(gaps: np.ndarray, rows: Rows, expected: Frequency) -> bool:
    """Whether the steps between rows do not tell a frequency other than expected: few, or working days."""
    if len(gaps) < TELLING:
        steps, _ = expected.split(rows.instants)
        return len(gaps) < 3 or bool((np.diff(steps)[rows.neighbours] == 1).any())
    daily = {clock.parse("D"), clock.parse("B")}
    return expected in daily and clock.infer(gaps, rows.instants, integer=False) in daily


def _forbid_mixture(gaps: np.ndarray, rows: Rows, frequency: Frequency) -> None:
    """A series of several rows none of which follow at the common step has a frequency of its own."""
    if not len(gaps):
        return
    codes = rows.codes[1:][rows.neighbours]
    lengths, counts = np.unique(gaps, return_counts=True)
    usual = lengths[counts.argmax()]
    near = (gaps >= 0.85 * usual) & (gaps <= 1.15 * usual)  # months differ in their days
    count = len(rows.ids)
    odd = np.flatnonzero((np.bincount(codes, minlength=count) >= 3) & (np.bincount(codes[near], minlength=count) == 0))
    if len(odd):
        own = rows.instants[rows.codes == odd[0]]
        other = clock.infer(gaps[codes == odd[0]], own, frequency.unit == "integer").name
        raise DataError(
            f"{called(rows.ids[odd[0]])} steps by {other}, others by {frequency.name}. "
            "One model takes one frequency: split the table, or say it with --freq"
        )


def _lay_out(rows: Rows, frequency: Frequency) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Offsets (S + 1,), first steps (S,), phases (S,), and each row's place among all steps (rows,)."""
    steps, phases = frequency.split(rows.instants)
    begins = rows.begins
    ends = np.append(begins[1:], len(rows.codes)) - 1
    _forbid_off_clock(rows, frequency, phases)
    repeated = np.flatnonzero(rows.neighbours & (np.diff(steps) == 0))
    if len(repeated):
        place = repeated[0]
        raise DataError(
            f"{rows.called(place)} has {rows.when(place)} and {rows.when(place + 1)} in the same step of "
            f"{frequency.name}. Give a finer --freq, or add them up before"
        )
    lengths, counts = steps[ends] - steps[begins] + 1, ends - begins + 1
    sparse = np.flatnonzero(lengths > MOST_GAP * counts + 1000)
    if len(sparse):
        number = sparse[0]
        raise DataError(
            f"{called(rows.ids[number])} has {counts[number]} rows for the {lengths[number]} steps of {frequency.name} "
            f"from {rows.when(begins[number])} to {rows.when(ends[number])}. Mend the time, or give a coarser --freq"
        )
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return offsets, steps[begins], phases[begins], offsets[rows.codes] + steps - steps[begins][rows.codes]


def _forbid_off_clock(rows: Rows, frequency: Frequency, phases: np.ndarray) -> None:
    begins = rows.begins
    weekend = (phases < 0) & (frequency.unit == "business")
    off = np.flatnonzero((phases != phases[begins][rows.codes]) | weekend)
    if len(off):
        place = off[0]
        start = rows.when(begins[rows.codes[place]])
        raise DataError(
            f"row {rows.order[place] + 1}: {rows.when(place)} is off the clock of {rows.called(place)}, "
            f"which starts at {start} and steps by {frequency.name}. Mend the row, or give the right --freq"
        )


def _numbers(column: pd.Series) -> np.ndarray:
    """A target as float64, NaN where empty."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        numbers = pd.to_numeric(column.astype(object), errors="coerce")
        broken = (numbers.isna() & column.notna() & ~column.isin(EMPTY)).to_numpy()
        if broken.any():
            row = int(broken.argmax()) + 1
            raise DataError(
                f'row {row}: "{column.name}" is "{column.iloc[row - 1]}", which is no number. Mend or empty it'
            )
        values = numbers.to_numpy(dtype=np.float64)
    large = np.abs(values) > LARGEST
    if large.any():
        row = int(large.argmax()) + 1
        raise DataError(
            f'row {row}: "{column.name}" is {values[row - 1]:g}, too large to compute with. Mend or empty it'
        )
    return values


def _unfolded(panel: Panel) -> Panel:
    """A wide table's columns as series of one target."""
    length, count = panel.values.shape
    beside = panel.covariates
    repeated = np.tile(np.arange(len(beside.values)), count)
    offsets = np.arange(count + 1, dtype=np.int64) * len(beside.values)
    return replace(
        panel,
        covariates=beside.of(repeated, offsets, np.zeros(count, np.int64)),
        values=np.ascontiguousarray(panel.values.T).reshape(-1, 1),
        offsets=np.arange(count + 1, dtype=np.int64) * length,
        ids=np.array(panel.found.roles.targets, dtype=object),
        firsts=np.repeat(panel.firsts, count),
        phases=np.repeat(panel.phases, count),
        found=panel.found._replace(absent=panel.found.absent * count),
    )


def _trimmed(panel: Panel) -> Panel:
    """The panel without the missing steps before a series' first value, and without series that have no value.

    Where columns are known in advance, the steps after the last value are still to come.
    """
    begins, ends = panel.offsets[:-1], panel.offsets[1:]
    places = np.flatnonzero(~np.isnan(panel.values).all(axis=1))
    if not len(places):
        names = ", ".join(f'"{name}"' for name in panel.found.roles.targets[:3])
        raise DataError(f"{names}: every value is empty. There is nothing to learn from")
    first = np.append(places, len(panel.values))[np.searchsorted(places, begins)]  # (S,) of each series' first value
    last = np.append(places, -1)[np.searchsorted(places, ends) - 1] + 1 if panel.covariates.known.any() else ends
    kept = first < ends
    if (first == begins).all() and (last == ends).all():
        return panel
    coming = int(np.where(kept, ends - last, 0).sum())
    missing = panel.found.missing - coming * panel.targets  # but for steps without a row among them
    empty = tuple(str(name) for name in panel.ids[~kept])
    part = panel.within(np.minimum(first, ends) - begins, np.where(kept, last, begins) - begins, panel.lengths)
    return replace(part, found=panel.found._replace(empty=empty, missing=max(0, missing)))
