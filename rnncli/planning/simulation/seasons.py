"""Seasons and calendar effects of simulated series. NumPy only."""

import numpy as np

from rnncli.planning.simulation.draws import choice, happens, log_uniform

BASES = 6  # shapes among which a changing season moves
LONGER = {5: 261, 7: 365, 24: 168, 48: 336, 96: 672, 168: 24}  # season to a second one, of most series that have it
SECOND_SHARE = 0.55  # of series with a second season
MONTH = 30.44  # days
MOVING_HOLIDAY = (354, 384)  # days from one to the next, as of Easter or Chinese New Year


def shapes(rng: np.random.Generator, count: int, season: int) -> np.ndarray:
    """Draw seasons (B, m) with mean 0 and variance 1: harmonics, free values, few peaks, or a weekend."""
    orders = np.arange(1, season // 2 + 1)
    size = orders ** -rng.uniform(0.2, 2, (count, 1))
    sines, cosines = rng.standard_normal((2, count, len(orders))) * size
    angles = 2 * np.pi * np.outer(orders, np.arange(season)) / season
    harmonic = sines @ np.sin(angles) + cosines @ np.cos(angles)
    free = rng.standard_normal((count, season))
    peaks = (rng.random((count, season)) < choice(rng, (1.2, 2, 3), (count, 1)) / season).astype(np.float64)
    peaks *= rng.exponential(1, (count, season)) * choice(rng, (1, 1, -1), (count, 1))
    broad = peaks + 0.5 * np.roll(peaks, 1, axis=1) + 0.5 * np.roll(peaks, -1, axis=1) if season >= 12 else peaks
    kind = rng.choice(5, (count, 1), p=[0.45, 0.2, 0.12, 0.13, 0.1])
    last = weekend(rng, count, season) if season in (5, 7) else harmonic
    chosen = np.select([kind == 0, kind == 1, kind == 2, kind == 3], [harmonic, free, peaks, broad], last)
    chosen = chosen - chosen.mean(axis=1, keepdims=True)
    return chosen / (chosen.std(axis=1, keepdims=True) + 1e-9)


def weekend(rng: np.random.Generator, count: int, season: int) -> np.ndarray:
    """Draw weeks (B, m) whose last days differ from the others."""
    free_days = np.arange(season) >= (5 if season == 7 else 4)
    return np.where(free_days, rng.normal(0, 2, (count, 1)), rng.normal(0, 0.3, (count, season)))


def seasonal_paths(
    rng: np.random.Generator, count: int, length: int, season: int, steady: np.ndarray | None = None
) -> np.ndarray:
    """Simulate seasons (B, T) of which some change slowly in shape or height, from one season to the next.

    steady: whether a season must not change (B,).
    """
    changing = np.ones(count) if steady is None else 1.0 - steady
    cycles = length // season + 2
    pace = log_uniform(rng, 0.005, 0.3, count) * happens(rng, 0.6, count) * changing
    directions = np.stack([shapes(rng, count, season) for _ in range(min(cycles, BASES))], axis=1)
    steps = rng.standard_normal((count, cycles, directions.shape[1])) * pace[:, None, None]
    path = (shapes(rng, count, season)[:, None] + np.cumsum(steps, axis=1) @ directions).reshape(count, -1)
    start = int(rng.integers(season))
    growth = choice(rng, (0, 0, 0.02, 0.1), count) * changing / np.sqrt(season)
    growth = rng.standard_normal((count, length)) * growth[:, None]
    return path[:, start : start + length] * np.exp(np.cumsum(growth, axis=1)).clip(0.2, 5)


def second_season(rng: np.random.Generator, count: int, length: int, season: int) -> np.ndarray:
    """Simulate the season beside another one: the week beside the day, the year beside the week; zero without one."""
    other = LONGER.get(season)
    paths = np.zeros((count, length))
    chosen = np.flatnonzero(rng.random(count) < SECOND_SHARE)
    if other is None or not len(chosen):
        return paths
    path = seasonal_paths(rng, len(chosen), length, other)
    if other > 2 * season:  # most long seasons move slowly, as means over a short one
        slow = rng.random(len(chosen)) < 0.6
        smooth = np.cumsum(np.pad(path, ((0, 0), (season, 0)), mode="edge"), axis=1)
        smooth = (smooth[:, season:] - smooth[:, :-season]) / season
        path = np.where(slow[:, None], smooth, path)
    paths[chosen] = path / (path.std(axis=1, keepdims=True) + 1e-9)
    return paths


def calendar_effects(rng: np.random.Generator, count: int, length: int, season: int) -> np.ndarray:
    """Simulate effects (B, T) of the day of the month and of holidays that move; of trading days in months.

    Only daily series have days, and only monthly ones trading days (Young 1965).
    """
    time = np.arange(length) + rng.integers(0, 365)
    effects = np.zeros((count, length))
    if season in (5, 7):
        day = (time % MONTH) / MONTH
        width = log_uniform(rng, 0.03, 0.2, (count, 1))
        away = (day - rng.random((count, 1)) + 0.5) % 1 - 0.5
        effects += (
            np.exp(-0.5 * (away / width) ** 2) * rng.normal(0, 1, (count, 1)) * happens(rng, 0.25, count)[:, None]
        )
        holidays = np.cumsum(rng.integers(*MOVING_HOLIDAY, length // MOVING_HOLIDAY[0] + 2)) - rng.integers(0, 365)
        for holiday in holidays:
            days = slice(max(0, holiday), max(0, min(length, holiday + int(rng.integers(1, 6)))))
            effects[:, days] += rng.normal(0, 4, (count, 1)) * happens(rng, 0.3, count)[:, None]
    if season == 12:
        lengths = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[time % 12]
        weekends = 8 + rng.integers(0, 3, length)
        effects -= (weekends - lengths * 2 / 7) * (rng.normal(0.2, 0.2, count) * happens(rng, 0.3, count))[:, None]
    return effects
