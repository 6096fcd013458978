"""Mean changes of a series before a cutoff: the scale of errors in MASE, RMSSE and the intervals of baselines."""

from typing import NamedTuple

import numpy as np

from rnncli.panel import Cutoffs, Panel


class PastChanges(NamedTuple):
    """Mean changes within N pasts, (N, K) each; NaN if there is no pair of values to compare."""

    season_error: np.ndarray  # mean absolute change over a season
    season_square: np.ndarray  # mean squared change over a season
    step_square: np.ndarray  # mean squared change from one step to the next


def past_changes(panel: Panel, cutoffs: Cutoffs, season: int) -> PastChanges:
    """Return the mean changes in the whole past of each cutoff."""
    changes = np.empty((3, len(cutoffs.rows), panel.targets))
    order = np.argsort(cutoffs.series, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(cutoffs.series[order])) + 1) if len(order) else []:
        values, rows = panel.series(cutoffs.series[group[0]]), cutoffs.rows[group]
        for index, (lag, power) in enumerate(((season, 1), (season, 2), (1, 2))):
            changes[index, group] = seasonal_naive_errors(values, lag, rows, power)
    return PastChanges(*changes)


def seasonal_naive_errors(values: np.ndarray, season: int, rows: np.ndarray, power: int = 1) -> np.ndarray:
    """Return seasonal naive's mean absolute error (n, K) within the first rows (n,) of one series (T, K).

    With power 2 the mean squared error is returned. It is NaN without a pair of values; within a season or less it is
    the error of naive.
    """
    errors = np.empty((len(rows), values.shape[1]))
    for lag, chosen in ((season, rows > season), (1, rows <= season)):
        if not chosen.any():
            continue
        steps = np.abs(values[lag:] - values[:-lag]) ** power  # (T - lag, K)
        observed = ~np.isnan(steps)
        zero = np.zeros((1, values.shape[1]))
        total = np.concatenate([zero, np.where(observed, steps, 0.0).cumsum(axis=0)])  # (T - lag + 1, K)
        count = np.concatenate([zero, observed.cumsum(axis=0)])
        last = np.clip(rows[chosen] - lag, 0, None)
        unknown = np.full((len(last), values.shape[1]), np.nan)
        errors[chosen] = np.divide(total[last], count[last], out=unknown, where=count[last] > 0)
    return errors
