"""Select the cutoffs of a backtest. numpy only."""

from typing import NamedTuple

import numpy as np

from rnncli.errors import DataError
from rnncli.evaluation.significance import WindowPositions
from rnncli.panel import Cutoffs, Panel


class FirstValues(NamedTuple):
    """The first observed value of each series, by cutoff: (N, K) each."""

    values: np.ndarray  # NaN if it comes after the cutoff
    rows: np.ndarray  # row of the series, counted from its beginning


def last_cutoffs(panel: Panel, horizon: int, windows: int, step: int) -> Cutoffs:
    """Return the last `windows` cutoffs of each series, `step` rows apart.

    Each has a row before it and a whole horizon after it.
    """
    back = horizon + np.arange(windows - 1, -1, -1) * step  # (W,)
    rows = (panel.lengths[:, None] - back).reshape(-1)
    series = np.repeat(np.arange(len(panel.ids)), windows)
    return Cutoffs(series[rows >= 1], rows[rows >= 1])


def available_cutoffs(panel: Panel, horizon: int, windows: int, step: int) -> Cutoffs:
    """Return the last `windows` cutoffs, or as many as fit. Raise DataError if none fits into any series."""
    fitting = max(0, int(panel.lengths.max()) - horizon) // step + 1
    found = last_cutoffs(panel, horizon, min(windows, fitting), step)
    if not len(found.rows):
        raise DataError(f"no series has the {horizon + 1} rows that a window of horizon {horizon} needs")
    return found


def spread_cutoffs(panel: Panel, horizon: int, windows: int, limit: int) -> Cutoffs:
    """Return the cutoffs of up to `windows` windows at the end of each series that do not overlap.

    If there are more than `limit`, every second, third and so on is returned; none if no series has a horizon and a
    row before it.
    """
    fitting = max(0, int(panel.lengths.max()) - 1) // horizon
    found = last_cutoffs(panel, horizon, min(windows, fitting), horizon)
    chosen = slice(None, None, -(-len(found.rows) // limit) or 1)
    return Cutoffs(found.series[chosen], found.rows[chosen])


def window_positions(panel: Panel, cutoffs: Cutoffs, horizon: int, step: int) -> WindowPositions:
    """Return the positions of windows `step` rows apart, counted from the end of their series."""
    back = (panel.lengths[cutoffs.series] - horizon - cutoffs.rows) // step
    return WindowPositions(cutoffs.series, back, -(-horizon // step))


def full_pasts(panel: Panel, cutoffs: Cutoffs) -> list[np.ndarray]:
    """Return the past (T,) of each cutoff and target from its first value on, gaps filled with the value before."""
    pasts = []
    for series, rows in zip(*cutoffs, strict=True):
        for values in panel.series(series)[:rows].T:
            known = ~np.isnan(values)
            newest = np.maximum.accumulate(np.where(known, np.arange(rows), -1))
            pasts.append(values[newest[newest >= 0]] if known.any() else np.array([np.nan]))
    return pasts


def first_values(panel: Panel, cutoffs: Cutoffs) -> FirstValues:
    """Return the first observed value of each cutoff's series."""
    rows, values = np.empty((2, len(panel.ids), panel.targets))
    for chunk in panel.chunks():
        observed = panel.values[chunk.rows]
        numbers = np.where(np.isnan(observed), len(observed), np.arange(len(observed))[:, None])
        first = np.minimum.reduceat(numbers, chunk.begins)  # (s, K)
        rows[chunk.series] = first - chunk.begins[:, None]
        values[chunk.series] = np.take_along_axis(observed, first.clip(max=len(observed) - 1), axis=0)
    rows, values = rows[cutoffs.series], values[cutoffs.series]
    return FirstValues(np.where(rows < cutoffs.rows[:, None], values, np.nan), rows)
