"""The values that can come, as far as the data showed: forecasts keep to them. numpy only."""

import numpy as np

from rnncli.model.card import TrainingData


def limit_values(values: np.ndarray, seen: TrainingData) -> np.ndarray:
    """Values (...) below zero only where the data was."""
    return values.clip(min=0) if seen.nonnegative else values


def limit_quantiles(values: np.ndarray, seen: TrainingData) -> np.ndarray:
    """Quantiles (...) within the data's domain: those of counts are counts.

    A network learns a step from 0 to 1 as a slope. What lies between is no quantile of a whole number, costs more than
    either, and puts zero outside of intervals that begin at 0.01.
    """
    kept = limit_values(values, seen)
    return np.round(kept) if seen.counts else kept
