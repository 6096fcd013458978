"""Build a panel from a table: find column roles, sort rows into series, and align them with time steps."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rnncli.config.architecture import Covariate
from rnncli.config.fields import Gaps
from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.messages import counted
from rnncli.panel.ingest import alignment, column_roles
from rnncli.panel.ingest.alignment import Alignment
from rnncli.panel.ingest.covariates import AlignedRows, aligned_covariates
from rnncli.panel.ingest.resampling import resample
from rnncli.panel.ingest.rows import SortedRows, forbid_conflicts, series_codes, sort_rows, without_footer
from rnncli.panel.ingest.values import ColumnValues, read_values
from rnncli.panel.panel import ColumnRoles, Panel, ReadSummary
from rnncli.panel.table import Table
from rnncli.panel.time import timestamps
from rnncli.panel.time.frequency import Frequency, parse_resampling
from rnncli.panel.time.timestamps import ZonedTimes
from rnncli.tables.assumptions import Assume, accept_assumption


class Expected(NamedTuple):
    """Requirements of a trained model on a table."""

    frequency: Frequency  # used if a table is too short to infer it
    inputs: tuple[Covariate, ...] | None  # in the order of the columns' roles
    without_history: bool = False  # whether to keep series without any value, from their first row on


def from_table(
    table: Table,
    columns: Columns,
    expected: Expected | None = None,
    keep_first: bool = False,
    assume: Assume = accept_assumption,
) -> Panel:
    """Return the panel of a table, whatever the order of its rows.

    keep_first: of several rows of one series and time keep the first. assume receives each assumption as a sentence.
    If there are known covariates, rows without a target at the end of a series hold its known future.

    Raises DataError, naming row or series, if times or numbers cannot be read, rows conflict, a time does not match the
    frequency, or no row is left.
    """
    roles = column_roles.find_roles(table, columns)
    given, table = len(table), without_footer(table, roles, assume)
    series = series_codes(table, roles.id)
    times, skipped = _times(table, roles, columns, series.codes, assume)
    rows = sort_rows(series, times, table[roles.time])
    rows = rows.keep(rows.sorted(~skipped)) if skipped.any() else rows
    values = read_values(table, roles, columns, expected.inputs if expected else None)
    values = values if rows.order is None else values.select(rows.order)
    repeated = 0 if columns.resample else int((~rows.firsts).sum())
    rows, values, begun = resample(rows, values, roles, times, columns, assume)
    how = _aggregation(rows, values, roles, columns, keep_first, assume)
    if how is not None:
        rows, values = rows.select(rows.firsts), values.aggregate(rows.firsts, how)
    rows, frequency = alignment.with_frequency(rows, times, columns, expected.frequency if expected else None)
    aligned = AlignedRows(rows, values, alignment.align(rows, frequency))
    gaps = _gap_meaning(columns, how)
    targets, missing, absent = _targets(aligned, gaps)
    summary = ReadSummary(roles, given, missing, absent, repeated, empty=(), begun=begun)
    times = times._replace(values=times.values[:0].copy())  # a view would keep all of them in memory
    gap_weight = 0.0 if gaps == "mask" else 1.0
    covariates = aligned_covariates(table, aligned, roles.weight, columns.holidays, gap_weight)
    offsets, firsts, phases, _ = aligned.alignment
    panel = Panel(targets, offsets, rows.ids, firsts, phases, frequency, times, covariates, summary)
    if roles.wide:
        return _trimmed(_unfolded(panel))
    return _trimmed(panel, expected is not None and expected.without_history)


def _times(table: Table, roles: ColumnRoles, columns: Columns, codes: np.ndarray, assume: Assume) -> ZonedTimes:
    """Return the times of rows that belong to the series `codes` (R,)."""
    times = timestamps.parse(table[roles.time], columns.dayfirst, accept_assumption if columns.timezone else assume)
    if columns.timezone is None:
        return ZonedTimes(times, np.zeros(len(table), bool))
    zoned = timestamps.in_zone(times, columns.timezone, codes, assume)
    if zoned.skipped.any():
        index, column = int(zoned.skipped.argmax()), table[roles.time]
        count = counted(int(zoned.skipped.sum()), "row")
        assume(
            f"left out: {count} of an hour that clocks in {columns.timezone} skip, such as {column.row(index)} "
            f"of {column.cell(index)}"
        )
    return zoned


def _aggregation(
    rows: SortedRows, values: ColumnValues, roles: ColumnRoles, columns: Columns, keep_first: bool, assume: Assume
) -> str | None:
    """Return how to combine rows of one series and instant; None if there are none.

    Raises DataError if they differ and --duplicates is not set.
    """
    if columns.resample is not None:
        return parse_resampling(columns.resample)[1]
    if rows.firsts.all():
        return None
    if keep_first:
        return "first"
    differ = values.differ(rows.firsts)
    if columns.duplicates is not None and differ.any():
        return columns.duplicates
    forbid_conflicts(rows, roles, differ)
    assume(f"left out: {counted(int((~rows.firsts).sum()), 'row')} identical to another row")
    return "first"


class _Targets(NamedTuple):
    values: np.ndarray  # (N, K)
    missing: int  # empty values in rows
    absent: int  # steps without a row


def _targets(aligned: AlignedRows, gaps: Gaps) -> _Targets:
    """Return the targets of each step; gaps: what a step without a row means."""
    rows, values, alignment = aligned
    given = np.stack(list(values.targets.values()), axis=1)  # (R, K)
    missing, absent = int(np.isnan(given).sum()), int(alignment.offsets[-1]) - len(rows.codes)
    if absent:
        spread = np.full((alignment.offsets[-1], given.shape[1]), np.nan)
        spread[alignment.steps] = given
        given = spread
    if gaps == "mask":
        return _Targets(given, missing, absent)
    return _Targets(_filled(given, alignment, gaps), missing, 0)


def _gap_meaning(columns: Columns, how: str | None) -> Gaps:
    """Return what a step without a row means: zero if events are counted or summed."""
    return columns.fill_gaps or ("zero" if columns.resample and how in ("sum", "count") else "mask")


def _filled(values: np.ndarray, alignment: Alignment, gaps: Gaps) -> np.ndarray:
    """Return values (N, K) with steps without a row filled, up to a series' last value: its future follows."""
    absent = np.ones(len(values), bool)
    absent[alignment.steps] = False
    steps = np.arange(len(values))
    last = np.maximum.reduceat(np.where(np.isnan(values).all(axis=1), -1, steps), alignment.offsets[:-1])  # (S,)
    absent &= steps < np.repeat(last, np.diff(alignment.offsets))
    if gaps == "zero":
        return np.where(absent[:, None], 0.0, values)
    return values[np.maximum.accumulate(np.where(absent, 0, steps))]  # each series begins with a row


def _unfolded(panel: Panel) -> Panel:
    """Return a wide table's columns as series of one target."""
    length, count = panel.values.shape
    covariates = panel.covariates
    repeated = np.tile(np.arange(len(covariates.values)), count)
    offsets = np.arange(count + 1, dtype=np.int64) * len(covariates.values)
    return replace(
        panel,
        covariates=covariates.select(repeated, offsets, np.zeros(count, np.int64)),
        values=np.ascontiguousarray(panel.values.T).reshape(-1, 1),
        offsets=np.arange(count + 1, dtype=np.int64) * length,
        ids=np.array(panel.summary.roles.targets, dtype=object),
        firsts=np.repeat(panel.firsts, count),
        phases=np.repeat(panel.phases, count),
        summary=panel.summary._replace(absent=panel.summary.absent * count),
    )


def _trimmed(panel: Panel, without_history: bool = False) -> Panel:
    """Return the panel without missing steps before a series' first value, and without series that have no value.

    If there are known covariates, steps after the last value are the future and are removed from the targets.
    without_history: keep the first step of a series without a value.
    """
    begins, ends = panel.offsets[:-1], panel.offsets[1:]
    present = ~np.isnan(panel.values).all(axis=1)
    if present[begins].all() and not panel.covariates.known.any():
        return panel
    steps = np.flatnonzero(present)
    if not len(steps) and not without_history:
        names = ", ".join(f'"{name}"' for name in panel.summary.roles.targets[:3])
        raise DataError(f"{names}: all values are empty. Fill in the targets, or name another --target")
    first = np.append(steps, len(panel.values))[np.searchsorted(steps, begins)]  # (S,) of each series' first value
    last = np.append(steps, -1)[np.searchsorted(steps, ends) - 1] + 1 if panel.covariates.known.any() else ends
    if without_history:
        first, last = np.where(first < ends, first, begins), np.where(first < ends, last, begins + 1)
    usable = first < ends
    future = int(np.where(usable, ends - last, 0).sum())
    # A lower bound: steps without a row are subtracted too.
    missing = max(0, panel.summary.missing - future * panel.targets)
    empty = tuple(str(name) for name in panel.ids[~usable])
    part = panel.slice_rows(np.minimum(first, ends) - begins, np.where(usable, last, begins) - begins, panel.lengths)
    return replace(part, summary=panel.summary._replace(empty=empty, missing=missing))
