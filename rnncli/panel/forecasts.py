"""Quantiles to the columns of a table, named as utilsforecast reads them, under the user's own ids and times.

One target: `rnncli`, `rnncli-lo-80`, `rnncli-hi-80`, `rnncli-q0.1`. Several: `load-rnncli`, `load-rnncli-lo-80`, ...
"""

import numpy as np
import pandas as pd

from rnncli.config import Forecasting
from rnncli.errors import DataError
from rnncli.panel import written
from rnncli.panel.sequences import Cutoffs, Panel

POINT = "rnncli"
WIDE_ID = "unique_id"


def levels(forecasting: Forecasting) -> np.ndarray:
    """The quantile levels (P,) that the columns asked for take, rising, the median always among them."""
    ends = [0.5 + side * percent / 200 for percent in forecasting.level for side in (-1, 1)]
    return np.unique(np.round([0.5, *ends, *forecasting.quantiles], 9))


def to_frame(
    panel: Panel,
    cutoffs: Cutoffs,
    point: np.ndarray,
    quantiles: np.ndarray,
    forecasting: Forecasting,
    text_times: bool,
) -> pd.DataFrame:
    """A row for each step after each cutoff; point: (N, H, K), quantiles: (N, H, K, P) at `levels(forecasting)`.

    With text_times the times are texts of the form that the user's file has.
    """
    count, horizon, targets, _ = quantiles.shape
    series = np.repeat(cutoffs.series, horizon)
    stamps = panel.stamps(series, np.repeat(cutoffs.rows, horizon) + np.tile(np.arange(horizon), count))
    table: dict[str, object] = {}
    if panel.found.roles.id is not None or panel.found.roles.wide:
        ids = pd.Index(panel.ids)
        texts = panel.ids.dtype == object
        table[panel.found.roles.id or WIDE_ID] = pd.Categorical.from_codes(series, ids) if texts else panel.ids[series]
    if panel.found.roles.time in table:
        raise DataError(f'the time column "{WIDE_ID}" has the name of the ids in a forecast. Rename it')
    as_text = text_times and isinstance(stamps, pd.DatetimeIndex)
    table[panel.found.roles.time] = written.render(stamps, panel.times.form) if as_text else stamps
    rounded = _rounded(np.concatenate([quantiles, point[..., None]], axis=-1))
    for number in range(targets):
        prefix = f"{panel.found.roles.targets[number]}-" if targets > 1 else ""
        for name, place in _places(forecasting).items():
            if prefix + name in table:
                raise DataError(f'the column "{prefix + name}" has the name of a forecast\'s. Rename it')
            table[prefix + name] = rounded[:, :, number, place].reshape(-1)
    return pd.DataFrame(table)


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
    return names | {f"{POINT}-q{level:g}": place(level) for level in forecasting.quantiles}
