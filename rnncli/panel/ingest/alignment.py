"""Determine the frequency of sorted rows and align each row with a time step."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rnncli.config.sections import Columns
from rnncli.errors import DataError, RequestError
from rnncli.panel.ingest.rows import SortedRows
from rnncli.panel.panel import series_name
from rnncli.panel.time import zones
from rnncli.panel.time.frequency import (
    DAY,
    MONDAY,
    Frequency,
    infer_frequency,
    parse_frequency,
    parse_resampling,
    tally,
    with_data_anchor,
)
from rnncli.panel.time.times import Times

CONCLUSIVE = 10  # intervals between rows from which the frequency is inferred regardless of the expected one
STANDARD_TIME = np.array(["2024-01-01"], "datetime64[us]").astype(np.int64)  # no daylight saving in the north
MOST_GAP = 100  # empty steps per row above which the times are considered wrong


class Alignment(NamedTuple):
    """The steps of R rows among the N steps of S series."""

    offsets: np.ndarray  # (S + 1,)
    firsts: np.ndarray  # (S,) the number of each series' first step
    phases: np.ndarray  # (S,) the position of its instants within a step
    steps: np.ndarray | slice  # (R,) the index of each row's step; slice(None) if each step has a row


def step_starts(instants: np.ndarray, times: Times, columns: Columns, shift: int) -> np.ndarray:
    """Return the start of the --resample step that is `shift` steps after the step of each instant.

    Raises RequestError if --freq is set too, DataError if the frequency does not fit the kind of times.
    """
    if columns.freq is not None:
        raise RequestError(
            f"--freq {columns.freq} and --resample {columns.resample} both set the frequency. Omit one of them"
        )
    name, _ = parse_resampling(columns.resample or "")
    frequency = parse_frequency(name)
    _require_fitting(frequency, times, name)
    wall = times.zone is not None and frequency.by_days
    local = zones.to_wall(instants, times.zone or "") if wall else instants
    phase = _phase(frequency, times)
    steps, _ = frequency.split(local - phase)
    starts = frequency.join(steps + shift, np.zeros_like(steps)) + phase
    return zones.from_wall(starts, times.zone or "") if wall else starts


def with_frequency(
    rows: SortedRows, times: Times, columns: Columns, expected: Frequency | None
) -> tuple[SortedRows, Frequency]:
    """Return the rows and their frequency.

    In a time zone days have 23, 24 or 25 hours: if a step is a day or longer, instants become local times.
    """
    if columns.resample is not None:
        name, _ = parse_resampling(columns.resample)
        columns = columns.model_copy(update={"freq": name})
    if times.zone is not None:
        local = replace(rows, instants=zones.to_wall_days(rows.instants, times.zone))
        frequency = _frequency(local, times, columns, expected)
        if frequency.by_days:
            return local, frequency
    return rows, _frequency(rows, times, columns, expected)


def _phase(frequency: Frequency, times: Times) -> int:
    """Return where steps of that length begin: weeks on Monday, hours by local standard time."""
    if frequency.unit != "fixed" or frequency.by_days or times.zone is None:
        return MONDAY if frequency.unit == "fixed" and frequency.every % (7 * DAY) == 0 else 0
    return int((STANDARD_TIME - zones.to_wall(STANDARD_TIME, times.zone))[0] % frequency.every)


def _frequency(rows: SortedRows, times: Times, columns: Columns, expected: Frequency | None) -> Frequency:
    """Return the --freq, or the commonest interval, or the expected frequency if the rows are inconclusive."""
    if columns.freq is None:
        intervals = rows.intervals
        fits = expected is not None and (expected.unit == "integer") == times.integer
        if expected is not None and fits and _inconclusive(intervals, rows, expected):
            return with_data_anchor(expected, rows.instants)
        frequency = infer_frequency(intervals, rows.instants, times.integer)
        _forbid_mixture(intervals, rows, frequency)
        return frequency
    frequency = parse_frequency(columns.freq)
    _require_fitting(frequency, times, columns.freq)
    return with_data_anchor(frequency, rows.instants)


def _require_fitting(frequency: Frequency, times: Times, name: str) -> None:
    if (frequency.unit == "integer") != times.integer:
        kind = "integers" if times.integer else "timestamps"
        raise DataError(f'frequency "{name}" does not fit the time column, which holds {kind}. Set another frequency')


def _inconclusive(intervals: np.ndarray, rows: SortedRows, expected: Frequency) -> bool:
    """Return whether the rows could have the expected frequency: they are few, or on weekdays only."""
    if len(intervals) < CONCLUSIVE:
        steps, _ = expected.split(rows.instants)
        return len(intervals) < 3 or bool((np.diff(steps)[rows.same_series] == 1).any())
    daily = {parse_frequency("D"), parse_frequency("B")}
    return expected in daily and infer_frequency(intervals, rows.instants, integer=False) in daily


def _forbid_mixture(intervals: np.ndarray, rows: SortedRows, frequency: Frequency) -> None:
    """Raise DataError if a series of several rows never has the common interval."""
    if not len(intervals):
        return
    lengths, counts = tally(intervals)
    if len(lengths) == 1:
        return
    codes = rows.codes[1:][rows.same_series]
    usual = lengths[counts.argmax()]
    near = (intervals >= 0.85 * usual) & (intervals <= 1.15 * usual)  # months differ in their days
    count = len(rows.ids)
    odd = np.flatnonzero((np.bincount(codes, minlength=count) >= 3) & (np.bincount(codes[near], minlength=count) == 0))
    if len(odd):
        instants = rows.instants[rows.codes == odd[0]]
        other = infer_frequency(intervals[codes == odd[0]], instants, frequency.unit == "integer").name
        raise DataError(
            f"{series_name(rows.ids[odd[0]])} has frequency {other}, other series have {frequency.name}. "
            "Split the table by frequency, or set --freq"
        )


def align(rows: SortedRows, frequency: Frequency) -> Alignment:
    """Return the step of each row. Raises DataError if a time does not match the frequency, or two share a step."""
    steps, phases = frequency.split(rows.instants)
    begins = rows.begins
    ends = np.append(begins[1:], len(rows.codes)) - 1
    _forbid_misaligned(rows, frequency, phases)
    repeated = np.flatnonzero(rows.same_series & (steps[1:] == steps[:-1]))
    if len(repeated):
        index = repeated[0]
        raise DataError(
            f"{rows.series_name(index)}: {rows.time(index)} and {rows.time(index + 1)} are in the same step of "
            f"{frequency.name}. Set a finer --freq, or aggregate with --resample {frequency.name}=sum"
        )
    lengths, counts = steps[ends] - steps[begins] + 1, ends - begins + 1
    sparse = np.flatnonzero(lengths > MOST_GAP * counts + 1000)
    if len(sparse):
        series = sparse[0]
        raise DataError(
            f"{series_name(rows.ids[series])}: {counts[series]} rows for {lengths[series]} steps of {frequency.name} "
            f"from {rows.time(begins[series])} to {rows.time(ends[series])}. Fix the times, or set a coarser --freq"
        )
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    if offsets[-1] == len(steps):
        return Alignment(offsets, steps[begins], phases[begins], slice(None))
    indices = steps + (offsets[:-1] - steps[begins])[rows.codes]
    return Alignment(offsets, steps[begins], phases[begins], indices)


def _forbid_misaligned(rows: SortedRows, frequency: Frequency, phases: np.ndarray) -> None:
    begins = rows.begins
    if (phases == phases[0]).all() and phases[0] >= 0:
        return
    weekend = (phases < 0) & (frequency.unit == "business")
    misaligned = np.flatnonzero((phases != phases[begins][rows.codes]) | weekend)
    if len(misaligned):
        index = misaligned[0]
        start = rows.time(begins[rows.codes[index]])
        raise DataError(
            f"{rows.time_column.row(rows.table_row(index))}: time {rows.time(index)} of {rows.series_name(index)} "
            f"does not match its frequency {frequency.name} (first time {start}). Fix the row, set --freq, "
            "or aggregate with --resample 1h=sum"
        )
