"""What an error is. numpy only.

Every metric scores N windows: actual (N, H, K), NaN where unknown and then skipped, and a forecast beside it. Means are
taken over the observed steps of each window, then over windows, so that each window counts alike (as M4 does).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

TENTHS = np.arange(1, 10) / 10


class Scored(NamedTuple):
    """One model's forecasts beside what happened."""

    actual: np.ndarray  # (N, H, K)
    point: np.ndarray  # (N, H, K)
    quantiles: np.ndarray | None  # (N, H, K, P) at `levels`; None where the point is all there is
    levels: np.ndarray  # (P,) in (0, 1), rising, the tenths among them
    season_error: np.ndarray  # (N, K): seasonal naive's mean absolute error before the cutoff; NaN where it has none
    season_square: np.ndarray  # (N, K): its mean squared error there


def mae(scored: Scored) -> float:
    """mean |y - f|"""
    return _over_windows(np.abs(scored.actual - scored.point))


def mse(scored: Scored) -> float:
    """mean (y - f)^2"""
    return _over_windows((scored.actual - scored.point) ** 2)


def rmsse(scored: Scored) -> float:
    """sqrt(mean (y - f)^2 / mean (y[t] - y[t - season])^2 before the cutoff) of each window, then the mean of all"""
    scale = np.where(scored.season_square > 0, scored.season_square, np.nan)
    return _mean(np.sqrt(_mean_of_windows((scored.actual - scored.point) ** 2) / scale))


def rmse(scored: Scored) -> float:
    """sqrt(mean (y - f)^2) of each window, then the mean over windows"""
    return _mean(np.sqrt(_mean_of_windows((scored.actual - scored.point) ** 2)))


def mase(scored: Scored) -> float:
    """mean |y - f| / mean |y[t] - y[t - season]| before the cutoff; windows that never moved are left out"""
    scale = np.where(scored.season_error > 0, scored.season_error, np.nan)
    return _mean(_mean_of_windows(np.abs(scored.actual - scored.point) / scale[:, None, :]))


def smape(scored: Scored) -> float:
    """mean of 200 |y - f| / (|y| + |f|), in percent between 0 and 200, as in M4; 0 where y = f = 0"""
    size = np.abs(scored.actual) + np.abs(scored.point)
    error = np.abs(scored.actual - scored.point)
    return _over_windows(200 * np.divide(error, size, out=error * 0, where=size > 0))


def quantile_loss(scored: Scored) -> float:
    """sum of the mean over quantiles q = 0.1, ..., 0.9 of 2 max(q (y - f), (q - 1)(y - f)), divided by sum |y|"""
    places = np.abs(scored.levels - TENTHS[:, None]).argmin(axis=1)  # of the tenths among the levels
    quantiles = scored.point[..., None] if scored.quantiles is None else scored.quantiles[..., places]
    error = scored.actual[..., None] - quantiles  # (N, H, K, 9)
    loss = 2 * np.maximum(TENTHS * error, (TENTHS - 1) * error).mean(axis=-1)
    total = np.nansum(np.abs(scored.actual))
    return float(np.nansum(loss) / total) if total > 0 else np.nan


def coverage(scored: Scored, percent: float) -> float:
    """share of actual values inside the interval, 0 to 1"""
    if scored.quantiles is None:
        return np.nan
    low, high = (np.flatnonzero(np.isclose(scored.levels, 0.5 + side * percent / 200)) for side in (-1, 1))
    bottom, top = scored.quantiles[..., low[0]], scored.quantiles[..., high[0]]
    inside = (scored.actual >= bottom) & (scored.actual <= top)
    return _mean(inside[~np.isnan(scored.actual + bottom)].astype(float))


def scaled_quantile_loss(scored: Scored) -> float:
    """mean over all levels of 2 max(q (y - f), (q - 1)(y - f)), divided as in MASE"""
    assert scored.quantiles is not None
    error = scored.actual[..., None] - scored.quantiles
    loss = 2 * np.maximum(scored.levels * error, (scored.levels - 1) * error).mean(axis=-1)
    scale = np.where(scored.season_error > 0, scored.season_error, np.nan)
    return _mean(_mean_of_windows(loss / scale[:, None, :]))


METRICS: dict[str, Callable[[Scored], float]] = {
    "MAE": mae,
    "RMSE": rmse,
    "MASE": mase,
    "sMAPE": smape,
    "WQL": quantile_loss,
}


def definitions() -> dict[str, str]:
    """What each metric is, in a line."""
    return {name: str(metric.__doc__) for name, metric in METRICS.items()} | {"cover": str(coverage.__doc__)}


def scores(scored: Scored, percents: tuple[float, ...]) -> dict[str, float]:
    """All metrics, and the coverage of each interval."""
    points = {name: metric(scored) for name, metric in METRICS.items()}
    return points | {f"cover {percent:g}": coverage(scored, percent) for percent in percents}


def _mean_of_windows(errors: np.ndarray) -> np.ndarray:
    """Mean over the observed steps of each window and target: (N, H, K) to (N, K), NaN where none is observed."""
    observed = ~np.isnan(errors)
    count = observed.sum(axis=1)
    total = np.where(observed, errors, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _over_windows(errors: np.ndarray) -> float:
    return _mean(_mean_of_windows(errors))
