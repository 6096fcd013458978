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


def season_errors(values: np.ndarray, season: int, rows: np.ndarray, power: int = 1) -> np.ndarray:
    """Seasonal naive's mean absolute error within the first rows (n,) of one series (T, K): (n, K).

    With power 2 the mean squared error.

    NaN where there is no pair to compare. A past no longer than a season is compared with its last value instead.
    """
    errors = np.empty((len(rows), values.shape[1]))
    for lag, chosen in ((season, rows > season), (1, rows <= season)):
        if not chosen.any():
            continue
        steps = np.abs(values[lag:] - values[:-lag]) ** power  # (T - lag, K)
        observed = ~np.isnan(steps)
        zero = np.zeros((1, values.shape[1]))
        total = np.concatenate([zero, np.where(observed, steps, 0.0).cumsum(axis=0)])  # (T - lag + 1, K)
        count = np.concatenate([zero, observed.cumsum(axis=0)])
        last = np.clip(rows[chosen] - lag, 0, None)
        unknown = np.full((len(last), values.shape[1]), np.nan)
        errors[chosen] = np.divide(total[last], count[last], out=unknown, where=count[last] > 0)
    return errors
