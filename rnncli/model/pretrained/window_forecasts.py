"""Forecast windows with the pretrained network: in batches, and beyond its longest horizon by rolling on."""

import numpy as np

from rnncli.model.pretrained import network
from rnncli.model.pretrained.network import LEVELS, Weights
from rnncli.model.pretrained.simple_forecasts import Seasons
from rnncli.model.pretrained.window_features import CANDIDATES, window_features
from rnncli.model.quantile_values import interpolate, normal_deviates

MAX_HORIZON = 512  # steps ahead that the network was trained on
MAX_BATCH, VALUES_AT_ONCE = 256, 4_000_000  # windows, and values of simple forecasts: bounds the memory
PATHS = (0.1, 0.3, 0.5, 0.7, 0.9)  # levels of the quantiles that a long forecast rolls on from
GRID = 99  # evenly spaced quantiles that stand for a distribution


def memory(seasons: Seasons) -> int:
    """Return the newest rows of a series that the network takes."""
    if seasons.long > 1:
        return 960
    return int(np.clip(20 * seasons.short, 100, 500))


def forecast_windows(members: tuple[Weights, ...], past: np.ndarray, seasons: Seasons, horizon: int) -> np.ndarray:
    """Return the mean quantiles (N, H, Q) of networks at LEVELS after windows (N, L) with NaN where unknown.

    NaN for windows without any value. No forecast depends on the other windows.
    """
    result = np.full((len(past), horizon, len(LEVELS)), np.nan)
    known = ~np.isnan(past)
    first = np.where(known.any(axis=1), known.argmax(axis=1), past.shape[1])
    order = np.argsort(first, kind="stable")
    order = order[first[order] < past.shape[1]]
    steps = min(horizon, MAX_HORIZON)
    size = int(np.clip(VALUES_AT_ONCE // (CANDIDATES * (steps + past.shape[1] // 4)), 1, MAX_BATCH))
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        result[batch] = _forecast(members, past[batch, first[batch[0]] :], seasons, horizon)
    return result


def _forecast(members: tuple[Weights, ...], past: np.ndarray, seasons: Seasons, horizon: int) -> np.ndarray:
    """Return the quantiles (B, H, Q) after windows (B, L).

    Beyond MAX_HORIZON a window is continued by its quantiles at the levels of PATHS, and the forecasts after these
    futures are mixed: a future that is high stays high, so that intervals widen.
    """
    blocks = [_block(members, past, seasons, min(horizon, MAX_HORIZON))]
    futures = [past] * len(PATHS)
    for done in range(MAX_HORIZON, horizon, MAX_HORIZON):
        futures = [
            np.concatenate([future, _at_level(blocks[-1], level)], axis=1)[:, -memory(seasons) :]
            for future, level in zip(futures, PATHS, strict=True)
        ]
        steps = min(horizon - done, MAX_HORIZON)
        blocks.append(_mixture([_block(members, future, seasons, steps) for future in futures]))
    return np.concatenate(blocks, axis=1)


def _block(members: tuple[Weights, ...], past: np.ndarray, seasons: Seasons, horizon: int) -> np.ndarray:
    """Return the quantiles (B, H, Q) after windows (B, L), up to MAX_HORIZON steps."""
    features = window_features(past, seasons, np.arange(1, horizon + 1))
    scaled = np.mean([network.quantiles(weights, features) for weights in members], axis=0)
    return scaled * features.scale[:, None, None] + features.centre[:, None, None]


def _at_level(quantiles: np.ndarray, level: float) -> np.ndarray:
    """Return the quantile (B, H) of distributions (B, H, Q) at one level."""
    return interpolate(quantiles, normal_deviates(np.array(LEVELS)), normal_deviates(np.array([level])))[..., 0]


def _mixture(parts: list[np.ndarray]) -> np.ndarray:
    """Return the quantiles (B, H, Q) of the mixture of distributions (B, H, Q), all of the same weight."""
    grid = normal_deviates((np.arange(GRID) + 0.5) / GRID)
    values = np.concatenate([interpolate(part, normal_deviates(np.array(LEVELS)), grid) for part in parts], axis=2)
    return np.moveaxis(np.quantile(values, LEVELS, axis=2), 0, -1)
