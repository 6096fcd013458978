"""Simple forecasts of many windows at once: levels, trends and seasons, each method with a name. NumPy only.

A window is a row of L values whose weights are 0 before its first value and 1 from there on. No forecast depends on
how far a window is padded, or on the other windows.
"""

import math
from typing import NamedTuple

import numpy as np

SMOOTHING = (0.1, 0.3, 0.6)  # of simple exponential smoothing
HOLT = ((0.3, 0.05, 0.97), (0.6, 0.2, 0.9), (0.3, 0.1, 1.0))  # smoothing of level and slope, damping of Holt's method
RECENT = 0.6  # weight of a season relative to the one after it, for seasons that change
WARM_UP = 8  # values of which slopes are averages
MEMORY = 240  # newest values that are smoothed: earlier ones have no weight left
MEAN_OF = 3  # newest values in a mean without a season
BACKFITS = 3  # rounds in which line and season are fitted in turn
SMOOTH_CYCLES = 26  # short seasons in a long one, from which on the long one is smoothed

_ADJUSTED = (
    "naive",
    *(f"SES {alpha:g}" for alpha in SMOOTHING),
    *("Theta", "drift", "line", "recent line"),
    *(f"Holt {alpha:g}/{beta:g}/{phi:g}" for alpha, beta, phi in HOLT),
)
METHODS = (
    *(
        "naive",
        "mean of a season",
        "seasonal naive",
        "long seasonal naive",
        "long seasonal naive at the level",
        "median",
    ),
    *(f"{name} + {shape}" for shape in ("season", "recent season", "both seasons") for name in _ADJUSTED),
)


class Seasons(NamedTuple):
    """Lengths of the two seasons of a window, in steps: 1 for none."""

    short: int
    long: int = 1  # a multiple of the short one


class SimpleForecasts(NamedTuple):
    """Forecasts of all methods, and the seasons they use."""

    values: np.ndarray  # (B, K, H)
    season: np.ndarray  # (B, m) deviations by phase; phase 0 is the first step ahead
    both: np.ndarray  # (B, M) the same with the long season


def simple_forecasts(values: np.ndarray, weights: np.ndarray, seasons: Seasons, steps: np.ndarray) -> SimpleForecasts:
    """Forecast windows (B, L) at some steps (H,) after their end by every method of METHODS."""
    values, weights = _padded(values, seasons.short), _padded(weights, seasons.short)
    length, (short, long) = values.shape[1], seasons
    time, seen = np.arange(1 - length, 1, dtype=np.float64), weights.sum(axis=1)
    shapes = [_season(values, weights, time, short, decay) for decay in (1.0, RECENT)]
    if short == 1:
        shapes = shapes[:1]
    if long > 1:
        shapes.append(_both_seasons(values, weights, time, shapes[-1], seasons))
    adjusted = np.stack([(values - _repeated(shape, length)) * weights for shape in shapes])  # (G, B, L)
    forecasts = _adjusted_forecasts(adjusted, weights, time, short, steps)  # (G, B, A, H)
    ahead = np.stack([shape[:, (steps - 1) % shape.shape[1]] for shape in shapes])
    groups = list(forecasts + ahead[:, :, None])
    groups = [groups[min(number, len(groups) - 1)] for number in range(3)]
    last = np.broadcast_to(values[:, -1:], (len(values), len(steps)))
    span = short if short > 1 else MEAN_OF
    recent = weighted_mean(values[:, -span:], weights[:, -span:])[:, None]
    repeated = np.where((seen >= short)[:, None], values[:, (steps - 1) % short - short], last)
    ago, level = repeated, repeated
    if long > 1 and length >= long:
        ago = np.where((seen >= long)[:, None], values[:, (steps - 1) % long - long], repeated)
        enough = length >= long + short
        former = values[:, -long - short : length - long].mean(axis=1, keepdims=True) if enough else recent
        level = np.where((seen >= long + short)[:, None], ago + recent - former, ago)
    middle = np.nanmedian(np.where((weights > 0) | (seen == 0)[:, None], values, np.nan), axis=1)[:, None]
    singles = [last, np.broadcast_to(recent, last.shape), repeated, ago, level, np.broadcast_to(middle, last.shape)]
    return SimpleForecasts(np.concatenate([np.stack(singles, axis=1), *groups], axis=1), shapes[0], shapes[-1])


def _padded(values: np.ndarray, length: int) -> np.ndarray:
    """Return windows (B, L) with zeros before them, if they are shorter than a length."""
    return np.pad(values, ((0, 0), (max(0, length + 1 - values.shape[1]), 0)))


def _repeated(shape: np.ndarray, length: int) -> np.ndarray:
    """Return the season (B, m) of each step of windows: (B, L)."""
    return shape[:, np.arange(-length, 0) % shape.shape[1]]


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean (...) of values (..., L); zero without any weight."""
    return (values * weights).sum(axis=-1) / np.maximum(weights.sum(axis=-1), 1e-12)


def _line(values: np.ndarray, weights: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit lines by weighted least squares: value at time 0 and slope, (...) each, of values (..., L)."""
    total = np.maximum(weights.sum(axis=-1), 1e-12)
    middle, centre = (weights * time).sum(axis=-1) / total, (values * weights).sum(axis=-1) / total
    away = time - middle[..., None]
    weighted = weights * away
    slope = (weighted * (values - centre[..., None])).sum(axis=-1) / np.maximum((weighted * away).sum(axis=-1), 1e-12)
    return centre - slope * middle, slope


def _season(values: np.ndarray, weights: np.ndarray, time: np.ndarray, season: int, decay: float) -> np.ndarray:
    """Fit a line and a value for each phase in turn (backfitting): (B, m), with mean 0 over the known phases.

    Zero for windows with no phase seen twice.
    """
    count, length = values.shape
    if season == 1:
        return np.zeros((count, 1))
    cycles = math.ceil(length / season)
    pad = ((0, 0), (cycles * season - length, 0))
    laps, known = (np.pad(part, pad).reshape(count, cycles, season) for part in (values, weights))
    when = np.pad(time, pad[1]).reshape(cycles, season)
    weighted = known * decay ** np.arange(cycles - 1, -1, -1, dtype=np.float64)[:, None]
    total = weighted.sum(axis=1)
    there = (total > 0).astype(np.float64)
    phases = np.maximum(there.sum(axis=1, keepdims=True), 1)
    flat_known, flat_time = known.reshape(count, -1), when.reshape(-1)
    shape = np.zeros((count, season))
    for _ in range(BACKFITS):
        rest = ((laps - shape[:, None]) * known).reshape(count, -1)
        level, slope = _line(rest, flat_known, flat_time)
        left = (laps - level[:, None, None] - slope[:, None, None] * when) * weighted
        shape = left.sum(axis=1) / np.maximum(total, 1e-9)
        shape = (shape - (shape * there).sum(axis=1, keepdims=True) / phases) * there
    return shape * (weights.sum(axis=1) >= season + 2)[:, None]


def _both_seasons(
    values: np.ndarray, weights: np.ndarray, time: np.ndarray, short: np.ndarray, seasons: Seasons
) -> np.ndarray:
    """Fit the long season to what the short one (B, m) leaves, and return their sum (B, M).

    Of a window shorter than the long season, the short one alone.
    """
    rest = (values - _repeated(short, values.shape[1])) * weights
    long = _season(rest, weights, time, seasons.long, RECENT)
    if seasons.long >= SMOOTH_CYCLES * seasons.short:
        width = 3 * seasons.short  # a moving average around each phase
        around = np.concatenate([long[:, -(width // 2) :], long, long[:, : width - 1 - width // 2]], axis=1)
        sums = np.cumsum(np.pad(around, ((0, 0), (1, 0))), axis=1)
        long = (sums[:, width:] - sums[:, :-width]) / width
    return long + np.tile(short, seasons.long // seasons.short)


def _adjusted_forecasts(
    values: np.ndarray, weights: np.ndarray, time: np.ndarray, season: int, steps: np.ndarray
) -> np.ndarray:
    """Forecast seasonally adjusted windows (G, B, L) by every method of _ADJUSTED: (G, B, A, H)."""
    length, seen = values.shape[2], weights.sum(axis=1)
    newest = values.shape[2] - MEMORY if length > MEMORY else 0
    levels, slopes = _smoothed(values[..., newest:], weights[:, newest:])  # (A, G, B)
    last = values[..., -1]
    first = np.minimum(length - seen.astype(np.int64), length - 1)
    begin = np.take_along_axis(values, np.broadcast_to(first[None, :, None], (*values.shape[:2], 1)), axis=2)[..., 0]
    drift = (last - begin) / np.maximum(seen - 1, 1)
    level, slope = _line(values, weights[None], time)
    recent = weights.copy()
    recent[:, : -max(2 * season, 8)] = 0
    recent_slope = _line(values, recent[None], time)[1]
    zero, smooth = np.zeros_like(last), len(SMOOTHING)
    starts = [last, *levels[:smooth], levels[1], last, level, last]
    rises = [
        *[zero] * (1 + smooth),
        0.5 * slope,
        drift,
        slope,
        recent_slope,
    ]  # Theta: Assimakopoulos, Nikolopoulos 2000
    out = [start[..., None] + rise[..., None] * steps for start, rise in zip(starts, rises, strict=True)]
    for number, (_, _, phi) in enumerate(HOLT, smooth):
        damped = steps if phi == 1 else phi * (1 - phi**steps) / (1 - phi)
        out.append(levels[number][..., None] + slopes[number][..., None] * damped)
    return np.stack(out, axis=2)


def _smoothed(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smooth windows (G, B, L) by simple smoothing, then by Holt's method: levels and slopes (A, G, B)."""
    holt = np.array([(alpha, 0.0, 0.0) for alpha in SMOOTHING] + list(HOLT))[:, :, None, None]
    alpha, beta, phi = holt[:, 0], holt[:, 1], holt[:, 2]
    sloped = beta > 0
    level, slope = np.zeros((2, len(holt), *values.shape[:2]))
    seen = np.zeros(weights.shape[:1])
    for step in range(int((weights > 0).any(axis=0).argmax()), values.shape[2]):
        value, known = values[None, :, :, step], weights[:, step] > 0
        seen = seen + known
        share = known / np.maximum(seen, 1)
        expected = level + phi * slope
        newer = expected + np.maximum(alpha * known, share) * (value - expected)
        rate = np.maximum(beta, share * (seen < WARM_UP) * (seen > 1) * sloped)
        level, slope = newer, phi * slope + rate * (newer - expected)
    return level, slope
