"""What an error is. numpy only.

Every metric scores N windows: actual (N, H, K), NaN where unknown and then skipped, and a forecast beside it. Means are
taken over the observed steps of each window, then over windows, so that each window counts alike (as M4 does).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rnncli.config.intervals import interval_bounds

TENTHS = np.arange(1, 10) / 10


class Scored(NamedTuple):
    """One method's forecasts beside what happened."""

    actual: np.ndarray  # (N, H, K)
    point: np.ndarray  # (N, H, K)
    quantiles: np.ndarray  # (N, H, K, P) at `levels`
    levels: np.ndarray  # (P,) in (0, 1), rising, the tenths among them
    season_error: np.ndarray  # (N, K): seasonal naive's mean absolute error before the cutoff; NaN where it has none
    season_square: np.ndarray  # (N, K): its mean squared error there

    def step(self, number: int) -> "Scored":
        """The same of one step ahead."""
        one = slice(number, number + 1)
        return self._replace(actual=self.actual[:, one], point=self.point[:, one], quantiles=self.quantiles[:, one])


class Parts(NamedTuple):
    """What each window adds to a metric: the metric is the sum of the first over the sum of the second."""

    above: np.ndarray  # (N, K)
    below: np.ndarray  # (N, K)

    @property
    def ratio(self) -> float:
        """The metric over all windows; NaN where nothing was to be measured."""
        return float(ratio(self.above.sum(), self.below.sum()))


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """One over the other (...); NaN where nothing was to be measured."""
    return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 0)


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
    loss = _pinball(scored.actual, scored.quantiles[..., places], TENTHS)
    size = np.where(np.isnan(loss), np.nan, np.abs(scored.actual))
    return Parts(np.nansum(loss, axis=1), np.nansum(size, axis=1))


def scaled_quantile_loss(scored: Scored) -> Parts:
    """mean over all levels of 2 max(q (y - f), (q - 1)(y - f)), divided as in MASE"""
    loss = _pinball(scored.actual, scored.quantiles, scored.levels)
    return _each(_mean_of_windows(loss) / _positive(scored.season_error))


def coverage(scored: Scored, percent: float) -> Parts:
    """share of actual values inside the interval, 0 to 1"""
    bottom, top = interval(scored, percent)
    inside = (scored.actual >= bottom) & (scored.actual <= top)
    return Parts(inside.sum(axis=1).astype(float), (~np.isnan(scored.actual + bottom + top)).sum(axis=1).astype(float))


def width(scored: Scored, percent: float) -> Parts:
    """mean of the interval's upper end minus its lower one"""
    bottom, top = interval(scored, percent)
    return _each(_mean_of_windows(np.where(np.isnan(scored.actual), np.nan, top - bottom)))


def interval_score(scored: Scored, percent: float) -> Parts:
    """mean of width + 2 / (1 - level) times how far y lies outside of the interval, divided as in MASE (M4's MSIS)"""
    bottom, top = interval(scored, percent)
    outside = np.maximum(bottom - scored.actual, 0) + np.maximum(scored.actual - top, 0)
    scores = top - bottom + 2 / (1 - percent / 100) * outside
    return _each(_mean_of_windows(scores) / _positive(scored.season_error))


def interval(scored: Scored, percent: float) -> tuple[np.ndarray, np.ndarray]:
    """Both ends (N, H, K) of the interval that is to hold so many percent."""
    low, high = (np.flatnonzero(np.isclose(scored.levels, level)) for level in interval_bounds(percent))
    return scored.quantiles[..., low[0]], scored.quantiles[..., high[0]]


METRICS: dict[str, Callable[[Scored], Parts]] = {
    "MAE": mae,
    "MSE": mse,
    "RMSE": rmse,
    "MASE": mase,
    "RMSSE": rmsse,
    "sMAPE": smape,
    "WQL": quantile_loss,
}
INTERVALS: dict[str, Callable[[Scored, float], Parts]] = {
    "coverage": coverage,
    "width": width,
    "MSIS": interval_score,
}  # each of every interval: coverage-80, coverage-95, ...
USUAL = ("MASE", "MAE", "RMSE", "sMAPE", "WQL", "coverage")  # where nothing is asked for: they fit into 80 columns


OWA, NAIVE2, OWA_PARTS = "OWA", "Naive2", ("sMAPE", "MASE")


def owa(own: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> np.ndarray:
    """mean of sMAPE and MASE, each divided by that of Naive2 (M4's overall weighted average)"""
    return np.mean([ratio(own[name], other[name]) for name in OWA_PARTS], axis=0)


def definitions(names: Sequence[str]) -> dict[str, str]:
    """What each metric is, in a line."""
    every: dict[str, Callable[..., Parts]] = {**METRICS, **INTERVALS}
    return {name: str((owa if name == OWA else every[name]).__doc__) for name in names}


def every_name() -> list[str]:
    """The names of all metrics."""
    return [*METRICS, OWA, *INTERVALS]


def columns(names: Sequence[str], percents: Sequence[float]) -> list[str]:
    """Names of metrics as scores bear them: those of intervals once for each, with its percents."""
    return [
        column
        for name in names
        for column in ([f"{name}-{percent:g}" for percent in percents] if name in INTERVALS else [name])
    ]


def interval_of(column: str) -> tuple[str, float] | None:
    """The metric and the percents of a column of `columns`; None if the metric is not one of intervals."""
    name, _, percent = column.rpartition("-")
    if column in METRICS or name not in INTERVALS:
        return None
    try:
        return name, float(percent)
    except ValueError:  # a column of a card that was tampered with
        return None


def coverages(names: Iterable[str]) -> dict[str, float]:
    """The columns that are coverages of intervals, each with the percents of its interval."""
    found = {name: interval_of(name) for name in names}
    return {name: of[1] for name, of in found.items() if of is not None and INTERVALS[of[0]] is coverage}


def parts(scored: Scored, names: Sequence[str], percents: Sequence[float]) -> dict[str, Parts]:
    """The metrics of these names, window by window, under the names of their columns."""
    of_intervals = {
        f"{name}-{percent:g}": (INTERVALS[name], percent) for name in names if name in INTERVALS for percent in percents
    }
    return {
        column: METRICS[column](scored)
        if column in METRICS
        else of_intervals[column][0](scored, of_intervals[column][1])
        for column in columns(names, percents)
    }


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
