"""Check that known covariates reach the end of the horizon."""

import numpy as np

from rnncli.errors import DataError
from rnncli.panel.panel import Cutoffs, Panel
from rnncli.panel.time import formats


def ended(panel: Panel, cutoffs: Cutoffs, horizon: int) -> np.ndarray:
    """Return (N,) bool: series that ended a horizon or more before the newest time, without any known future value."""
    missing = panel.covariates.missing_ahead(*cutoffs, horizon)  # (N, H, C)
    ends = panel.firsts[cutoffs.series] + cutoffs.rows
    unknown = missing[..., panel.covariates.known].all(axis=(1, 2)) & missing.any(axis=(1, 2))
    return (ends <= ends.max() - horizon) & unknown & (cutoffs.rows > 0)


def require(panel: Panel, cutoffs: Cutoffs, horizon: int) -> int:
    """Return how many known values are missing between given ones in the H steps after the cutoffs.

    Raises DataError if the values of a known column end before the horizon does.
    """
    missing = panel.covariates.missing_ahead(*cutoffs, horizon)  # (N, H, C)
    given = horizon - np.argmin(missing[:, ::-1], axis=1)  # (N, C) steps up to the last one given
    given = np.where(missing.all(axis=1), 0, given)
    incomplete = np.argwhere(given < horizon)
    if not len(incomplete):
        return int(missing.sum())
    index, column = incomplete[0]
    series = cutoffs.series[index]
    steps = np.array([given[index, column], horizon - 1]) + cutoffs.rows[index]
    first, last = formats.as_texts(panel.times_at(np.array([series, series]), steps))
    others = len(np.unique(incomplete[:, 0])) - 1
    span = f"{first} to {last}" if first != last else first
    raise DataError(
        f'{panel.series_name(series)}: known column "{panel.covariates.varying[column].name}" has no value for {span}'
        f"{f' (and {others} more series)' if others else ''}. Add rows with an empty target, or give --future FILE "
        "(--future-template FILE writes the table to fill in)"
    )


def ends(panel: Panel, from_first_row: bool) -> Cutoffs:
    """Return a cutoff after the last row of each series.

    from_first_row: place the cutoff of a series without any value before its first row.
    """
    rows = np.where(panel.without_history, 0, panel.lengths) if from_first_row else panel.lengths
    return Cutoffs(np.arange(len(panel.ids)), rows)
