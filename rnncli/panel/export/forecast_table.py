"""Forecasts as a table with the ids, times and column names of the input table."""

import numpy as np
import pyarrow as pa

from rnncli.config.intervals import interval_bounds
from rnncli.config.sections import Forecasting
from rnncli.errors import DataError
from rnncli.panel.export import names
from rnncli.panel.panel import Cutoffs, Forecast, Panel
from rnncli.panel.time import formats
from rnncli.tables import arrays


def levels(forecasting: Forecasting) -> np.ndarray:
    """Return the quantile levels (P,) that the requested columns need, rising; the median is always included."""
    bounds = [level for percent in forecasting.level for level in interval_bounds(percent)]
    return np.unique(np.round([0.5, *bounds, *forecasting.quantiles], 9))


def forecast_table(
    panel: Panel,
    cutoffs: Cutoffs,
    forecast: Forecast,
    paths: np.ndarray | None,
    forecasting: Forecasting,
    text_times: bool,
) -> pa.Table:
    """Return a row for each step after each cutoff; the forecast has quantiles at `levels`.

    paths: (N, H, K, count) sample paths, if requested. text_times: write times in the input file's format.
    """
    horizon, targets = forecast.point.shape[1:]
    table = keys(panel, cutoffs, horizon, text_times)
    samples = np.empty((*forecast.point.shape, 0)) if paths is None else paths
    rounded = _rounded(np.concatenate([forecast.quantiles, samples, forecast.point[..., None]], axis=-1))
    columns = _columns(forecasting)
    for number in range(targets):
        for column, index in columns.items():
            name = names.prefixed(column, panel.summary.roles.targets[number] if targets > 1 else None)
            if name in table:
                raise DataError(f'column "{name}": a forecast column has the same name. Rename it')
            table[name] = arrays.to_arrow(rounded[:, :, number, index].reshape(-1))
    return pa.table(table)


def online_table(
    panel: Panel, cutoffs: Cutoffs, forecast: Forecast, anomaly: np.ndarray, forecasting: Forecasting
) -> pa.Table:
    """Return the `forecast_table` with each forecast's cutoff, and the anomaly score (N, K) of its last row."""
    horizon, targets = forecast.point.shape[1:]
    table = forecast_table(panel, cutoffs, forecast, None, forecasting, text_times=True)
    position = table.column_names.index(panel.summary.roles.time) + 1
    table = table.add_column(position, names.CUTOFF, cutoff_times(panel, cutoffs, horizon, text_times=True))
    for number in range(targets):
        name = names.prefixed(names.ANOMALY, panel.summary.roles.targets[number] if targets > 1 else None)
        scores = arrays.to_arrow(np.repeat(anomaly[:, number].round(4), horizon))
        place = table.column_names.index(name) if name in table.column_names else None
        table = table.append_column(name, scores) if place is None else table.set_column(place, name, scores)
    return table


def keys(panel: Panel, cutoffs: Cutoffs, horizon: int, text_times: bool) -> dict[str, pa.Array]:
    """Return the id and time columns of the N * H rows that follow the cutoffs."""
    series = np.repeat(cutoffs.series, horizon)
    rows = np.repeat(cutoffs.rows, horizon) + np.tile(np.arange(horizon), len(cutoffs.rows))
    table: dict[str, pa.Array] = {}
    roles = panel.summary.roles
    if roles.id is not None or roles.wide:
        table[roles.id or names.WIDE_ID] = _ids(panel, series)
    if roles.time in table:
        raise DataError(f'time column "{roles.time}": the id column of a forecast has the same name. Rename it')
    table[roles.time] = formats.to_arrow(panel.times_at(series, rows), text_times)
    return table


def _ids(panel: Panel, series: np.ndarray) -> pa.Array:
    """Return the ids of these series, in the type of the table."""
    if panel.ids.dtype != object:
        return arrays.to_arrow(panel.ids[series])
    return pa.DictionaryArray.from_arrays(arrays.to_arrow(series.astype(np.int32)), panel.id_texts)


def cutoff_times(panel: Panel, cutoffs: Cutoffs, horizon: int, text_times: bool) -> pa.Array:
    """Return the time of the last row before each cutoff, for each of the N * H rows."""
    times = panel.times_at(np.repeat(cutoffs.series, horizon), np.repeat(cutoffs.rows - 1, horizon))
    return formats.to_arrow(times, text_times)


def _rounded(quantiles: np.ndarray) -> np.ndarray:
    """Round quantiles (N, H, K, P) to a millionth of their range, below which a network's output is noise.

    Quantiles that are all equal are rounded to 12 significant digits.
    """
    width = np.ptp(quantiles, axis=-1, keepdims=True)
    size = np.where(width > 0, width, 1e-6 * np.abs(quantiles).max(axis=-1, keepdims=True))
    digits = 6 - np.floor(np.log10(size, where=size > 0, out=np.zeros_like(size)))
    unit = 10.0 ** np.clip(digits, -290, 290)
    rounded = np.round(quantiles * unit) / unit
    return np.where(np.isfinite(rounded), rounded, quantiles)


def _columns(forecasting: Forecasting) -> dict[str, int]:
    """Return the index of each column's values: quantiles at `levels(forecasting)`, then samples, then the point."""
    available = levels(forecasting)
    columns = {names.POINT: -1}
    for percent in forecasting.level:
        bounds = interval_bounds(percent)
        for name, level in zip(names.interval(names.POINT, percent), bounds, strict=True):
            columns[name] = names.nearest(available, level)
    columns |= {names.quantile(names.POINT, level): names.nearest(available, level) for level in forecasting.quantiles}
    samples = range(forecasting.samples)
    return columns | {names.sample(names.POINT, number): len(available) + number for number in samples}
