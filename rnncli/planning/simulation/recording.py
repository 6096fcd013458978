"""Record simulated paths as the numbers of a table: units, logarithms, counts, rounding, caps, gaps. NumPy only."""

from collections.abc import Callable

import numpy as np

from rnncli.planning.simulation.draws import choice, happens, log_uniform, mean_change

MAX_LOG = 7.0  # distance of a logarithm from that of the level
COUNTS, INTERMITTENT, CAPPED, ENDED, ROUNDED, NEGATED = 0.06, 0.05, 0.03, 0.01, 0.25, 0.03  # shares of series


def in_units(rng: np.random.Generator, paths: np.ndarray) -> np.ndarray:
    """Give paths (B, T) a level, and a typical change relative to it; half of them are logarithms of the result."""
    count = len(paths)
    change = log_uniform(rng, 0.003, 0.3, (count, 1))
    anchor = paths[:, -1:] * (rng.random((count, 1)) < 0.5) + 0.5 * paths.mean(axis=1, keepdims=True)
    relative = (paths - anchor) / mean_change(paths)[:, None] * change
    level = log_uniform(rng, 1, 1e5, (count, 1))
    multiplicative = level * np.exp(relative.clip(-MAX_LOG, MAX_LOG))
    additive = level * (choice(rng, (1, 1, 0, 3), (count, 1)) + relative)
    lowest = additive.min(axis=1, keepdims=True)
    lifted = np.where(lowest < 0, additive - lowest * choice(rng, (1, 1.3), (count, 1)), additive)
    additive = np.where(rng.random((count, 1)) < 0.8, lifted, additive)
    values = np.where(rng.random((count, 1)) < 0.5, multiplicative, additive)
    return np.where(rng.random((count, 1)) < NEGATED, -values, values)


def counts(rng: np.random.Generator, rates: np.ndarray) -> np.ndarray:
    """Draw counts (B, T) from the Poisson or the negative binomial distribution around rates (B, T)."""
    shape = log_uniform(rng, 0.5, 50, (len(rates), 1))
    return rng.poisson(rng.gamma(shape, rates.clip(0, 1e6) / shape)).astype(np.float64)


def intermittent(rng: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
    """Keep the sizes (B, T) of only some steps: intermittent demand (Croston 1972), some of it dying out."""
    count, length = sizes.shape
    probability = rng.uniform(0.05, 0.7, (count, 1)) * np.exp(
        -np.linspace(0, 1, length) * (log_uniform(rng, 0.3, 5, count) * happens(rng, 0.3, count))[:, None]
    )
    return np.ceil(sizes) * (rng.random((count, length)) < probability)


def capped(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Cap series (B, T) at a value that they would exceed."""
    return np.minimum(values, np.quantile(values, rng.uniform(0.6, 0.95), axis=1, keepdims=True))


def ended(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Let series (B, T) be zero from some step on."""
    end = rng.uniform(0.3, 0.9, (len(values), 1)) * values.shape[1]
    return np.where(np.arange(values.shape[1]) < end, values, 0.0)


def rounded(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Round series (B, T) to whole numbers of a size of which they have some tens to thousands."""
    size = np.abs(values).mean(axis=1, keepdims=True) + 1e-9
    return np.round(values / size * log_uniform(rng, 20, 3000, (len(values), 1)))


def record(rng: np.random.Generator, paths: np.ndarray) -> np.ndarray:
    """Record paths (B, T) as the values of a table, each series in its own way."""
    values = in_units(rng, paths)
    rates = np.abs(values)
    rates = rates / (rates.mean(axis=1, keepdims=True) + 1e-9)
    ways: tuple[tuple[float, Callable[[np.ndarray], np.ndarray]], ...] = (
        (COUNTS, lambda part: counts(rng, rates[part] * log_uniform(rng, 0.1, 60, (len(part), 1)))),
        (INTERMITTENT, lambda part: intermittent(rng, rates[part] * log_uniform(rng, 0.5, 20, (len(part), 1)))),
        (CAPPED, lambda part: capped(rng, values[part])),
        (ENDED, lambda part: ended(rng, values[part])),
        (ROUNDED, lambda part: rounded(rng, values[part])),
    )
    for share, way in ways:
        part = np.flatnonzero(rng.random(len(values)) < share)
        if len(part):
            values[part] = way(part)
    return values


def gaps(rng: np.random.Generator, values: np.ndarray, share: float) -> np.ndarray:
    """Remove single values and stretches from a share of series (B, T); the last value stays."""
    count, length = values.shape
    holes = rng.random((count, length)) < rng.uniform(0, 0.3, (count, 1))
    start = rng.integers(0, length, (count, 1))
    stretch = (np.arange(length) >= start) & (np.arange(length) < start + rng.integers(1, length // 4 + 2, (count, 1)))
    missing = np.where(rng.random((count, 1)) < 0.5, holes, stretch) & (rng.random((count, 1)) < share)
    missing[:, -1] = False
    return np.where(missing, np.nan, values)
