"""Whether one method is really better than another, or these windows just happened to suit it. numpy only.

With several series: the bootstrap (Efron 1979) of the ratio of two scores, over series and over blocks of consecutive
windows (Künsch 1989). With one: the test of Diebold and Mariano (1995), corrected for few windows and for windows that
overlap (Harvey, Leybourne and Newbold 1997).
"""

import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from rnncli.evaluation.window_errors import MetricTerms

CONFIDENCE = 0.95
RESAMPLES = 1_000
MIN_SERIES = 5  # to resample: with fewer, all of them are tested together through their windows
MIN_WINDOWS = 4  # to test those

Verdict = Literal["better", "worse", "unknown"]  # unknown: the interval contains zero, or there is none


class Difference(NamedTuple):
    """By how much a score is lower than another's, as shares of the other: 0.1 is a tenth better, -0.1 worse."""

    gain: float
    low: float  # ends of its confidence interval; NaN where there are too few windows to tell
    high: float

    @property
    def verdict(self) -> Verdict:
        """Whether the score is better or worse than the other's, if the windows decide it."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "unknown"


class WindowPositions(NamedTuple):
    """Where the windows of a backtest lie."""

    series: np.ndarray  # (N,) whose they are
    back: np.ndarray  # (N,) how many windows of the backtest come after each
    overlap: int  # windows in a row that have steps in common


def compare(own: MetricTerms, other: MetricTerms, windows: WindowPositions) -> Difference:
    """The difference of a metric between two methods on the same windows; parts (N, K) each."""
    both = (own.denominator > 0) & (other.denominator > 0)
    sums = np.array(
        [
            np.where(both, part, 0.0).sum(axis=1)
            for part in (own.numerator, own.denominator, other.numerator, other.denominator)
        ]
    )
    names, series = np.unique(windows.series, return_inverse=True)
    table = np.zeros((4, len(names), int(windows.back.max()) + 1))  # by series and window: each place has one at most
    table[:, series, windows.back] = sums
    gain = float(_gain(table.sum(axis=(1, 2))))
    if len(names) >= MIN_SERIES:
        return Difference(gain, *_bootstrap(table, windows.overlap))
    return Difference(gain, *_diebold_mariano(table.sum(axis=1), windows.overlap))


def compare_all(terms: Mapping[str, MetricTerms], method: str, windows: WindowPositions) -> dict[str, Difference]:
    """Return the difference of a method from each other method, by its name; terms: of one metric by method."""
    return {name: compare(terms[method], other, windows) for name, other in terms.items() if name != method}


def _gain(sums: np.ndarray) -> np.ndarray:
    """One less the ratio of two scores, from what they are made of (4, ...); NaN where the other is 0."""
    scale = sums[1] * sums[2]
    ratio = np.divide(sums[0] * sums[3], scale, out=np.full(np.shape(scale), np.nan), where=scale > 0)
    return 1 - ratio


def _bootstrap(table: np.ndarray, overlap: int) -> tuple[float, float]:
    """Ends of the interval from resampled series and blocks of windows; table: (4, S, W)."""
    generator = np.random.default_rng(0)  # the same windows give the same answer
    _, series, windows = table.shape
    block = min(windows, max(overlap, round(windows ** (1 / 3))))
    gains = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = np.bincount(generator.integers(series, size=series), minlength=series)
        starts = generator.integers(windows, size=-(-windows // block))
        places = (starts[:, None] + np.arange(block)).reshape(-1)[:windows] % windows
        gains[number] = _gain((drawn @ table)[:, places].sum(axis=1))
    if np.isnan(gains).any():
        return math.nan, math.nan
    low, high = np.quantile(gains, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _diebold_mariano(table: np.ndarray, overlap: int) -> tuple[float, float]:
    """Ends of the interval from how the difference of the losses varies from window to window; table: (4, W)."""
    table = table[:, table[1] > 0]
    count = table.shape[1]
    correction = (count + 1 - 2 * overlap + overlap * (overlap - 1) / count) / count if count else 0.0
    reference = table[2].sum()
    if count < MIN_WINDOWS or overlap >= count or correction <= 0 or not reference > 0:
        return math.nan, math.nan
    gains = (
        (table[2] - table[0] * table[3].sum() / table[1].sum()) * count / reference
    )  # of each window; their mean counts
    centred = gains - gains.mean()
    covariances = [float((centred[lag:] * centred[: count - lag]).sum()) / count for lag in range(overlap)]
    variance = covariances[0] + 2 * sum(covariances[1:])
    spread = math.sqrt((variance if variance > 0 else covariances[0]) / count / correction)
    reach = student_quantile((1 + CONFIDENCE) / 2, count - 1) * spread
    return float(gains.mean() - reach), min(1.0, float(gains.mean() + reach))  # no error is less than none


def student_quantile(share: float, freedom: int) -> float:
    """The quantile of Student's t distribution for shares above one half, to six digits: its density summed up."""
    # With t = sqrt(freedom) tan(angle) the density is a power of the cosine.
    angle = np.linspace(0, math.pi / 2, 200_001)
    density = np.cos(angle) ** (freedom - 1)
    cumulative = np.concatenate([[0.0], ((density[1:] + density[:-1]) / 2).cumsum()])
    wanted = np.interp((2 * share - 1) * cumulative[-1], cumulative, angle)
    return float(math.sqrt(freedom) * math.tan(wanted))
