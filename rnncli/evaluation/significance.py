"""Test the difference between the scores of two methods for significance. numpy only.

With several series: bootstrap (Efron 1979) of the ratio of both scores, over series and blocks of consecutive windows
(Künsch 1989). With few: the test of Diebold and Mariano (1995), corrected for few and overlapping windows (Harvey,
Leybourne and Newbold 1997).
"""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from rnncli.evaluation.window_errors import MetricTerms

CONFIDENCE = 0.95
RESAMPLES = 1_000
MIN_SERIES = 5  # for the bootstrap; the losses of fewer series are summed by window and tested
MIN_WINDOWS = 4  # for the test

Verdict = Literal["better", "worse", "unknown"]  # unknown: the interval contains zero, or there is none


class Difference(NamedTuple):
    """Relative difference of a score from another method's: 0.1 is 10 % better (lower), -0.1 is 10 % worse."""

    gain: float
    low: float  # bounds of its confidence interval; NaN if there are too few windows
    high: float

    @property
    def verdict(self) -> Verdict:
        """Verdict: whether the score is significantly better or worse."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "unknown"


class WindowPositions(NamedTuple):
    """Positions of the windows of a backtest."""

    series: np.ndarray  # (N,) index of the series
    back: np.ndarray  # (N,) number of later windows of the series
    overlap: int  # number of consecutive windows that share steps


def compare(first: MetricTerms, second: MetricTerms, windows: WindowPositions) -> Difference:
    """Return the difference of the first from the second method on the same windows; terms: (N, K) each."""
    both = (first.denominator > 0) & (second.denominator > 0)
    sums = np.array(
        [
            np.where(both, part, 0.0).sum(axis=1)
            for part in (first.numerator, first.denominator, second.numerator, second.denominator)
        ]
    )
    names, series = np.unique(windows.series, return_inverse=True)
    table = np.zeros((4, len(names), int(windows.back.max()) + 1))  # by series and window
    table[:, series, windows.back] = sums
    gain = float(_gain(table.sum(axis=(1, 2))))
    if len(names) >= MIN_SERIES:
        return Difference(gain, *_bootstrap(table, windows.overlap))
    return Difference(gain, *_diebold_mariano(table.sum(axis=1), windows.overlap))


def compare_all(terms: Mapping[str, MetricTerms], method: str, windows: WindowPositions) -> dict[str, Difference]:
    """Return the difference of a method from each other method, by its name; terms: of one metric by method."""
    return {name: compare(terms[method], other, windows) for name, other in terms.items() if name != method}


def _gain(sums: np.ndarray) -> np.ndarray:
    """Return one minus the ratio of two scores from their terms (4, ...); NaN if the other score is 0."""
    scale = sums[1] * sums[2]
    ratio = np.divide(sums[0] * sums[3], scale, out=np.full(np.shape(scale), np.nan), where=scale > 0)
    return 1 - ratio


def _bootstrap(table: np.ndarray, overlap: int) -> tuple[float, float]:
    """Return the bounds of the interval from resampled series and blocks of windows; table: (4, S, W)."""
    generator = np.random.default_rng(0)  # the same windows give the same interval
    _, series, windows = table.shape
    block = min(windows, max(overlap, round(windows ** (1 / 3))))
    gains = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = np.bincount(generator.integers(series, size=series), minlength=series)
        starts = generator.integers(windows, size=-(-windows // block))
        chosen = (starts[:, None] + np.arange(block)).reshape(-1)[:windows] % windows
        gains[number] = _gain((drawn @ table)[:, chosen].sum(axis=1))
    if np.isnan(gains).any():
        return math.nan, math.nan
    low, high = np.quantile(gains, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _diebold_mariano(table: np.ndarray, overlap: int) -> tuple[float, float]:
    """Return the bounds of the interval from the variance of the loss differences between windows; table: (4, W)."""
    table = table[:, table[1] > 0]
    count = table.shape[1]
    correction = (count + 1 - 2 * overlap + overlap * (overlap - 1) / count) / count if count else 0.0
    reference = table[2].sum()
    if count < MIN_WINDOWS or overlap >= count or correction <= 0 or not reference > 0:
        return math.nan, math.nan
    # The gain of each window; their mean is the gain.
    gains = (table[2] - table[0] * table[3].sum() / table[1].sum()) * count / reference
    centred = gains - gains.mean()
    covariances = [float((centred[lag:] * centred[: count - lag]).sum()) / count for lag in range(overlap)]
    variance = covariances[0] + 2 * sum(covariances[1:])
    spread = math.sqrt((variance if variance > 0 else covariances[0]) / count / correction)
    reach = student_quantile((1 + CONFIDENCE) / 2, count - 1) * spread
    return float(gains.mean() - reach), min(1.0, float(gains.mean() + reach))  # an error cannot be negative


def student_quantile(share: float, freedom: int) -> float:
    """Return a quantile above the median of Student's t distribution, to six digits, by numerical integration."""
    # With t = sqrt(freedom) tan(angle) the density is a power of the cosine.
    angle = np.linspace(0, math.pi / 2, 200_001)
    density = np.cos(angle) ** (freedom - 1)
    cumulative = np.concatenate([[0.0], ((density[1:] + density[:-1]) / 2).cumsum()])
    wanted = np.interp((2 * share - 1) * cumulative[-1], cumulative, angle)
    return float(math.sqrt(freedom) * math.tan(wanted))
