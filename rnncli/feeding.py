"""What a recursive decoder reads as if it had been observed: its own forecast, or what really came. Pure tensors."""

from typing import NamedTuple

import torch
from torch import Tensor

from rnncli import heads


class Lesson(NamedTuple):
    """What really came, and how much of it a decoder is told (teacher forcing: Williams and Zipser 1989)."""

    future: Tensor  # (F * B, H, K) float64 in the data's units, NaN where missing
    share: float  # of the segments fed back


def fed_back(quantiles: Tensor, drawn: bool) -> Tensor:
    """What a network takes for observed of its own forecast (B, segment, K, Q): its median, or a value drawn from it.

    (B, segment, K).
    """
    if not drawn:
        return quantiles[..., heads.MEDIAN]
    # One deviate a segment: errors of neighbouring steps go together.
    deviates = torch.randn_like(quantiles[:, :1, :, 0]).expand(quantiles.shape[:-1])
    return heads.drawn(quantiles, deviates.contiguous())


def forced(own: Tensor, truth: Tensor, share: float) -> Tensor:
    """Its own forecasts of a segment (B, segment, K), and in this share of the windows what really came, where known.

    Drawn anew for each segment of each window (scheduled sampling: Bengio et al. 2015).
    """
    told = torch.rand(len(own), 1, 1, device=own.device) < share
    return torch.where(told & ~truth.isnan(), truth, own)


def waited(positive: Tensor, before: Tensor | None = None) -> Tensor:
    """How many steps ago the last value above zero was, as positive (B, T, K) says: 0 where there is one now.

    Where none came before, since the beginning, or so many steps more than `before` (B, 1, K). What is bought now and
    then comes back with it (Croston 1972). (B, T, K) int64.
    """
    places = torch.arange(1, positive.shape[1] + 1, device=positive.device).reshape(1, -1, 1)
    newest = (places * positive).cummax(dim=1).values
    return places - newest if before is None else places - newest + before * (newest == 0)
