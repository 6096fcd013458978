"""Limit forecasts to values that are possible in the training data: nonnegative values and counts. numpy only."""

import numpy as np

from rnncli.model.card import TrainingData


def limit_values(values: np.ndarray, data: TrainingData) -> np.ndarray:
    """Return values (...) clipped at zero if the training data is nonnegative."""
    return values.clip(min=0) if data.nonnegative else values


def limit_quantiles(values: np.ndarray, data: TrainingData) -> np.ndarray:
    """Return quantiles (...) clipped like values, and rounded if the training data are counts.

    A network learns a step from 0 to 1 as a slope. Values between are not quantiles of a count, have a higher loss
    than either, and exclude zero from intervals that begin at 0.01.
    """
    limited = limit_values(values, data)
    return np.round(limited) if data.counts else limited
