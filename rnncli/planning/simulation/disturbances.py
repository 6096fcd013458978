"""What disturbs simulated series: shifts of the level, breaks of the trend, noise, outliers. NumPy only."""

import numpy as np

from rnncli.planning.simulation.draws import choice, happens, innovations, log_uniform, mean_change


def level_shifts(rng: np.random.Generator, values: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Shift the level of some series (B, T) once or twice, by up to many units (B,)."""
    count, length = values.shape
    here = rng.random((count, length)) < choice(rng, (0, 0, 0, 1, 2), count)[:, None] / length
    size = unit * log_uniform(rng, 1, 12, count)
    return values + np.cumsum(here * rng.normal(0, 1, (count, length)) * size[:, None], axis=1)


def trend_breaks(rng: np.random.Generator, values: np.ndarray, unit: np.ndarray, season: int) -> np.ndarray:
    """Change the slope of some series (B, T) once or twice."""
    count, length = values.shape
    here = rng.random((count, length)) < choice(rng, (0, 0, 1, 2), count)[:, None] / length
    size = 0.6 * unit / np.sqrt(max(1.0, season / 2))
    return values + np.cumsum(np.cumsum(here * rng.normal(0, 1, (count, length)) * size[:, None], axis=1), axis=1)


def noise(rng: np.random.Generator, count: int, length: int) -> np.ndarray:
    """Draw noise (B, T) of variance one, autocorrelated in some series."""
    errors = innovations(rng, count, length)
    memory = rng.uniform(0.1, 0.9, count) * happens(rng, 0.3, count)
    for step in range(1, length):
        errors[:, step] += memory * errors[:, step - 1]
    return errors * np.sqrt(1 - memory**2)[:, None]


def outliers(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Add single large errors to some series (B, T)."""
    count, length = values.shape
    here = rng.random((count, length)) < choice(rng, (0, 0, 0, 0.01, 0.03), count)[:, None]
    return values + here * rng.normal(0, 5, (count, length)) * mean_change(values)[:, None]
