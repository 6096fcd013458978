"""Arithmetic of metrics: forecasts of N windows next to their actual values, and errors averaged by window.

Actual values (N, H, K) are NaN where unknown, and skipped. Errors are averaged over the observed steps of each window,
then over windows, so that each window has the same weight (as in M4). numpy only.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnncli.config.intervals import interval_bounds

TENTHS = np.arange(1, 10) / 10


class MetricTerms(NamedTuple):
    """Terms of a metric by window: the metric is the sum of the numerators over the sum of the denominators."""

    numerator: np.ndarray  # (N, K)
    denominator: np.ndarray  # (N, K)

    @property
    def score(self) -> float:
        """The metric over all windows; NaN if no window has a value."""
        return float(divide(self.numerator.sum(), self.denominator.sum()))


class Interval(NamedTuple):
    """Ends (N, H, K) of a prediction interval."""

    low: np.ndarray
    high: np.ndarray

    @property
    def width(self) -> np.ndarray:
        """Upper end minus lower end: (N, H, K)."""
        return self.high - self.low


class EvaluatedForecast(NamedTuple):
    """Forecasts of one method with the actual values."""

    actual: np.ndarray  # (N, H, K)
    point: np.ndarray  # (N, H, K)
    quantiles: np.ndarray  # (N, H, K, P) at `levels`
    levels: np.ndarray  # (P,) in (0, 1), rising, the tenths among them
    season_error: np.ndarray  # (N, K): seasonal naive's mean absolute error before the cutoff; NaN if it has none
    season_square: np.ndarray  # (N, K): its mean squared error there

    @property
    def errors(self) -> np.ndarray:
        """Actual values minus point forecasts: (N, H, K)."""
        return self.actual - self.point

    def at_step(self, index: int) -> "EvaluatedForecast":
        """Return the forecasts of one step ahead; index: from 0."""
        step = slice(index, index + 1)
        return self._replace(actual=self.actual[:, step], point=self.point[:, step], quantiles=self.quantiles[:, step])

    def interval(self, percent: float) -> Interval:
        """Return the central prediction interval of a nominal coverage in percent."""
        low, high = (np.flatnonzero(np.isclose(self.levels, level)) for level in interval_bounds(percent))
        return Interval(self.quantiles[..., low[0]], self.quantiles[..., high[0]])

    def distance_outside(self, interval: Interval) -> np.ndarray:
        """Return the distance of the actual values from an interval, 0 inside it: (N, H, K)."""
        return np.maximum(interval.low - self.actual, 0) + np.maximum(self.actual - interval.high, 0)

    def quantile_loss(self) -> np.ndarray:
        """Return the mean quantile loss over all levels: (N, H, K)."""
        return pinball_loss(self.actual, self.quantiles, self.levels)

    def tenths_loss(self) -> np.ndarray:
        """Return the mean quantile loss over the levels 0.1, ..., 0.9: (N, H, K)."""
        nearest = np.abs(self.levels - TENTHS[:, None]).argmin(axis=1)
        return pinball_loss(self.actual, self.quantiles[..., nearest], TENTHS)

    def mean(self, errors: np.ndarray, scale: np.ndarray | None = None, root: bool = False) -> MetricTerms:
        """Return the mean over windows of the mean over observed steps of errors (N, H, K).

        scale: (N, K), by which the mean of each window is divided; windows with scale 0 are skipped. root: take the
        square root of each window.
        """
        errors = np.where(np.isnan(self.actual), np.nan, errors)
        values = mean_of_steps(errors)
        values = values if scale is None else values / np.where(scale > 0, scale, np.nan)
        values = np.sqrt(values) if root else values
        known = ~np.isnan(values)
        return MetricTerms(np.where(known, values, 0.0), known.astype(float))

    def ratio_of_sums(self, errors: np.ndarray, sizes: np.ndarray) -> MetricTerms:
        """Return the sum of errors (N, H, K) over the sum of sizes (N, H, K) at the steps with an error."""
        sizes = np.where(np.isnan(errors), np.nan, sizes)
        return MetricTerms(np.nansum(errors, axis=1), np.nansum(sizes, axis=1))

    def share_inside(self, interval: Interval) -> MetricTerms:
        """Return the share of the observed steps with the actual value inside an interval."""
        inside = (self.actual >= interval.low) & (self.actual <= interval.high)
        known = ~np.isnan(self.actual + interval.low + interval.high)
        return MetricTerms(inside.sum(axis=1).astype(float), known.sum(axis=1).astype(float))

    def ratio(self, errors: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Return errors / sizes (N, H, K); 0 where the size is 0."""
        return np.divide(errors, sizes, out=errors * 0, where=sizes > 0)


def pinball_loss(actual: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the mean over levels (P,) of the losses (N, H, K) of quantiles (N, H, K, P).

    Twice the usual definition, such that the loss of the median is the absolute error.
    """
    error = actual[..., None] - quantiles
    return 2 * np.maximum(levels * error, (levels - 1) * error).mean(axis=-1)


def mean_of_steps(errors: np.ndarray) -> np.ndarray:
    """Return the mean (N, K) over the observed steps of errors (N, H, K); NaN if none is observed."""
    observed = ~np.isnan(errors)
    count = observed.sum(axis=1)
    total = np.where(observed, errors, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return the ratio (...); NaN where the denominator is not positive."""
    return np.divide(numerator, denominator, out=np.full(np.shape(denominator), np.nan), where=denominator > 0)


def mean_ratio(scores: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean over metrics of the score (...) of a method divided by that of the reference."""
    return np.asarray(np.mean([divide(score, other) for score, other in zip(scores, reference, strict=True)], axis=0))
