"""Random parameters and innovations of simulated series. NumPy only."""

from collections.abc import Sequence

import numpy as np

TAILS = (200.0, 200.0, 8.0, 5.0, 3.5)  # degrees of freedom of innovations: normal, or with heavy tails
VOLATILITY = (0.0, 0.0, 0.1, 0.2, 0.3)  # change of the log standard deviation over 50 steps, per square root of a step
MAX_LOG_VOLATILITY = 2.0


def choice(rng: np.random.Generator, values: Sequence[float], size: int | tuple[int, ...]) -> np.ndarray:
    """Draw from some values with equal probability."""
    return rng.choice(np.asarray(values, np.float64), size)


def log_uniform(rng: np.random.Generator, low: float, high: float, size: int | tuple[int, ...]) -> np.ndarray:
    """Draw from the log-uniform distribution."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def happens(rng: np.random.Generator, probability: float, count: int) -> np.ndarray:
    """Draw for each series whether it has a property: (B,) of 0.0 and 1.0."""
    return (rng.random(count) < probability).astype(np.float64)


def innovations(rng: np.random.Generator, count: int, length: int) -> np.ndarray:
    """Draw innovations (B, T) of variance one: normal or Student t, some with slowly changing variance.

    The variance follows a random walk of its logarithm (stochastic volatility, Taylor 1982).
    """
    tails = choice(rng, TAILS, count)
    unit = rng.standard_t(tails[:, None], (count, length)) / np.sqrt(tails / (tails - 2))[:, None]
    pace = choice(rng, VOLATILITY, count)[:, None] * np.sqrt(50 / max(length, 1))
    walk = np.cumsum(rng.standard_normal((count, length)) * pace, axis=1)
    return unit * np.exp(walk.clip(-MAX_LOG_VOLATILITY, MAX_LOG_VOLATILITY))


def mean_change(values: np.ndarray) -> np.ndarray:
    """Return the mean absolute change from step to step of series (B, T): (B,), never zero."""
    return np.abs(np.diff(values, axis=1)).mean(axis=1) + 1e-9
