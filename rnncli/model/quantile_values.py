"""Quantiles of forecasts as numpy arrays: normal deviates of their levels and interpolation between them."""

from statistics import NormalDist

import numpy as np

MEAN_OF = 200  # evenly spaced quantiles whose average is the mean


def normal_deviates(levels: np.ndarray) -> np.ndarray:
    """Return the quantiles of the standard normal distribution at levels (P,) in (0, 1)."""
    return np.array([NormalDist().inv_cdf(level) for level in levels])


def interpolate(values: np.ndarray, known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return values (..., Q) at known (Q,), rising, interpolated linearly at wanted (P,) or (..., P): (..., P)."""
    right = np.searchsorted(known, wanted).clip(1, len(known) - 1)
    share = (wanted - known[right - 1]) / (known[right] - known[right - 1])
    if wanted.ndim == 1:
        lower, upper = values[..., right - 1], values[..., right]
    else:
        lower, upper = (np.take_along_axis(values, index, axis=-1) for index in (right - 1, right))
    return lower + share * (upper - lower)


def mean_of(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the means (...) of distributions whose quantiles (..., Q) are those at known (Q,) normal deviates."""
    shares = normal_deviates((np.arange(MEAN_OF) + 0.5) / MEAN_OF)
    return values @ interpolate(np.eye(len(known)), known, shares).mean(axis=-1)
