"""Ensemble forecast: the combination of the quantiles of several networks. NumPy only."""

from collections.abc import Sequence

import numpy as np

FEW = 8  # members
MAX_DISTANCE = 5  # from the median of the members, in median distances; members further away are clipped


def ensemble_forecast(members: Sequence[np.ndarray], counts: bool, decisive: np.ndarray | None = None) -> np.ndarray:
    """Return the ensemble's quantiles (..., Q); members: (..., Q) each, NaN where a member has no forecast.

    Each quantile is the mean of the members' quantiles (Lichtendahl et al. 2013), which has a lower error than the
    median if there are few members. Outlying members are clipped at MAX_DISTANCE. The limit is the same for all Q, so
    that quantiles stay sorted. decisive: indices of the quantiles that determine the limit, such that further
    quantiles change none of these. For counts the median is returned, because a mean of counts is not a count.
    """
    stacked = np.stack(members)  # (M, ..., Q)
    missing = np.isnan(stacked)
    known = len(stacked) - missing.sum(axis=0) if missing.any() else None
    with np.errstate(invalid="ignore"):  # without any forecast, or with an infinite one
        middle = _median(stacked, known)
        if counts or len(stacked) < 3:  # of two members neither is an outlier
            return middle
        distance = np.abs(stacked - middle)
        if decisive is not None:
            distance, known = distance[..., decisive], None if known is None else known[..., decisive]
        limit = MAX_DISTANCE * _median(distance, known).max(axis=-1, keepdims=True)
        clipped = np.clip(stacked, middle - limit, middle + limit)
        if not missing.any():
            return clipped.mean(axis=0)
        return np.where(missing, 0, clipped).sum(axis=0) / (~missing).sum(axis=0)


def _median(members: np.ndarray, known: np.ndarray | None) -> np.ndarray:
    """Return the median (...) of members (M, ...), of which the first `known` (...) in order, or all, are not NaN."""
    ordered = _sorted(members)
    if known is None:
        return (ordered[(len(members) - 1) // 2] + ordered[len(members) // 2]) / 2
    index = np.stack([(known - 1) // 2, known // 2]).clip(min=0)
    return np.take_along_axis(ordered, index, axis=0).sum(axis=0) / 2


def _sorted(members: np.ndarray) -> np.ndarray:
    """Return members (M, ...) in rising order, NaN last.

    A few are exchanged pairwise (odd-even transposition sort), which is ten times as fast as sorting short columns.
    """
    if len(members) > FEW or np.isnan(members).any():
        return np.sort(members, axis=0)
    ordered = list(members)
    for turn in range(len(ordered)):
        for index in range(turn % 2, len(ordered) - 1, 2):
            low, high = ordered[index : index + 2]
            ordered[index : index + 2] = np.minimum(low, high), np.maximum(low, high)
    return np.stack(ordered)
