"""Backtest forecasts as a table: id, time, cutoff, actual value and the forecasts of each method."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rnncli.config.intervals import interval_bounds
from rnncli.errors import DataError
from rnncli.panel.export import names
from rnncli.panel.export.forecast_table import cutoff_times, keys
from rnncli.panel.panel import Cutoffs, Forecast, Panel
from rnncli.tables import arrays


class Backtest(NamedTuple):
    """Forecasts of several methods from N cutoffs."""

    cutoffs: Cutoffs
    actual: np.ndarray  # (N, H, K)
    methods: Mapping[str, Forecast]  # by name
    levels: np.ndarray  # (P,) of the quantiles


def backtest_table(panel: Panel, backtest: Backtest, percents: tuple[float, ...], text_times: bool) -> pa.Table:
    """Return a row for each step with an actual value, in the layout of Nixtla's cross-validation.

    percents: the intervals to write. text_times: write times in the input file's format.
    """
    horizon, targets = backtest.actual.shape[1:]
    table = keys(panel, backtest.cutoffs, horizon, text_times)
    table[names.CUTOFF] = cutoff_times(panel, backtest.cutoffs, horizon, text_times)
    roles = panel.summary.roles
    target_names = (names.WIDE_TARGET,) if roles.wide else roles.targets
    for number, target in enumerate(target_names):
        if target in table or target in backtest.methods:
            raise DataError(f'target column "{target}": another output column has the same name. Rename it')
        table[target] = arrays.to_arrow(backtest.actual[:, :, number].reshape(-1))
    for method, forecast in backtest.methods.items():
        for number, target in enumerate(target_names):
            name = names.prefixed(method, target if targets > 1 else None)
            table[name] = arrays.to_arrow(forecast.point[:, :, number].reshape(-1))
            for percent in percents:
                bounds = interval_bounds(percent)
                for column, level in zip(names.interval(name, percent), bounds, strict=True):
                    index = names.nearest(backtest.levels, level)
                    table[column] = arrays.to_arrow(forecast.quantiles[:, :, number, index].reshape(-1))
    known = ~np.isnan(backtest.actual).all(axis=2).reshape(-1)
    return pa.table(table).filter(arrays.to_arrow(known))
