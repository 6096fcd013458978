"""A table of the steps to forecast, with columns for their known covariates."""

import numpy as np
import pyarrow as pa

from rnncli.panel.export.forecast_table import keys
from rnncli.panel.export.names import WIDE_ID
from rnncli.panel.panel import Cutoffs, Panel
from rnncli.tables import arrays


def future_template(panel: Panel, cutoffs: Cutoffs, horizon: int, text_times: bool) -> pa.Table:
    """Return the rows that follow the cutoffs, with the known covariates given so far.

    text_times: write times in the input file's format.
    """
    (series, rows), wide = cutoffs, panel.summary.roles.wide
    if wide:  # all series share the known covariates: start after the shortest series
        ends = panel.firsts + panel.lengths
        series, horizon = ends.argmin(keepdims=True), horizon + int(np.ptp(ends))
        rows = rows[series]
    table = keys(panel, Cutoffs(series, rows), horizon, text_times)
    if wide:
        del table[WIDE_ID]
    covariates = panel.covariates
    begins, ends = covariates.offsets[series, None], covariates.offsets[series + 1, None]
    steps = begins + rows[:, None] + np.arange(horizon)  # (S, H)
    values = covariates.values[steps.clip(0, len(covariates.values) - 1)]
    values = np.where((steps < ends)[..., None], values, np.nan).reshape(-1, len(covariates.varying))
    for index, column in enumerate(covariates.varying):
        if column.role != "known":
            continue
        if column.categories is None:
            table[column.name] = arrays.to_arrow(values[:, index])
        else:
            codes = np.nan_to_num(values[:, index]).astype(np.int64)
            table[column.name] = arrays.coded_to_arrow(codes, ["", *column.categories])
    return pa.table(table)
