"""The last step of a clock that rows are brought onto, where they do not reach its end: its sum is too low as yet."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.config.sections import Columns
from rnncli.panel.ingest import alignment
from rnncli.panel.ingest.rows import Rows
from rnncli.panel.ingest.values import Cells
from rnncli.panel.panel import ColumnRoles
from rnncli.panel.time import frequency
from rnncli.panel.time.timestamps import Times
from rnncli.tables.assumptions import Assume

MOMENTS = ("first", "last")  # what a step comes to is what was at a moment, be it over or not
FEWEST, MOST = 5, 200  # steps before that tell how far rows usually reach
SELDOM = 0.05  # of the steps before end as early


class Finished(NamedTuple):
    """Rows on the clock, and their numbers, without those of a step that is not over."""

    rows: Rows
    cells: Cells
    begun: tuple[str, ...]  # series that have rows in that step


def finished(rows: Rows, cells: Cells, roles: ColumnRoles, times: Times, asked: Columns, assume: Assume) -> Finished:
    """The rows, each at the beginning of its step where they are to be brought onto a clock; assume is told the rest.

    Where columns are known in advance, that step is the first of the future, and keeps what is known of it.
    """
    if asked.resample is None:
        return Finished(rows, cells, ())
    floored = replace(rows, instants=alignment.stepped(rows.instants, times, asked, 0))
    told = ~np.all([np.isnan(values) for values in cells.targets.values()], axis=0)
    begin = _unfinished(rows, floored, told, times, asked)
    if begin is None:
        return Finished(floored, cells, ())
    within = told & (floored.instants == begin)
    begun = roles.targets if roles.wide else tuple(str(one) for one in rows.ids[np.unique(rows.codes[within])])
    newest = rows.when(int(np.flatnonzero(within)[rows.instants[within].argmax()]))
    name, _ = frequency.resampling(asked.resample)
    assume(f"left out: the last step of {name} of {len(begun)} series, which is not over: rows end at {newest}")
    if any(role == "known" for _, role in roles.covariates):
        emptied = {column: np.where(within, np.nan, values) for column, values in cells.targets.items()}
        return Finished(floored, replace(cells, targets=emptied), begun)
    return Finished(floored.only(~within), cells.at(~within), begun)


def _unfinished(rows: Rows, floored: Rows, told: np.ndarray, times: Times, asked: Columns) -> int | None:
    """Where the newest step begins, if the newest row of all series lies farther from its end than it usually does.

    All series together tell it, as their rows come together: how far those of a shop with a sale a day reach tells
    nothing. Nights and weekends without rows come again, so they are usual.
    """
    if frequency.resampling(asked.resample or "")[1] in MOMENTS or not told.any():
        return None
    newest = pd.Series(rows.instants[told]).groupby(floored.instants[told]).max()
    begins = newest.index.to_numpy()
    left = alignment.stepped(begins, times, asked, 1) - newest.to_numpy()
    before = left[:-1][-MOST:]
    if len(before) < FEWEST or (before >= left[-1]).mean() >= SELDOM:
        return None
    return int(begins[-1])
