"""Quantiles of forecasts as numpy arrays: normal deviates of their levels and interpolation between them."""

from statistics import NormalDist

import numpy as np


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
