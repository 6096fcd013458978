"""Ensemble forecast: the combination of the quantiles of several networks."""

from collections.abc import Sequence

import torch
from torch import Tensor

MAX_DISTANCE = 5  # from the median of the members, in median distances; members further away are clipped


def ensemble_forecast(members: Sequence[Tensor], counts: bool, decisive: Tensor | None = None) -> Tensor:
    """Return the ensemble's quantiles (..., Q); members: (..., Q) each, NaN where a member has no forecast.

    Each quantile is the mean of the members' quantiles (Lichtendahl et al. 2013), which has a lower error than the
    median if there are few members. Outlying members are clipped at MAX_DISTANCE. The limit is the same for all Q, so
    that quantiles stay sorted. decisive: indices of the quantiles that determine the limit, such that further
    quantiles change none of these. For counts the median is returned, because a mean of counts is not a count.
    """
    stacked = torch.stack(tuple(members))  # (M, ..., Q)
    middle = _median(stacked)
    if counts or len(stacked) < 3:  # of two members neither is an outlier
        return middle
    distance = (stacked - middle).abs()
    limit = MAX_DISTANCE * _median(distance if decisive is None else distance[..., decisive]).amax(dim=-1, keepdim=True)
    return torch.clamp(stacked, middle - limit, middle + limit).nanmean(dim=0)


def _median(members: Tensor) -> Tensor:
    """Return the median (...) of members (M, ...), ignoring NaN."""
    ordered = members.sort(dim=0).values  # NaN comes last
    known = (~ordered.isnan()).sum(dim=0, keepdim=True)
    below, above = (ordered.gather(0, index.clamp(min=0)) for index in ((known - 1) // 2, known // 2))
    return (below + above).squeeze(0) / 2
