"""Structural time series models (Harvey 1989): estimate the traits of series and simulate similar ones.

A simulated series is the sum of a random-walk level, a damped slope (Gardner and McKenzie 1985), the season of the
original and noise. The share of each is drawn for every series.
"""

from typing import NamedTuple

import numpy as np

from rnncli.evaluation.baselines import season_kernel

REFERENCE_HORIZON = 6  # steps: over longer horizons, slopes lead as far relative to a random walk, not farther
SLOPE_DAMPING = (1.0, 0.98, 0.9, 0.8)  # factor of a slope from one step to the next
DRIFT_DEVIATION = 0.5  # standard deviation of the first slope around the drift of the original, in units of that drift
SLOPE_SIZES = (0.0, 0.3, 1.0)  # of an additional random slope, in units of the size of changes
VARIANCE_WEIGHTS = (1.0, 1.0, 0.3)  # Dirichlet weights of noise, level and slope in the variance of changes
SLOPE_NOISE = 0.3  # change of a slope from step to step, in units of its share
MIN_RELATIVE_SIZE = 0.1  # smallest size of changes, in units of the drift
SIZE_DEVIATION = 0.4  # standard deviation of the logarithm of the size of a series around that of the original
HEAVY_TAILED, DEGREES_OF_FREEDOM = 0.3, 4  # share of the series with outliers, and Student's t of their noise


def variance_ratio(values: np.ndarray, steps: int) -> float:
    """Return how far a series (T, K) moves in so many steps, relative to a random walk, which gives 1.

    A mean-reverting series gives less, a trending one more (the square of this is the variance ratio of Lo and
    MacKinlay 1988).
    """
    steps = _available(values, steps)
    if steps < 1:
        return 1.0
    moves = [np.abs(values[lag:] - values[:-lag]) for lag in (1, steps)]
    single, several = (float(np.mean(move[np.isfinite(move)])) if np.isfinite(move).any() else 0.0 for move in moves)
    return several / (np.sqrt(steps) * single) if single > 0 else 1.0


def _available(values: np.ndarray, steps: int) -> int:
    """Return the steps, at most half the rows of values (T, ...)."""
    return min(steps, len(values) // 2)


class StructuralTraits(NamedTuple):
    """Movements of the K targets of a series."""

    level: np.ndarray  # (K,) mean without the season
    drift: np.ndarray  # (K,) median change from step to step
    size: np.ndarray  # (K,) robust standard deviation of changes around the drift
    lasting: np.ndarray  # (K,) share of a change that does not revert within the horizon, 0 to 1
    season: np.ndarray  # (season, K) of mean 0, from the first row on


def estimate_traits(values: np.ndarray, season: int, horizon: int) -> StructuralTraits:
    """Estimate the traits of a series (T, K), NaN if missing, by medians, which outliers do not move."""
    seasons = np.stack([_season(target, season) for target in values.T], axis=1)
    adjusted = values - np.resize(seasons, values.shape)
    changes = [np.diff(target) for target in adjusted.T]
    known = [change[np.isfinite(change)] if np.isfinite(change).any() else np.zeros(1) for change in changes]
    drift = np.array([np.median(change) for change in known])
    deviation = np.array([_deviation(change - median) for change, median in zip(known, drift, strict=True)])
    size = np.maximum(deviation, MIN_RELATIVE_SIZE * np.abs(drift))
    observed = np.isfinite(adjusted)
    level = np.where(observed, adjusted, 0.0).sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
    lasting = np.array([_lasting(target, horizon) for target in adjusted.T])
    return StructuralTraits(level, drift, size, lasting, seasons)


def _lasting(values: np.ndarray, horizon: int) -> float:
    """Return the share of a random walk in the variance of the changes of values (T,), the rest being noise.

    Over h steps the variance of the walk grows h-fold, that of the noise not at all. A trend gives 1.
    """
    steps = _available(values, horizon)
    if steps < 2:
        return 1.0
    return float(np.clip((variance_ratio(values, steps) ** 2 * steps - 1) / (steps - 1), 0, 1))


def _deviation(changes: np.ndarray) -> float:
    """Return the standard deviation of normal changes (T,) around 0, from their median size, or mean if that is 0."""
    sizes = np.abs(changes)
    return float(1.48 * np.median(sizes) or 1.25 * np.mean(sizes))


def _season(values: np.ndarray, season: int) -> np.ndarray:
    """Return the seasonal deviations (season,) of values (T,) from a moving average; 0 with less than two seasons."""
    if season == 1 or len(values) < 2 * season:
        return np.zeros(season)
    kernel = season_kernel(season)
    trend, half = np.convolve(values, kernel / season, "valid"), len(kernel) // 2
    deviations = np.full(-(-len(values) // season) * season, np.nan)
    deviations[half : half + len(trend)] = values[half : half + len(trend)] - trend
    cycles = deviations.reshape(-1, season)
    known = np.isfinite(cycles)
    means = np.where(known, cycles, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return means - means.mean()


def simulate(like: list[StructuralTraits], steps: int, horizon: int, generator: np.random.Generator) -> np.ndarray:
    """Simulate a series of so many steps for each of C traits, without level and season: (C, T, K).

    Changes that do not last are noise. Over a horizon longer than REFERENCE_HORIZON, a slope leads as far relative to
    a random walk as over one of REFERENCE_HORIZON.
    """
    # (C, K) each
    drift, size, lasting = np.stack([(series.drift, series.size, series.lasting) for series in like], axis=1)
    shape, pace = drift.shape, min(1.0, REFERENCE_HORIZON / horizon)
    shares = np.moveaxis(generator.dirichlet(VARIANCE_WEIGHTS, shape), -1, 0)  # (3, C, K)
    walking = shares[1:] * lasting
    noise = np.sqrt(shares[0] + (shares[1:] - walking).sum(axis=0) / 2)  # a change contains two draws of the noise
    level, slope_noise = np.sqrt(walking)
    damping = generator.choice(SLOPE_DAMPING, shape) ** pace
    slope = np.divide(lasting * drift, size, out=np.zeros(shape), where=size > 0)
    slope *= generator.normal(1.0, DRIFT_DEVIATION, shape)
    slope += np.sqrt(pace * lasting) * generator.choice(SLOPE_SIZES, shape) * generator.normal(size=shape)
    walk, paths = np.zeros(shape), np.empty((shape[0], steps, shape[1]))
    for step in range(steps):
        slope = damping * slope + pace * SLOPE_NOISE * slope_noise * generator.normal(size=shape)
        walk = walk + slope + level * generator.normal(size=shape)
        paths[:, step] = walk
    heavy = generator.random((shape[0], 1, shape[1])) < HEAVY_TAILED
    tails = np.where(heavy, generator.standard_t(DEGREES_OF_FREEDOM, paths.shape), 1.0)  # (C, T, K)
    paths += noise[:, None] * tails * generator.normal(size=paths.shape)
    return paths * (size * np.exp(generator.normal(0.0, SIZE_DEVIATION, shape)))[:, None]
