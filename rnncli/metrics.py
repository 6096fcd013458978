"""What an error is. numpy only.

Every metric scores N windows: actual (N, H, K), NaN where unknown and then skipped, and a forecast beside it. Means are
taken over the observed steps of each window, then over windows, so that each window counts alike (as M4 does).
"""

from collections.abc import Callable, Sequence
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


class Parts(NamedTuple):
    """What each window adds to a metric: the metric is the sum of the first over the sum of the second."""

    above: np.ndarray  # (N, K)
    below: np.ndarray  # (N, K)

    def plus(self, other: "Parts") -> "Parts":
        """Of these and other windows, summed up."""
        return Parts(*(np.array(mine.sum() + theirs.sum()) for mine, theirs in zip(self, other, strict=True)))

    @property
    def ratio(self) -> float:
        """The metric over all windows; NaN where nothing was to be measured."""
        below = float(self.below.sum())
        return float(self.above.sum()) / below if below > 0 else np.nan


def mae(scored: Scored) -> Parts:
    """mean |y - f|"""
    return _each(_mean_of_windows(np.abs(scored.actual - scored.point)))


def mse(scored: Scored) -> Parts:
    """mean (y - f)^2"""
    return _each(_mean_of_windows((scored.actual - scored.point) ** 2))


def rmse(scored: Scored) -> Parts:
    """sqrt(mean (y - f)^2) of each window, then the mean over windows"""
    return _each(np.sqrt(_mean_of_windows((scored.actual - scored.point) ** 2)))


def mase(scored: Scored) -> Parts:
    """mean |y - f| / mean |y[t] - y[t - season]| before the cutoff; windows that never moved are left out"""
    return _each(_mean_of_windows(np.abs(scored.actual - scored.point)) / _positive(scored.season_error))


def rmsse(scored: Scored) -> Parts:
    """sqrt(mean (y - f)^2 / mean (y[t] - y[t - season])^2 before the cutoff) of each window, then the mean"""
    squares = _mean_of_windows((scored.actual - scored.point) ** 2)
    return _each(np.sqrt(squares / _positive(scored.season_square)))


def smape(scored: Scored) -> Parts:
    """mean of 200 |y - f| / (|y| + |f|), in percent between 0 and 200, as in M4; 0 where y = f = 0"""
    size = np.abs(scored.actual) + np.abs(scored.point)
    error = np.abs(scored.actual - scored.point)
    return _each(_mean_of_windows(200 * np.divide(error, size, out=error * 0, where=size > 0)))


def quantile_loss(scored: Scored) -> Parts:
    """sum of the mean over quantiles q = 0.1, ..., 0.9 of 2 max(q (y - f), (q - 1)(y - f)), divided by sum |y|"""
    places = np.abs(scored.levels - TENTHS[:, None]).argmin(axis=1)  # of the tenths among the levels
    quantiles = scored.point[..., None] if scored.quantiles is None else scored.quantiles[..., places]
    loss = _pinball(scored.actual, quantiles, TENTHS)
    return Parts(np.nansum(loss, axis=1), np.nansum(np.abs(scored.actual), axis=1))


def scaled_quantile_loss(scored: Scored) -> Parts:
    """mean over all levels of 2 max(q (y - f), (q - 1)(y - f)), divided as in MASE"""
    assert scored.quantiles is not None
    loss = _pinball(scored.actual, scored.quantiles, scored.levels)
    return _each(_mean_of_windows(loss) / _positive(scored.season_error))


def coverage(scored: Scored, percent: float) -> Parts:
    """share of actual values inside the interval, 0 to 1"""
    if scored.quantiles is None:
        return Parts(np.zeros(1), np.zeros(1))
    low, high = (np.flatnonzero(np.isclose(scored.levels, 0.5 + side * percent / 200)) for side in (-1, 1))
    bottom, top = scored.quantiles[..., low[0]], scored.quantiles[..., high[0]]
    inside = (scored.actual >= bottom) & (scored.actual <= top)
    return Parts(inside.sum(axis=1), (~np.isnan(scored.actual + bottom)).sum(axis=1))


METRICS: dict[str, Callable[[Scored], Parts]] = {
    "MAE": mae,
    "MSE": mse,
    "RMSE": rmse,
    "MASE": mase,
    "RMSSE": rmsse,
    "sMAPE": smape,
    "WQL": quantile_loss,
}
USUAL = ("MAE", "RMSE", "MASE", "sMAPE", "WQL")  # shown where nothing is asked for: they fit into 80 columns


def definitions(names: Sequence[str]) -> dict[str, str]:
    """What each metric is, in a line."""
    return {name: str(METRICS[name].__doc__) for name in names} | {"cover": str(coverage.__doc__)}


def parts(scored: Scored, names: Sequence[str], percents: Sequence[float]) -> dict[str, Parts]:
    """The metrics of these names, and the coverage of each interval, window by window."""
    points = {name: METRICS[name](scored) for name in names}
    return points | {f"cover {percent:g}": coverage(scored, percent) for percent in percents}


def _pinball(actual: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Mean over levels (P,) of the quantile losses of quantiles (N, H, K, P): (N, H, K)."""
    error = actual[..., None] - quantiles
    return 2 * np.maximum(levels * error, (levels - 1) * error).mean(axis=-1)


def _mean_of_windows(errors: np.ndarray) -> np.ndarray:
    """Mean over the observed steps of each window and target: (N, H, K) to (N, K), NaN where none is observed."""
    observed = ~np.isnan(errors)
    count = observed.sum(axis=1)
    total = np.where(observed, errors, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _positive(scale: np.ndarray) -> np.ndarray:
    return np.where(scale > 0, scale, np.nan)


def _each(values: np.ndarray) -> Parts:
    """Each window that has a value counts alike."""
    known = ~np.isnan(values)
    return Parts(np.where(known, values, 0.0), known.astype(float))
