"""What several networks say together."""

from collections.abc import Sequence

import torch
from torch import Tensor

MAX_DISTANCE = 5  # times the median distance from the median: what lies beyond is drawn in to there


def ensemble_forecast(members: Sequence[Tensor], counts: bool, judged: Tensor | None = None) -> Tensor:
    """Quantiles (..., Q) as all members together have them, each of which has NaN where it says nothing.

    The mean, of each quantile by itself (Lichtendahl et al. 2013): where members are few it errs less than the median
    does. One that lost its way must not take the others along: it counts as no further off than `FAR`, which is the
    same for all Q, so that quantiles that rise still do, and is told by those among them at the places `judged`, so
    that what else is asked for changes none of them. Of counts the median: the quantiles of counts are counts, and a
    mean of them is none.
    """
    said = torch.stack(tuple(members))  # (M, ..., Q)
    middle = _median(said)
    if counts or len(said) < 3:  # none is the odd one out of two
        return middle
    away = (said - middle).abs()
    reach = MAX_DISTANCE * _median(away if judged is None else away[..., judged]).amax(dim=-1, keepdim=True)
    return torch.clamp(said, middle - reach, middle + reach).nanmean(dim=0)


def _median(said: Tensor) -> Tensor:
    """The middle of what members (M, ...) say, of those that say something: (...)."""
    ordered = said.sort(dim=0).values  # NaN comes last
    known = (~ordered.isnan()).sum(dim=0, keepdim=True)
    below, above = (ordered.gather(0, place.clamp(min=0)) for place in ((known - 1) // 2, known // 2))
    return (below + above).squeeze(0) / 2
