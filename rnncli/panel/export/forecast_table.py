"""Quantiles to the columns of a table, named as utilsforecast reads them, under the user's own ids and times.

One target: `rnncli`, `rnncli-lo-80`, `rnncli-hi-80`, `rnncli-q0.1`. Several: `load-rnncli`, `load-rnncli-lo-80`, ...
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from rnncli.config.sections import Forecasting
from rnncli.errors import DataError
from rnncli.panel.panel import Cutoffs, Panel
from rnncli.panel.time import formats

POINT, CUTOFF, ANOMALY = "rnncli", "cutoff", "anomaly"
WIDE_ID, WIDE_TARGET = "unique_id", "y"


def levels(forecasting: Forecasting) -> np.ndarray:
    """The quantile levels (P,) that the columns asked for take, rising, the median always among them."""
    ends = [0.5 + side * percent / 200 for percent in forecasting.level for side in (-1, 1)]
    return np.unique(np.round([0.5, *ends, *forecasting.quantiles], 9))


def to_frame(
    panel: Panel,
    cutoffs: Cutoffs,
    forecast: tuple[np.ndarray, np.ndarray],
    paths: np.ndarray | None,
    forecasting: Forecasting,
    text_times: bool,
) -> pd.DataFrame:
    """A row for each step after each cutoff; forecast: points (N, H, K) and quantiles (N, H, K, P) at `levels`.

    paths: (N, H, K, count) futures, or none. With text_times the times are texts of the form that the user's file has.
    """
    point, quantiles = forecast
    horizon, targets = point.shape[1:]
    table = keys(panel, cutoffs, horizon, text_times)
    drawn = np.empty((*point.shape, 0)) if paths is None else paths
    rounded = _rounded(np.concatenate([quantiles, drawn, point[..., None]], axis=-1))
    for number in range(targets):
        prefix = f"{panel.summary.roles.targets[number]}-" if targets > 1 else ""
        for name, place in _places(forecasting).items():
            if prefix + name in table:
                raise DataError(f'the column "{prefix + name}" has the name of a forecast\'s. Rename it')
            table[prefix + name] = rounded[:, :, number, place].reshape(-1)
    return pd.DataFrame(table)


def followed_frame(
    panel: Panel,
    cutoffs: Cutoffs,
    forecast: tuple[np.ndarray, np.ndarray],
    anomaly: np.ndarray,
    forecasting: Forecasting,
) -> pd.DataFrame:
    """The same, with the time of the step before each forecast as its cutoff, and how odd (N, K) that step was."""
    horizon, targets = forecast[0].shape[1:]
    table = to_frame(panel, cutoffs, forecast, None, forecasting, text_times=True)
    made = panel.stamps(np.repeat(cutoffs.series, horizon), np.repeat(cutoffs.rows - 1, horizon))
    behind = list(table).index(panel.summary.roles.time) + 1
    cutoff = pd.DataFrame({CUTOFF: _as_text(panel, made)})
    table = pd.concat([table.iloc[:, :behind], cutoff, table.iloc[:, behind:]], axis=1)
    for number in range(targets):
        prefix = f"{panel.summary.roles.targets[number]}-" if targets > 1 else ""
        table[f"{prefix}{ANOMALY}"] = np.repeat(anomaly[:, number].round(4), horizon)
    return table


def backtest_frame(
    panel: Panel,
    cutoffs: Cutoffs,
    actual: np.ndarray,
    methods: Mapping[str, tuple[np.ndarray, np.ndarray]],
    percents: tuple[float, ...],
    levels: np.ndarray,
    text_times: bool,
) -> pd.DataFrame:
    """What happened, actual (N, H, K), beside what each method had said: the layout of a cross-validation.

    methods: by name the points (N, H, K) and quantiles (N, H, K, P) at levels.
    """
    horizon, targets = actual.shape[1:]
    table = keys(panel, cutoffs, horizon, text_times)
    made = panel.stamps(np.repeat(cutoffs.series, horizon), np.repeat(cutoffs.rows - 1, horizon))
    table[CUTOFF] = _as_text(panel, made) if text_times else made
    names = (WIDE_TARGET,) if panel.summary.roles.wide else panel.summary.roles.targets
    for number, target in enumerate(names):
        if target in table or target in methods:
            raise DataError(f'the target "{target}" has the name of another column of the output. Rename it')
        table[target] = actual[:, :, number].reshape(-1)
    for name, (point, quantiles) in methods.items():
        for number, target in enumerate(names):
            prefix = f"{target}-{name}" if targets > 1 else name
            table[prefix] = point[:, :, number].reshape(-1)
            for percent in percents:
                for end, side in (("lo", -1), ("hi", 1)):
                    place = int(np.abs(levels - (0.5 + side * percent / 200)).argmin())
                    table[f"{prefix}-{end}-{percent:g}"] = quantiles[:, :, number, place].reshape(-1)
    frame = pd.DataFrame(table)
    return frame[~np.isnan(actual).all(axis=2).reshape(-1)]


def keys(panel: Panel, cutoffs: Cutoffs, horizon: int, text_times: bool) -> dict[str, object]:
    """The columns that say which series and time each of the N * H rows is of."""
    series = np.repeat(cutoffs.series, horizon)
    stamps = panel.stamps(series, np.repeat(cutoffs.rows, horizon) + np.tile(np.arange(horizon), len(cutoffs.rows)))
    table: dict[str, object] = {}
    if panel.summary.roles.id is not None or panel.summary.roles.wide:
        ids = pd.Index(panel.ids)
        texts = panel.ids.dtype == object
        table[panel.summary.roles.id or WIDE_ID] = (
            pd.Categorical.from_codes(series, ids) if texts else panel.ids[series]
        )
    if panel.summary.roles.time in table:
        raise DataError(f'the time column "{WIDE_ID}" has the name of the ids in a forecast. Rename it')
    table[panel.summary.roles.time] = _as_text(panel, stamps) if text_times else stamps
    return table


def _as_text(panel: Panel, stamps: pd.Index) -> object:
    """Times in the form that the user's file has."""
    return formats.render(stamps, panel.times.form) if isinstance(stamps, pd.DatetimeIndex) else stamps


def _rounded(quantiles: np.ndarray) -> np.ndarray:
    """Quantiles (N, H, K, P) to a millionth of their width: what a network says beyond is noise.

    Where they have no width, to twelve digits that matter.
    """
    width = np.ptp(quantiles, axis=-1, keepdims=True)
    size = np.where(width > 0, width, 1e-6 * np.abs(quantiles).max(axis=-1, keepdims=True))
    digits = 6 - np.floor(np.log10(size, where=size > 0, out=np.zeros_like(size)))
    unit = 10.0 ** np.clip(digits, -290, 290)
    rounded = np.round(quantiles * unit) / unit
    return np.where(np.isfinite(rounded), rounded, quantiles)


def _places(forecasting: Forecasting) -> dict[str, int]:
    """Column name to the place of its values behind the quantiles at `levels(forecasting)`."""
    known = levels(forecasting)

    def place(level: float) -> int:
        return int(np.abs(known - level).argmin())

    names = {POINT: -1}  # behind the quantiles
    for percent in forecasting.level:
        names[f"{POINT}-lo-{percent:g}"] = place(0.5 - percent / 200)
        names[f"{POINT}-hi-{percent:g}"] = place(0.5 + percent / 200)
    names |= {f"{POINT}-q{level:g}": place(level) for level in forecasting.quantiles}
    return names | {f"{POINT}-sample-{number + 1}": len(known) + number for number in range(forecasting.samples)}
