"""The clock of a table's rows, and the step of it that each row lies on."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rnncli.config.sections import Columns
from rnncli.errors import DataError, RequestError
from rnncli.panel.ingest.rows import Rows
from rnncli.panel.panel import called
from rnncli.panel.row_numbers import row
from rnncli.panel.time import frequency as clock
from rnncli.panel.time import zones
from rnncli.panel.time.frequency import Frequency
from rnncli.panel.time.timestamps import Times

TELLING = 10  # steps between rows that tell a frequency
USUAL = np.array(["2024-01-01"], "datetime64[us]").astype(np.int64)  # what a zone's clocks show then is their time
MOST_GAP = 100  # empty steps to a row: more, and the clock is taken to be wrong


class Layout(NamedTuple):
    """Where R rows lie among the N steps of S series."""

    offsets: np.ndarray  # (S + 1,)
    firsts: np.ndarray  # (S,) the number of each series' first step
    phases: np.ndarray  # (S,) where within a step its instants lie
    place: np.ndarray | slice  # (R,), or all of them: a row for each step


def stepped(instants: np.ndarray, times: Times, asked: Columns, further: int) -> np.ndarray:
    """Where the steps begin that instants lie in, or so many further on, by the clock that rows are brought onto.

    Raises RequestError where another clock is asked for as well, DataError where times are of another kind.
    """
    if asked.freq is not None:
        raise RequestError(f"--freq {asked.freq} and --resample {asked.resample} both say the clock. Leave out one")
    name, _ = clock.resampling(asked.resample or "")
    frequency = clock.parse(name)
    _forbid_other_kind(frequency, times, name)
    wall = times.zone is not None and frequency.by_days
    shown = zones.to_wall(instants, times.zone or "") if wall else instants
    phase = _phase(frequency, times)
    steps, _ = frequency.split(shown - phase)
    begins = frequency.join(steps + further, np.zeros_like(steps)) + phase
    return zones.from_wall(begins, times.zone or "") if wall else begins


def clocked(rows: Rows, times: Times, asked: Columns, expected: Frequency | None) -> tuple[Rows, Frequency]:
    """The frequency, and the rows by its clock.

    In a time zone days have 23, 24 or 25 hours: where a step is a day or more, time is what a clock on the wall shows.
    """
    if asked.resample is not None:
        name, _ = clock.resampling(asked.resample)
        asked = asked.model_copy(update={"freq": name})
    if times.zone is not None:
        wall = replace(rows, instants=zones.to_wall_days(rows.instants, times.zone))
        frequency = _frequency(wall, times, asked, expected)
        if frequency.by_days:
            return wall, frequency
    return rows, _frequency(rows, times, asked, expected)


def _phase(frequency: Frequency, times: Times) -> int:
    """Where steps of that length begin: weeks on Monday, hours by the clock on the wall."""
    if frequency.unit != "fixed" or frequency.by_days or times.zone is None:
        return clock.MONDAY if frequency.unit == "fixed" and frequency.every % (7 * clock.DAY) == 0 else 0
    return int((USUAL - zones.to_wall(USUAL, times.zone))[0] % frequency.every)


def _frequency(rows: Rows, times: Times, asked: Columns, expected: Frequency | None) -> Frequency:
    """As asked for, or of the commonest step, or as expected where that is hard to tell."""
    if asked.freq is None:
        gaps = rows.gaps
        if expected is not None and (expected.unit == "integer") == times.integer and _undecided(gaps, rows, expected):
            return clock.at_anchor(expected, rows.instants)
        frequency = clock.infer(gaps, rows.instants, times.integer)
        _forbid_mixture(gaps, rows, frequency)
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
    lengths, counts = clock.tallied(gaps)
    if len(lengths) == 1:
        return
    codes = rows.codes[1:][rows.neighbours]
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


def lay_out(rows: Rows, frequency: Frequency) -> Layout:
    """Where each row comes to lie. Raises DataError where a time is off the clock, or two share a step."""
    steps, phases = frequency.split(rows.instants)
    begins = rows.begins
    ends = np.append(begins[1:], len(rows.codes)) - 1
    _forbid_off_clock(rows, frequency, phases)
    repeated = np.flatnonzero(rows.neighbours & (steps[1:] == steps[:-1]))
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
    if offsets[-1] == len(steps):  # a row for each step
        return Layout(offsets, steps[begins], phases[begins], slice(None))
    place = steps + (offsets[:-1] - steps[begins])[rows.codes]
    return Layout(offsets, steps[begins], phases[begins], place)


def _forbid_off_clock(rows: Rows, frequency: Frequency, phases: np.ndarray) -> None:
    begins = rows.begins
    if (phases == phases[0]).all() and phases[0] >= 0:
        return
    weekend = (phases < 0) & (frequency.unit == "business")
    off = np.flatnonzero((phases != phases[begins][rows.codes]) | weekend)
    if len(off):
        place = off[0]
        start = rows.when(begins[rows.codes[place]])
        raise DataError(
            f"{row(rows.column, rows.number(place))}: {rows.when(place)} is off the clock of {rows.called(place)}, "
            f"which starts at {start} and steps by {frequency.name}. Mend the row, give the right --freq, "
            "or bring the rows onto a clock, as with --resample 1h=sum"
        )
