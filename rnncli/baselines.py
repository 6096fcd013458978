"""What a forecast has to beat. numpy only.

A baseline takes the past of N windows (N, L, K), NaN where missing, and gives the point forecasts (N, H, K).
"""

import numpy as np


def naive(past: np.ndarray, horizon: int) -> np.ndarray:
    """The last value observed, again and again."""
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


def season_error(values: np.ndarray, season: int) -> np.ndarray:
    """Seasonal naive's mean absolute error within one series (T, K): (K,), NaN where there is no pair to compare.

    A series no longer than a season is compared with its last value instead.
    """
    lag = season if len(values) > season else 1
    steps = np.abs(values[lag:] - values[:-lag])
    observed = ~np.isnan(steps)
    count = observed.sum(axis=0)
    return np.divide(
        np.where(observed, steps, 0.0).sum(axis=0), count, out=np.full(count.shape, np.nan), where=count > 0
    )
