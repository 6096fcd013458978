"""From a table's rows to a Panel: who belongs to which series, in which order, on which clock, with which numbers."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.config import Columns, Gaps, Input
from rnncli.errors import Assume, DataError, quietly
from rnncli.panel import clock, columns, covariates, timestamps
from rnncli.panel.cells import Cells, read
from rnncli.panel.clock import Frequency
from rnncli.panel.columns import Roles
from rnncli.panel.covariates import Covariates
from rnncli.panel.rows import Rows, forbid_repeats, series_of, sort, without_notes
from rnncli.panel.sequences import Found, Panel, called
from rnncli.panel.timestamps import Times
from rnncli.words import counted

TELLING = 10  # steps between rows that tell a frequency
MOST_GAP = 100  # empty steps to a row: more, and the clock is taken to be wrong


class Expected(NamedTuple):
    """What a model takes."""

    frequency: Frequency  # for tables too short to tell their own
    inputs: tuple[Input, ...] | None  # in the order of the columns' roles


def from_frame(
    frame: pd.DataFrame,
    asked: Columns,
    expected: Expected | None = None,
    keep_first: bool = False,
    assume: Assume = quietly,
) -> Panel:
    """The panel in a table, whatever the order of its rows.

    With keep_first, of rows with one series and time the first is taken, and the others are counted. Where columns are
    known in advance, rows at the end of a series without a target are what is known of its future. assume is told what
    is taken for granted.

    Raises DataError, naming row or series, where time or numbers do not read, a series has one time twice, a time is
    off the clock, or nothing is left.
    """
    frame = frame.rename(columns=str)
    roles, given = columns.find(frame, asked), len(frame)
    frame, times = _timed(without_notes(frame, roles, assume), roles, asked, assume)
    rows = sort(*series_of(frame, roles.id), times, frame[roles.time])
    rows, frequency = _clock(rows, times, asked, expected.frequency if expected else None)
    cells = read(frame, roles, asked, expected.inputs if expected else None).at(rows.order)
    repeated = 0 if asked.resample else int((~rows.firsts).sum())
    how = _how(rows, cells, roles, asked, keep_first, assume)
    if how is not None:
        rows, cells = rows.at(rows.firsts), cells.reduced(rows.firsts, how)
    offsets, firsts, phases, place = _lay_out(rows, frequency)
    values = np.full((offsets[-1], len(roles.targets)), np.nan)
    values[place] = np.stack(list(cells.targets.values()), axis=1)
    missing, absent = int(np.isnan(values[place]).sum()), int(offsets[-1]) - len(place)
    means = _meaning(asked, how)
    if means != "mask":
        values, absent = _filled(values, offsets, place, means), 0
    found = Found(roles, given, missing, absent, repeated, empty=())
    times = times._replace(values=times.values[:0])
    beside = _covariates(frame, roles, asked, (rows, cells), (offsets, place))
    panel = Panel(values, offsets, rows.ids, firsts, phases, frequency, times, beside, found)
    return _trimmed(_unfolded(panel) if roles.wide else panel)


def _timed(frame: pd.DataFrame, roles: Roles, asked: Columns, assume: Assume) -> tuple[pd.DataFrame, Times]:
    """The table, and its times; in a zone asked for without the rows of an hour that its clocks skip."""
    times = timestamps.parse(frame[roles.time], asked.dayfirst, quietly if asked.timezone else assume)
    if asked.timezone is None:
        return frame, times
    times, skipped = timestamps.in_zone(times, asked.timezone, series_of(frame, roles.id)[0], assume)
    if not skipped.any():
        return frame, times
    row = int(skipped.argmax()) + 1
    hours = counted(int(skipped.sum()), "row")
    when = frame[roles.time].iloc[row - 1]
    assume(f"left out: {hours} of an hour that clocks in {asked.timezone} skip, such as row {row} of {when}")
    return frame[~skipped], times._replace(values=times.values[~skipped])


def _how(rows: Rows, cells: Cells, roles: Roles, asked: Columns, keep_first: bool, assume: Assume) -> str | None:
    """What to make of several rows of one series and instant; None where there are none.

    Raises DataError where they differ and nothing is said of it.
    """
    if asked.resample is not None:
        return clock.resampling(asked.resample)[1]
    if rows.firsts.all():
        return None
    if keep_first:
        return "first"
    differ = cells.differ(rows.firsts)
    if asked.duplicates is not None and differ.any():
        return asked.duplicates
    forbid_repeats(rows, roles, differ)
    assume(f"left out: {counted(int((~rows.firsts).sum()), 'row')} with the same as another row")
    return "first"


def _meaning(asked: Columns, how: str | None) -> Gaps:
    """What a step without a row means: where events are counted or added up, that there were none."""
    return asked.fill_gaps or ("zero" if asked.resample and how in ("sum", "count") else "mask")


def _filled(values: np.ndarray, offsets: np.ndarray, place: np.ndarray, means: Gaps) -> np.ndarray:
    """Values (N, K) with those of steps that have no row, all but `place`; a series begins with a row."""
    absent = np.ones(len(values), bool)
    absent[place] = False
    if means == "zero":
        return np.where(absent[:, None], 0.0, values)
    newest = np.maximum.accumulate(np.where(absent, 0, np.arange(len(values))))
    assert (newest >= np.repeat(offsets[:-1], np.diff(offsets))).all()
    return values[newest]


def _covariates(
    frame: pd.DataFrame,
    roles: Roles,
    asked: Columns,
    told: tuple[Rows, Cells],
    layout: tuple[np.ndarray, np.ndarray],
) -> Covariates:
    """The columns beside the targets; layout: offsets (S + 1,) and each row's place among all steps (R,)."""
    (rows, cells), (offsets, place) = told, layout
    if not cells.beside:
        return covariates.nothing(len(rows.ids), asked.holidays)
    along, fixed = [], []
    for entry in cells.inputs:
        numbers = cells.beside[entry.name]
        if entry.role == "static":
            known = numbers if entry.categories is None else np.where(numbers == covariates.UNSEEN, np.nan, numbers)
            single = covariates.once(known, rows.codes, rows.ids, frame[entry.name], rows.order)
            fixed.append((entry, single if entry.categories is None else np.nan_to_num(single, nan=covariates.UNSEEN)))
            continue
        spread = np.full(offsets[-1], np.nan)
        spread[place] = numbers
        along.append((entry, spread))
    weights, unit = (None, 1.0) if roles.weight is None else _weights(roles.weight, told, layout)
    return Covariates(
        tuple(entry for entry, _ in along),
        tuple(entry for entry, _ in fixed),
        np.stack([values for _, values in along], axis=1) if along else np.empty((offsets[-1], 0)),
        offsets,
        np.stack([values for _, values in fixed], axis=1) if fixed else np.empty((len(rows.ids), 0)),
        weights,
        asked.holidays,
        unit,
    )


def _weights(name: str, told: tuple[Rows, Cells], layout: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, float]:
    """How much each step counts, on average 1, and the mean in the table; an empty weight counts nothing."""
    (rows, cells), (offsets, place) = told, layout
    given = np.nan_to_num(cells.beside[name])
    if (given < 0).any():
        worst = int((given < 0).argmax())
        raise DataError(
            f'row {rows.order[worst] + 1}: the weight "{name}" is {given[worst]:g}. It cannot be below zero'
        )
    if not given.any():
        raise DataError(f'every weight in "{name}" is zero or empty. There is nothing to learn from')
    weights = np.zeros(offsets[-1])
    weights[place] = given / given.mean()
    return weights, float(given.mean())


def _clock(rows: Rows, times: Times, asked: Columns, expected: Frequency | None) -> tuple[Rows, Frequency]:
    """The frequency, and the rows by its clock.

    In a time zone days have 23, 24 or 25 hours: where a step is a day or more, time is what a clock on the wall shows.
    """
    if times.zone is not None:
        wall = replace(rows, instants=timestamps.wall_time(rows.instants, times.zone))
        own, frequency = _by_clock(wall, times, asked, expected)
        if frequency.by_days:
            return own, frequency
    return _by_clock(rows, times, asked, expected)


def _by_clock(rows: Rows, times: Times, asked: Columns, expected: Frequency | None) -> tuple[Rows, Frequency]:
    """The frequency; and the rows, each at the beginning of its step where they are to be brought onto a clock."""
    if asked.resample is None:
        return rows, _frequency(rows, times, asked, expected)
    name, _ = clock.resampling(asked.resample)
    frequency = clock.parse(name)
    _forbid_other_kind(frequency, times, name)
    phase = clock.MONDAY if frequency.unit == "fixed" and frequency.every % (7 * clock.DAY) == 0 else 0
    steps, _ = frequency.split(rows.instants - phase)
    return replace(rows, instants=frequency.join(steps, np.zeros_like(steps)) + phase), frequency


def _frequency(rows: Rows, times: Times, asked: Columns, expected: Frequency | None) -> Frequency:
    """As asked for, or of the commonest step, or as expected where that is hard to tell."""
    if asked.freq is None:
        once = rows.at(rows.firsts)
        gaps = np.diff(once.instants)[once.neighbours]
        if expected is not None and (expected.unit == "integer") == times.integer and _undecided(gaps, once, expected):
            return clock.at_anchor(expected, rows.instants)
        frequency = clock.infer(gaps, once.instants, times.integer)
        _forbid_mixture(gaps, once, frequency)
        return frequency
    frequency = clock.parse(asked.freq)
    _forbid_other_kind(frequency, times, asked.freq)
    return clock.at_anchor(frequency, rows.instants)


def _forbid_other_kind(frequency: Frequency, times: Times, name: str) -> None:
    if (frequency.unit == "integer") != times.integer:
        held = "plain numbers" if times.integer else "timestamps"
        raise DataError(f'the time column holds {held}, to which the frequency "{name}" does not fit')


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
            f"{frequency.name}. Give a finer --freq, or add them up with --resample {frequency.name}=sum"
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
            f"which starts at {start} and steps by {frequency.name}. Mend the row, give the right --freq, "
            "or bring the rows onto a clock, as with --resample 1h=sum"
        )


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
