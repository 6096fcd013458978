"""Assign rows to the steps of --resample, without a last step whose rows are incomplete: its sum would be too low."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rnncli.config.sections import Columns
from rnncli.panel.ingest import alignment
from rnncli.panel.ingest.rows import SortedRows
from rnncli.panel.ingest.values import ColumnValues
from rnncli.panel.panel import ColumnRoles
from rnncli.panel.time.frequency import parse_resampling
from rnncli.panel.time.times import Times
from rnncli.tables.assumptions import Assume

MOMENTARY = ("first", "last")  # aggregations of a single row, which need no complete step
FEWEST, MOST = 5, 200  # complete steps that show how far rows usually reach
SELDOM = 0.05  # share of steps that end as early, below which the last one is incomplete


class Resampled(NamedTuple):
    """Rows with the start of their step as their time, without those of an incomplete step."""

    rows: SortedRows
    values: ColumnValues
    begun: tuple[str, ...]  # series that have rows in the incomplete step


def resample(
    rows: SortedRows, values: ColumnValues, roles: ColumnRoles, times: Times, columns: Columns, assume: Assume
) -> Resampled:
    """Assign rows to the steps of --resample, if set.

    With known covariates, an incomplete last step is the first step of the future and keeps its covariates.
    """
    if columns.resample is None:
        return Resampled(rows, values, ())
    floored = replace(rows, instants=alignment.step_starts(rows.instants, times, columns, 0))
    given = ~np.all([np.isnan(numbers) for numbers in values.targets.values()], axis=0)
    start = _incomplete_step(rows, floored, given, times, columns)
    if start is None:
        return Resampled(floored, values, ())
    inside = given & (floored.instants == start)
    begun = roles.targets if roles.wide else tuple(str(name) for name in rows.ids[np.unique(rows.codes[inside])])
    newest = rows.time(int(np.flatnonzero(inside)[rows.instants[inside].argmax()]))
    name, _ = parse_resampling(columns.resample)
    assume(f"left out: the last step of {name} of {len(begun)} series, which is incomplete: rows end at {newest}")
    if any(role == "known" for _, role in roles.covariates):
        emptied = {column: np.where(inside, np.nan, numbers) for column, numbers in values.targets.items()}
        return Resampled(floored, replace(values, targets=emptied), begun)
    return Resampled(floored.keep(~inside), values.select(~inside), begun)


def _incomplete_step(
    rows: SortedRows, floored: SortedRows, given: np.ndarray, times: Times, columns: Columns
) -> int | None:
    """Return the start of the newest step if its newest row is unusually far from its end, else None.

    All series are pooled, as their rows arrive together; a series with a sale a day shows nothing. Nights and weekends
    without rows recur, so that they are usual.
    """
    if parse_resampling(columns.resample or "")[1] in MOMENTARY or not given.any():
        return None
    starts, step = np.unique(floored.instants[given], return_inverse=True)
    newest = np.full(len(starts), np.iinfo(np.int64).min)
    np.maximum.at(newest, step, rows.instants[given])
    remaining = alignment.step_starts(starts, times, columns, 1) - newest
    before = remaining[:-1][-MOST:]
    if len(before) < FEWEST or (before >= remaining[-1]).mean() >= SELDOM:
        return None
    return int(starts[-1])
