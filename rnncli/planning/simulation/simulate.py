"""Simulate time series of all families, with seasons and disturbances, as tables record them. NumPy only.

Networks that are trained on such series alone forecast real ones (Dooley et al. 2023, ForecastPFN).
"""

import numpy as np

from rnncli.planning.simulation import disturbances, recording, seasons
from rnncli.planning.simulation.draws import choice, log_uniform, mean_change
from rnncli.planning.simulation.processes import FAMILIES, Paths

VERSION = 1  # changes when the same seed gives other series
UNSEASONAL = 0.22  # share of series that do not show the season they are given
SEASON, CLOCK_SEASON = 12.0, 30.0  # largest season in typical changes; days and weeks are more regular than years
MIXED = 0.08  # share of series that are weighted means of others
CALM = 0.2  # share of series without shifts, breaks, outliers or changes of the season
TURNED = 0.65  # share of falling series that are turned upside down: most series of business and people grow


def simulate(
    rng: np.random.Generator, count: int, length: int, season: int, leave_out: str | None = None
) -> np.ndarray:
    """Simulate series (B, T) with a season of m steps, 1 for none. leave_out: family to leave out."""
    paths = _growing(rng, _processes(rng, count, length, season, leave_out))
    unit = mean_change(paths.values) + paths.noise
    calm = rng.random(count) < CALM
    disturbed = disturbances.level_shifts(rng, paths.values, unit)
    disturbed = disturbances.trend_breaks(rng, disturbed, unit, season)
    values = np.where(calm[:, None], paths.values, disturbed)
    values = values + paths.noise[:, None] * disturbances.noise(rng, count, length)
    if season > 1:
        values = _with_seasons(rng, values, season, calm)
    values = _mixed(rng, np.where(calm[:, None], values, disturbances.outliers(rng, values)))
    return recording.record(rng, values)


def _processes(rng: np.random.Generator, count: int, length: int, season: int, leave_out: str | None) -> Paths:
    """Simulate paths of each family by its share, in random order."""
    shares = np.array([family.share * (name != leave_out) for name, family in FAMILIES.items()])
    numbers = rng.multinomial(count, shares / shares.sum())
    parts = [
        family.simulate(rng, number, length, season)
        for number, family in zip(numbers, FAMILIES.values(), strict=True)
        if number
    ]
    order = rng.permutation(count)
    return Paths(*(np.concatenate(column)[order] for column in zip(*parts, strict=True)))


def _growing(rng: np.random.Generator, paths: Paths) -> Paths:
    """Turn a share of the falling paths upside down."""
    falling = paths.values[:, -1] < paths.values[:, 0]
    turned = falling & (rng.random(len(falling)) < TURNED)
    return paths._replace(values=np.where(turned[:, None], -paths.values, paths.values))


def _with_seasons(rng: np.random.Generator, values: np.ndarray, season: int, calm: np.ndarray) -> np.ndarray:
    """Add the season, a second one and calendar effects to values (B, T).

    calm: series whose season never changes (B,).
    """
    count, length = values.shape
    unit = mean_change(values)
    largest = CLOCK_SEASON if season in seasons.LONGER else SEASON
    size = unit * log_uniform(rng, 0.3, largest, count) * (rng.random(count) >= UNSEASONAL)
    second = unit * log_uniform(rng, 0.2, 6, count)
    values = values + size[:, None] * seasons.seasonal_paths(rng, count, length, season, calm)
    values += second[:, None] * seasons.second_season(rng, count, length, season)
    return values + unit[:, None] * seasons.calendar_effects(rng, count, length, season)


def _mixed(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Replace some series (B, T) by weighted means of up to three (TSMixup, Ansari et al. 2024)."""
    count = len(values)
    chosen = np.flatnonzero(rng.random(count) < MIXED)
    scaled = values / mean_change(values)[:, None]
    weights = rng.dirichlet([1.5, 1.5, 1.5], len(chosen)) * choice(rng, (0, 1), (len(chosen), 3))
    others = rng.integers(0, count, (len(chosen), 3))
    mixture = (weights[:, :, None] * scaled[others]).sum(axis=1)
    values = values.copy()
    values[chosen] = np.where(weights.any(axis=1)[:, None], mixture, values[chosen])
    return values
