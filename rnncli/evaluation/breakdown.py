"""Break the scores of a backtest down by horizon step, series, window, week or a column of the table."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnncli.errors import DataError
from rnncli.evaluation.backtest import WindowScores
from rnncli.evaluation.metrics import METRICS
from rnncli.messages import did_you_mean
from rnncli.panel import Cutoffs, Panel, Table
from rnncli.panel.ingest.rows import series_names
from rnncli.panel.time import formats
from rnncli.panel.time.frequency import DAY, MONDAY

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("horizon", "series", "window", "week")
RESERVED = ("model", "windows")  # columns of the result, with the metrics


class Grouping(NamedTuple):
    """The group of each of N windows."""

    by: str
    labels: list[str]  # (G,)
    groups: np.ndarray  # (N,) indices of labels


def group_windows(by: str, panel: Panel, table: Table, cutoffs: Cutoffs, horizon: int) -> Grouping:
    """Return the groups of windows by one of KINDS, or by a column of the table that is constant in each series.

    For "horizon" the labels are the steps, and all windows have group 0. Raises DataError if the column is unsuitable.
    """
    last_rows = cutoffs.rows - 1
    match "series" if by == panel.summary.roles.id else by:
        case "horizon":
            return Grouping("horizon", [str(step) for step in range(1, horizon + 1)], cutoffs.rows * 0)
        case "series":
            return Grouping("series", [str(name) for name in panel.ids], cutoffs.series)
        case "window":
            times = panel.times_at(cutoffs.series, last_rows)
            distinct, groups = np.unique(times.values, return_inverse=True)
            return Grouping("cutoff", formats.as_texts(times._replace(values=distinct)), groups)
        case "week":
            if panel.times.integer:
                raise DataError("cannot break scores down by week: times are numbers")
            local = panel.times_at(cutoffs.series, last_rows).local
            weeks, groups = np.unique((local - MONDAY) // (7 * DAY), return_inverse=True)
            mondays = (weeks * 7 * DAY + MONDAY).astype("datetime64[us]").astype("datetime64[D]")
            return Grouping("week", mondays.astype(str).tolist(), groups)
        case _:
            series = _group_series(by, panel, table)
            return series._replace(groups=series.groups[cutoffs.series])


def _group_series(column: str, panel: Panel, table: Table) -> Grouping:
    """Return the group of each series by its value in a column."""
    _check_column(column, panel, table)
    identifier = panel.summary.roles.id
    assert identifier is not None
    series, group = table[identifier].coded, table[column].coded
    named = np.flatnonzero(series.codes >= 0)  # a footer may have no series
    codes, groups = series.codes[named], group.codes[named]
    of_series = np.full(len(series.distinct), -1)
    of_series[codes[::-1]] = groups[::-1]  # the first of each series
    differs = np.flatnonzero(groups != of_series[codes])
    if len(differs):
        name = table[identifier].cell(int(named[differs[0]]))
        raise DataError(
            f'cannot break scores down by "{column}": it changes within series "{name}". Name a column that does not'
        )
    texts = [*map(str, group.distinct.to_pylist()), ""]  # empty values are a group
    by_id = dict(zip(map(str, series_names(table[identifier])), of_series.tolist(), strict=True))
    labels, index = np.unique([texts[by_id[str(name)]] for name in panel.ids], return_inverse=True)
    return Grouping(column, labels.tolist(), index)


def _check_column(column: str, panel: Panel, table: Table) -> None:
    """Raise DataError if the column cannot group series."""
    if panel.summary.roles.id is None:
        raise DataError(f'cannot break scores down by "{column}": the table has no column of series ids')
    if column not in table:
        known = [*KINDS, *table.names]
        raise DataError(f'cannot break scores down by "{column}": no such column.{did_you_mean(column, known)}')
    if column in RESERVED or column in METRICS:
        raise DataError(f'cannot break scores down by "{column}": a score has this name. Rename the column')


def score_groups(scores: WindowScores, grouping: Grouping) -> "pd.DataFrame":
    """Return a row for each group and method: the group, its number of windows, the method and its scores."""
    import pandas as pd

    size = len(grouping.labels)
    if grouping.by == "horizon":
        by_method, counts = scores.by_step(), np.full(size, len(scores.cutoffs.rows))
    else:
        by_method = scores.by_group(grouping.groups, size)
        counts = np.bincount(grouping.groups, minlength=size)
    tables = [
        pd.DataFrame({grouping.by: grouping.labels, "windows": counts, "model": method} | row)
        for method, row in by_method.items()
    ]
    joined = pd.concat(tables, ignore_index=True)
    order = np.argsort(np.tile(np.arange(size), len(tables)), kind="stable")
    return joined.iloc[order][np.repeat(counts, len(tables)) > 0].reset_index(drop=True)
