"""What a forecast has to beat: the simple methods of the textbooks (Hyndman and Athanasopoulos 2021). numpy only.

A baseline takes the past of N windows and gives the point forecasts (N, H, K) with the standard deviation of their
errors, (N, H, K), as the past's own errors make it. The intervals are those of a normal distribution.
"""

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np


class Past(NamedTuple):
    """What lies before N cutoffs, and nothing else."""

    values: np.ndarray  # (N, L, K) the newest rows, a season at least; NaN where missing
    rows: np.ndarray  # (N,) rows of the series before the cutoff
    first: np.ndarray  # (N, K) the series' first value; NaN where it comes after the cutoff
    first_row: np.ndarray  # (N, K) the row that it lies in
    step_square: np.ndarray  # (N, K) mean squared change from one step to the next
    season_square: np.ndarray  # (N, K) the same over a season


class Told(NamedTuple):
    """What a baseline says."""

    point: np.ndarray  # (N, H, K)
    deviation: np.ndarray  # (N, H, K)


def quantiles(told: Told, levels: np.ndarray) -> np.ndarray:
    """The normal distribution's at levels (P,): (N, H, K, P)."""
    normal = np.array([NormalDist().inv_cdf(level) for level in levels])
    return told.point[..., None] + normal * told.deviation[..., None]


def last_value(past: Past, horizon: int, _season: int) -> Told:
    """the last value, again and again"""
    ahead = np.arange(1, horizon + 1)[:, None]  # (H, 1)
    return Told(naive(past.values, horizon), np.sqrt(past.step_square[:, None] * ahead))


def last_season(past: Past, horizon: int, season: int) -> Told:
    """the last season, again and again"""
    laps = np.arange(horizon)[:, None] // season + 1  # (H, 1)
    return Told(seasonal_naive(past.values, horizon, season), np.sqrt(past.season_square[:, None] * laps))


def drift(past: Past, horizon: int, _season: int) -> Told:
    """the line through the first and the last value, continued"""
    known = ~np.isnan(past.values)
    age = known[:, ::-1].argmax(axis=1)  # (N, K) steps since the last value
    last = naive(past.values, 1)[:, 0]
    between = past.rows[:, None] - 1 - age - past.first_row  # (N, K)
    slope = np.divide(last - past.first, between, out=np.zeros_like(last), where=between > 0)
    ahead = np.arange(1, horizon + 1)[:, None]
    point = last[:, None] + slope[:, None] * (age[:, None] + ahead)
    grown = ahead * (1 + ahead / np.maximum(between, 1)[:, None])
    return Told(point, np.sqrt((past.step_square - slope**2).clip(min=0)[:, None] * grown))


def window_average(past: Past, horizon: int, season: int) -> Told:
    """the mean of the last season, or of the last horizon where there is no season"""
    recent = past.values[:, -(season if season > 1 else horizon) :]
    known = ~np.isnan(recent)
    count = known.sum(axis=1, keepdims=True)
    unknown = np.full(count.shape, np.nan)
    mean = np.divide(np.nansum(recent, axis=1, keepdims=True), count, out=unknown.copy(), where=count > 0)
    squares = np.nansum((recent - mean) ** 2, axis=1, keepdims=True)
    variance = np.divide(squares, count - 1, out=unknown, where=count > 1)
    deviation = np.sqrt(variance * (1 + 1 / np.maximum(count, 1)))
    return Told(np.repeat(mean, horizon, axis=1), np.repeat(deviation, horizon, axis=1))


BASELINES: dict[str, Callable[[Past, int, int], Told]] = {
    "Naive": last_value,
    "SeasonalNaive": last_season,
    "Drift": drift,
    "WindowAverage": window_average,
}


def naive2(values: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """M4's reference (Makridakis et al. 2020) for one series (T,) without gaps: the last value, again and again (H,).

    Adjusted for the season by classical multiplicative decomposition, where changes over it correlate.
    """
    if not _seasonal(values, season):
        return np.repeat(values[-1], horizon)
    index = _seasonal_index(values, season)
    ahead = (len(values) + np.arange(horizon)) % season
    return values[-1] / index[(len(values) - 1) % season] * index[ahead]


def _seasonal(values: np.ndarray, season: int) -> bool:
    """Whether the autocorrelation at the season is there with 90 % confidence."""
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
    """How many times the trend each phase of the season is, on average: (season,), their mean 1."""
    kernel = season_kernel(season)
    trend = np.convolve(values, kernel / season, mode="valid")
    before = (len(kernel) - 1) // 2
    ratio = values[before : before + len(trend)] / trend
    phases = (before + np.arange(len(trend))) % season
    index = np.bincount(phases, ratio, season) / np.bincount(phases, minlength=season)
    return index / index.mean()


def naive(past: np.ndarray, horizon: int) -> np.ndarray:
    """The last value observed in the past (N, L, K), again and again: (N, H, K)."""
    return seasonal_naive(past, horizon, 1)


def seasonal_naive(past: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """The last season, again and again; a phase missing there comes from the season before, or is the last value."""
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
