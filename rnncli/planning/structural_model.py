"""Structural series that move as given ones do (Harvey 1989). numpy only: knows nothing of panels.

A level that walks, a slope that fades (Gardner and McKenzie 1985), the season of the given ones, and noise. How much
there is of each is drawn anew for every series.
"""

from typing import NamedTuple

import numpy as np

REFERENCE_HORIZON = (
    6  # steps of the longest horizon that slopes are as below for: over a longer one they lead as far, no further
)
SLOPE_DAMPING = (1.0, 0.98, 0.9, 0.8)  # what is left of a slope a step later
DRIFT_DEVIATION = (
    0.5  # standard deviation of a slope at first, in units of the drift of the series it is like, around that
)
SLOPE_SIZES = (0.0, 0.3, 1.0)  # of a further slope, in units of the size of changes
VARIANCE_WEIGHTS = (1.0, 1.0, 0.3)  # Dirichlet weights of noise, level and slope in the variance of changes
SLOPE_NOISE = 0.3  # times its share: how much a slope changes in a step
MIN_RELATIVE_SIZE = 0.1  # times its drift: a series is not taken to move more evenly
SIZE_DEVIATION = 0.4  # standard deviation of the logarithm of a series' size, around that of the one that it is like
HEAVY_TAILED, DEGREES_OF_FREEDOM = (
    0.3,
    4,
)  # share of the series with outliers, and the degrees of freedom of their noise


def variance_ratio(values: np.ndarray, steps: int) -> float:
    """How far a series (T, K) moves in so many steps, as a share of how far a random walk would: 1 is as far.

    Less is of one that comes back, more of one that has a trend (the variance ratio: Lo and MacKinlay 1988).
    """
    steps = _reach(values, steps)
    if steps < 1:
        return 1.0
    moves = [np.abs(values[lag:] - values[:-lag]) for lag in (1, steps)]
    one, many = (float(np.mean(move[np.isfinite(move)])) if np.isfinite(move).any() else 0.0 for move in moves)
    return many / (np.sqrt(steps) * one) if one > 0 else 1.0


def _reach(values: np.ndarray, steps: int) -> int:
    """So many steps, or as many as values (T, ...) tell enough of."""
    return min(steps, len(values) // 2)


class StructuralTraits(NamedTuple):
    """What the K targets of a series are like."""

    level: np.ndarray  # (K,) mean, the season apart
    drift: np.ndarray  # (K,) typical change from step to step
    size: np.ndarray  # (K,) standard deviation of changes around it, outliers apart
    lasting: np.ndarray  # (K,) share of changes that do not come back within a horizon, 0 to 1
    season: np.ndarray  # (season, K) of mean 0, the first at the first row


def estimate_traits(values: np.ndarray, season: int, horizon: int) -> StructuralTraits:
    """Those of a series (T, K), NaN where missing, told by the medians of its changes, which leaps do not move.

    horizon: steps within which changes that do not last come back.
    """
    seasons = np.stack([_season(target, season) for target in values.T], axis=1)
    even = values - np.resize(seasons, values.shape)
    changes = [np.diff(target) for target in even.T]
    known = [one[np.isfinite(one)] if np.isfinite(one).any() else np.zeros(1) for one in changes]
    drift = np.array([np.median(one) for one in known])
    found = np.array([_deviation(one - middle) for one, middle in zip(known, drift, strict=True)])
    size = np.maximum(found, MIN_RELATIVE_SIZE * np.abs(drift))
    observed = np.isfinite(even)
    level = np.where(observed, even, 0.0).sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
    lasting = np.array([_lasting(target, horizon) for target in even.T])
    return StructuralTraits(level, drift, size, lasting, seasons)


def _lasting(values: np.ndarray, horizon: int) -> float:
    """The share of a walk in the variance of the changes of values (T,), noise being the rest: 1 of what has a trend.

    Over h steps the walk's variance is h times that of one, the noise's stays.
    """
    steps = _reach(values, horizon)
    if steps < 2:
        return 1.0
    return float(np.clip((variance_ratio(values, steps) ** 2 * steps - 1) / (steps - 1), 0, 1))


def _deviation(changes: np.ndarray) -> float:
    """The standard deviation of changes (T,) around 0, as the median tells it, or their mean where most are 0."""
    sizes = np.abs(changes)
    return float(1.48 * np.median(sizes) or 1.25 * np.mean(sizes))


def _season(values: np.ndarray, season: int) -> np.ndarray:
    """What the season (season,) adds to values (T,), told by their means around a running one; 0 from less than two."""
    if season == 1 or len(values) < 2 * season:
        return np.zeros(season)
    kernel = np.ones(season + 1 - season % 2)
    kernel[[0, -1]] = 1.0 if season % 2 else 0.5  # an even season has its middle between two steps
    trend, half = np.convolve(values, kernel / kernel.sum(), "valid"), len(kernel) // 2
    around = np.full(-(-len(values) // season) * season, np.nan)
    around[half : half + len(trend)] = values[half : half + len(trend)] - trend
    cycles = around.reshape(-1, season)
    known = np.isfinite(cycles)
    means = np.where(known, cycles, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return means - means.mean()


def simulate(like: list[StructuralTraits], steps: int, horizon: int, generator: np.random.Generator) -> np.ndarray:
    """A series of so many steps like each of C, but for level and season: (C, T, K).

    What does not last of their changes is noise. A slope leads over a long horizon as many times as far as a random
    walk as it does over one of SPAN steps.
    """
    drift, size, lasting = np.stack([(one.drift, one.size, one.lasting) for one in like], axis=1)  # (C, K) each
    shape, pace = drift.shape, min(1.0, REFERENCE_HORIZON / horizon)
    shares = np.moveaxis(generator.dirichlet(VARIANCE_WEIGHTS, shape), -1, 0)  # (3, C, K)
    walking = shares[1:] * lasting
    noise = np.sqrt(shares[0] + (shares[1:] - walking).sum(axis=0) / 2)  # as two of its draws make a change
    level, slope = np.sqrt(walking)
    fading = generator.choice(SLOPE_DAMPING, shape) ** pace
    steep = np.divide(lasting * drift, size, out=np.zeros(shape), where=size > 0)
    steep *= generator.normal(1.0, DRIFT_DEVIATION, shape)
    steep += np.sqrt(pace * lasting) * generator.choice(SLOPE_SIZES, shape) * generator.normal(size=shape)
    height, made = np.zeros(shape), np.empty((shape[0], steps, shape[1]))
    for step in range(steps):
        steep = fading * steep + pace * SLOPE_NOISE * slope * generator.normal(size=shape)
        height = height + steep + level * generator.normal(size=shape)
        made[:, step] = height
    heavy = generator.random((shape[0], 1, shape[1])) < HEAVY_TAILED
    tails = np.where(heavy, generator.standard_t(DEGREES_OF_FREEDOM, made.shape), 1.0)  # (C, T, K)
    made += noise[:, None] * tails * generator.normal(size=made.shape)
    return made * (size * np.exp(generator.normal(0.0, SIZE_DEVIATION, shape)))[:, None]
