"""Baselines: the simple methods of textbooks (Hyndman and Athanasopoulos 2021). numpy only.

A new baseline is a function and its row in `BASELINES`. It receives the past of N windows and returns point forecasts
with the standard deviation of their errors, estimated from the past. Intervals are those of a normal distribution.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnncli.evaluation.metrics import NAIVE2
from rnncli.model.quantile_values import normal_deviates


class BaselineInput(NamedTuple):
    """The past of N cutoffs."""

    values: np.ndarray  # (N, L, K) the newest rows, at least a season; NaN where missing
    rows: np.ndarray  # (N,) rows of the series before the cutoff
    first: np.ndarray  # (N, K) the series' first value; NaN if it comes after the cutoff
    first_row: np.ndarray  # (N, K) its row
    step_square: np.ndarray  # (N, K) mean squared change from one step to the next
    season_square: np.ndarray  # (N, K) mean squared change over a season


class NormalForecast(NamedTuple):
    """Means and standard deviations of a normal distribution."""

    point: np.ndarray  # (N, H, K)
    deviation: np.ndarray  # (N, H, K)

    def quantiles(self, levels: np.ndarray) -> np.ndarray:
        """Return the quantiles at levels (P,): (N, H, K, P)."""
        return self.point[..., None] + normal_deviates(levels) * self.deviation[..., None]


class Baseline(NamedTuple):
    """A baseline; forecast: from the past, the horizon and the season."""

    forecast: Callable[[BaselineInput, int, int], NormalForecast]
    seasonal: bool = False  # without a season it equals another baseline


def last_value(past: BaselineInput, horizon: int, _season: int) -> NormalForecast:
    """Repeat the last value."""
    ahead = np.arange(1, horizon + 1)[:, None]  # (H, 1)
    return NormalForecast(naive(past.values, horizon), np.sqrt(past.step_square[:, None] * ahead))


def last_season(past: BaselineInput, horizon: int, season: int) -> NormalForecast:
    """Repeat the last season."""
    laps = np.arange(horizon)[:, None] // season + 1  # (H, 1)
    return NormalForecast(seasonal_naive(past.values, horizon, season), np.sqrt(past.season_square[:, None] * laps))


def drift(past: BaselineInput, horizon: int, _season: int) -> NormalForecast:
    """Continue the line through the first and the last value."""
    known = ~np.isnan(past.values)
    age = known[:, ::-1].argmax(axis=1)  # (N, K) steps since the last value
    last = naive(past.values, 1)[:, 0]
    between = past.rows[:, None] - 1 - age - past.first_row  # (N, K)
    slope = np.divide(last - past.first, between, out=np.zeros_like(last), where=between > 0)
    ahead = np.arange(1, horizon + 1)[:, None]
    point = last[:, None] + slope[:, None] * (age[:, None] + ahead)
    growth = ahead * (1 + ahead / np.maximum(between, 1)[:, None])
    return NormalForecast(point, np.sqrt((past.step_square - slope**2).clip(min=0)[:, None] * growth))


def window_average(past: BaselineInput, horizon: int, season: int) -> NormalForecast:
    """Repeat the mean of the last season, or of the last horizon without a season."""
    recent = past.values[:, -(season if season > 1 else horizon) :]
    known = ~np.isnan(recent)
    count = known.sum(axis=1, keepdims=True)
    unknown = np.full(count.shape, np.nan)
    mean = np.divide(np.nansum(recent, axis=1, keepdims=True), count, out=unknown.copy(), where=count > 0)
    squares = np.nansum((recent - mean) ** 2, axis=1, keepdims=True)
    variance = np.divide(squares, count - 1, out=unknown, where=count > 1)
    deviation = np.sqrt(variance * (1 + 1 / np.maximum(count, 1)))
    return NormalForecast(np.repeat(mean, horizon, axis=1), np.repeat(deviation, horizon, axis=1))


BASELINES: dict[str, Baseline] = {
    "Naive": Baseline(last_value),
    "SeasonalNaive": Baseline(last_season, seasonal=True),
    "Drift": Baseline(drift),
    "WindowAverage": Baseline(window_average),
}


def methods(season: int) -> list[str]:
    """Return the baselines for data with this season; 1: none."""
    return [name for name, baseline in BASELINES.items() if season > 1 or not baseline.seasonal]


def naive2(values: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Return the forecast (H,) of M4's reference method (Makridakis et al. 2020) for one series (T,) without gaps.

    It repeats the last value, seasonally adjusted by classical multiplicative decomposition if the autocorrelation at
    the season is significant.
    """
    if not _seasonal(values, season):
        return np.repeat(values[-1], horizon)
    index = _seasonal_index(values, season)
    ahead = (len(values) + np.arange(horizon)) % season
    return values[-1] / index[(len(values) - 1) % season] * index[ahead]


def _seasonal(values: np.ndarray, season: int) -> bool:
    """Return whether the autocorrelation at the season is significant with 90 % confidence."""
    if season == 1 or len(values) < 3 * season or np.ptp(values) == 0:
        return False
    centred = values - values.mean()
    lags = np.array([(centred[lag:] * centred[:-lag]).sum() for lag in range(1, season + 1)]) / (centred**2).sum()
    limit = 1.645 * np.sqrt((1 + 2 * (lags[:-1] ** 2).sum()) / len(values))
    return bool(abs(lags[-1]) > limit)


def season_kernel(season: int) -> np.ndarray:
    """Return the weights, which sum to the season, of a moving average centred on a step."""
    return np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])


def _seasonal_index(values: np.ndarray, season: int) -> np.ndarray:
    """Return the mean ratio of each phase of the season to the trend: (season,), with mean 1."""
    kernel = season_kernel(season)
    trend = np.convolve(values, kernel / season, mode="valid")
    before = (len(kernel) - 1) // 2
    ratio = values[before : before + len(trend)] / trend
    phases = (before + np.arange(len(trend))) % season
    index = np.bincount(phases, ratio, season) / np.bincount(phases, minlength=season)
    return index / index.mean()


def naive(past: np.ndarray, horizon: int) -> np.ndarray:
    """Return the last observed value of the past (N, L, K), repeated: (N, H, K)."""
    return seasonal_naive(past, horizon, 1)


def seasonal_naive(past: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Return the last season of the past (N, L, K), repeated: (N, H, K).

    A missing phase is taken from earlier seasons, or is the last value.
    """
    count, length, targets = past.shape
    laps = -(-length // season)
    padded = np.full((count, laps * season, targets), np.nan)
    padded[:, laps * season - length :] = past
    folded = padded.reshape(count, laps, season, targets)
    newest = (np.arange(1, laps + 1)[:, None, None] * ~np.isnan(folded)).argmax(axis=1)  # (N, season, K)
    last = np.take_along_axis(folded, newest[:, None], axis=1)[:, 0]
    if season > 1 and np.isnan(last).any():
        last = np.where(np.isnan(last), naive(past, 1), last)
    return np.tile(last, (1, -(-horizon // season), 1))[:, :horizon]


REFERENCES: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {NAIVE2: naive2}  # of derived metrics
