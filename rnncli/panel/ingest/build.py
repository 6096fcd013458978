"""From a table's rows to a Panel: who belongs to which series, in which order, on which clock, with which numbers."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.config.architecture import Covariate
from rnncli.config.sections import Columns, Gaps
from rnncli.errors import DataError
from rnncli.messages import counted
from rnncli.panel import covariates
from rnncli.panel.covariates import Covariates
from rnncli.panel.ingest import alignment, column_roles
from rnncli.panel.ingest.alignment import Layout
from rnncli.panel.ingest.resampling import finished
from rnncli.panel.ingest.rows import Rows, forbid_repeats, series_of, sort, without_notes
from rnncli.panel.ingest.values import Cells, read
from rnncli.panel.panel import ColumnRoles, Panel, ReadSummary
from rnncli.panel.row_numbers import row
from rnncli.panel.time import frequency, timestamps
from rnncli.panel.time.frequency import Frequency
from rnncli.panel.time.timestamps import Times
from rnncli.tables.assumptions import Assume, accept_assumption


class Expected(NamedTuple):
    """What a model takes."""

    frequency: Frequency  # for tables too short to tell their own
    inputs: tuple[Covariate, ...] | None  # in the order of the columns' roles
    unbegun: bool = False  # whether series without a value are taken, too: they begin with their first row


def from_frame(
    frame: pd.DataFrame,
    asked: Columns,
    expected: Expected | None = None,
    keep_first: bool = False,
    assume: Assume = accept_assumption,
) -> Panel:
    """The panel in a table, whatever the order of its rows.

    With keep_first, of rows with one series and time the first is taken, and the others are counted. Where columns are
    known in advance, rows at the end of a series without a target are what is known of its future. assume is told what
    is taken for granted.

    Raises DataError, naming row or series, where time or numbers do not read, a series has one time twice, a time is
    off the clock, or nothing is left.
    """
    frame = frame.rename(columns=str)
    roles = column_roles.find(frame, asked)
    given, frame = len(frame), without_notes(frame, roles, assume)
    codes, ids = series_of(frame, roles.id)
    times, shown = _times(frame, roles, asked, codes, assume)
    rows = sort(codes, ids, times, frame[roles.time])
    rows = rows if shown.all() else rows.only(rows.inline(shown))
    cells = read(frame, roles, asked, expected.inputs if expected else None)
    cells = cells if rows.order is None else cells.at(rows.order)
    repeated = 0 if asked.resample else int((~rows.firsts).sum())
    rows, cells, begun = finished(rows, cells, roles, times, asked, assume)
    how = _how(rows, cells, roles, asked, keep_first, assume)
    if how is not None:
        rows, cells = rows.at(rows.firsts), cells.reduced(rows.firsts, how)
    rows, frequency = alignment.clocked(rows, times, asked, expected.frequency if expected else None)
    laid = alignment.lay_out(rows, frequency)
    given_values = np.stack(list(cells.targets.values()), axis=1)  # (R, K)
    missing, absent = int(np.isnan(given_values).sum()), int(laid.offsets[-1]) - len(rows.codes)
    values = given_values
    if absent:
        values = np.full((laid.offsets[-1], len(roles.targets)), np.nan)
        values[laid.place] = given_values
    means = _meaning(asked, how)
    if means != "mask":
        values, absent = _filled(values, laid, means), 0
    found = ReadSummary(roles, given, missing, absent, repeated, empty=(), begun=begun)
    times = times._replace(values=times.values[:0].copy())  # a view would keep all of them
    beside = _covariates(frame, roles, asked, (rows, cells), laid, 0.0 if means == "mask" else 1.0)
    panel = Panel(values, laid.offsets, rows.ids, laid.firsts, laid.phases, frequency, times, beside, found)
    if roles.wide:
        return _trimmed(_unfolded(panel))
    return _trimmed(panel, expected is not None and expected.unbegun)


def _times(
    frame: pd.DataFrame, roles: ColumnRoles, asked: Columns, codes: np.ndarray, assume: Assume
) -> tuple[Times, np.ndarray]:
    """The times, and which of them (rows,) a clock ever shows; codes: (rows,) the series of each."""
    times = timestamps.parse(frame[roles.time], asked.dayfirst, accept_assumption if asked.timezone else assume)
    if asked.timezone is None:
        return times, np.ones(len(frame), bool)
    times, skipped = timestamps.in_zone(times, asked.timezone, codes, assume)
    if skipped.any():
        place, column = int(skipped.argmax()), frame[roles.time]
        hours, when = counted(int(skipped.sum()), "row"), column.iloc[place]
        assume(
            f"left out: {hours} of an hour that clocks in {asked.timezone} skip, such as {row(column, place)} of {when}"
        )
    return times, ~skipped


def _how(rows: Rows, cells: Cells, roles: ColumnRoles, asked: Columns, keep_first: bool, assume: Assume) -> str | None:
    """What to make of several rows of one series and instant; None where there are none.

    Raises DataError where they differ and nothing is said of it.
    """
    if asked.resample is not None:
        return frequency.resampling(asked.resample)[1]
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


def _filled(values: np.ndarray, laid: Layout, means: Gaps) -> np.ndarray:
    """Values (N, K) with those of steps that have no row, as far as a series has values: beyond is its future."""
    absent = np.ones(len(values), bool)
    absent[laid.place] = False
    rows = np.arange(len(values))
    newest = np.maximum.reduceat(np.where(np.isnan(values).all(axis=1), -1, rows), laid.offsets[:-1])  # (S,)
    absent &= rows < np.repeat(newest, np.diff(laid.offsets))
    if means == "zero":
        return np.where(absent[:, None], 0.0, values)
    return values[np.maximum.accumulate(np.where(absent, 0, rows))]  # a series begins with a row


def _covariates(
    frame: pd.DataFrame,
    roles: ColumnRoles,
    asked: Columns,
    told: tuple[Rows, Cells],
    laid: Layout,
    filled: float,
) -> Covariates:
    """The columns beside the targets; filled: what a step without a row weighs."""
    (rows, cells), offsets = told, laid.offsets
    if not cells.beside:
        return covariates.nothing(len(rows.ids), asked.holidays)
    along, fixed = [], []
    for entry in cells.inputs:
        numbers = cells.beside[entry.name]
        if entry.role == "static":
            known = numbers if entry.categories is None else np.where(numbers == covariates.UNSEEN, np.nan, numbers)
            single = covariates.once(known, rows.codes, rows.ids, frame[entry.name], rows.number)
            fixed.append((entry, single if entry.categories is None else np.nan_to_num(single, nan=covariates.UNSEEN)))
            continue
        spread = np.full(offsets[-1], np.nan)
        spread[laid.place] = numbers
        along.append((entry, spread))
    weights, unit = (None, 1.0) if roles.weight is None else _weights(roles.weight, told, laid, filled)
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


def _weights(name: str, told: tuple[Rows, Cells], laid: Layout, filled: float) -> tuple[np.ndarray, float]:
    """How much each step counts, on average 1, and the mean in the table; an empty weight counts nothing."""
    rows, cells = told
    given = np.nan_to_num(cells.beside[name])
    if (given < 0).any():
        worst = int((given < 0).argmax())
        raise DataError(
            f'{row(rows.column, rows.number(worst))}: the weight "{name}" is {given[worst]:g}. It cannot be below zero'
        )
    if not given.any():
        raise DataError(f'every weight in "{name}" is zero or empty. There is nothing to learn from')
    weights = np.full(laid.offsets[-1], filled)
    weights[laid.place] = given / given.mean()
    return weights, float(given.mean())


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
        ids=np.array(panel.summary.roles.targets, dtype=object),
        firsts=np.repeat(panel.firsts, count),
        phases=np.repeat(panel.phases, count),
        summary=panel.summary._replace(absent=panel.summary.absent * count),
    )


def _trimmed(panel: Panel, unbegun: bool = False) -> Panel:
    """The panel without the missing steps before a series' first value, and without series that have no value.

    Where columns are known in advance, the steps after the last value are still to come. unbegun: whether of a series
    without a value the first step is kept.
    """
    begins, ends = panel.offsets[:-1], panel.offsets[1:]
    told = ~np.isnan(panel.values).all(axis=1)
    if told[begins].all() and not panel.covariates.known.any():
        return panel
    places = np.flatnonzero(told)
    if not len(places) and not unbegun:
        names = ", ".join(f'"{name}"' for name in panel.summary.roles.targets[:3])
        raise DataError(f"{names}: every value is empty. There is nothing to learn from")
    first = np.append(places, len(panel.values))[np.searchsorted(places, begins)]  # (S,) of each series' first value
    last = np.append(places, -1)[np.searchsorted(places, ends) - 1] + 1 if panel.covariates.known.any() else ends
    if unbegun:
        first, last = np.where(first < ends, first, begins), np.where(first < ends, last, begins + 1)
    kept = first < ends
    coming = int(np.where(kept, ends - last, 0).sum())
    missing = panel.summary.missing - coming * panel.targets  # but for steps without a row among them
    empty = tuple(str(name) for name in panel.ids[~kept])
    part = panel.within(np.minimum(first, ends) - begins, np.where(kept, last, begins) - begins, panel.lengths)
    return replace(part, summary=panel.summary._replace(empty=empty, missing=max(0, missing)))
