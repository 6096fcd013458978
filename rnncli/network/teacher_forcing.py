"""What a recursive decoder reads as if it had been observed: its own forecast, or what really came. Pure tensors."""

from typing import NamedTuple

import torch
from torch import Tensor

from rnncli.network import quantile_head
from rnncli.network.tensors import DecoderInput


class TeacherForcing(NamedTuple):
    """What really came, and how much of it a decoder is told (teacher forcing: Williams and Zipser 1989)."""

    future: Tensor  # (F * B, H, K) float64 in the data's units, NaN where missing
    share: float  # of the segments fed back


class Feedback:
    """What a recursive decoder reads behind each segment of the horizon, of B windows."""

    def __init__(
        self, view: DecoderInput, centre: Tensor, lesson: TeacherForcing | None, subtracted: bool, drawn: bool
    ) -> None:
        """centre: (B, M * segment, K) what forecasts lie around as they are fed back.

        subtracted: whether what is read is less what the base takes from it. drawn: see fed_back.
        """
        self._centre, self._drawn, self._waited = centre, drawn, view.waited
        base = view.expected if subtracted else torch.zeros_like(view.expected)  # (B, H, K)
        self._zero = view.scale.zero().to(base).expand_as(base) - base
        self._lesson, self._truth = lesson, base
        if lesson is not None:
            self._truth = view.scale.apply_clipped(lesson.future).to(base) - base  # as its loss has it

    def behind(self, piece: Tensor, start: int) -> tuple[Tensor, Tensor | None]:
        """The values (B, segment, K) of the segment that begins there, and the logarithm of the steps since a sale.

        piece: (B, segment, K, Q) its head parameters.
        """
        some = slice(start, start + piece.shape[1])
        value = fed_back(quantile_head.quantiles(piece, self._centre[:, some]), self._drawn)
        if self._lesson is not None:
            value = forced(value, self._truth[:, some], self._lesson.share)
        if self._waited is None:
            return value, None
        self._waited = waited(value > self._zero[:, some], self._waited[:, -1:])
        return value, self._waited.to(value).log1p()


def fed_back(quantiles: Tensor, drawn: bool) -> Tensor:
    """What a network takes for observed of its own forecast (B, segment, K, Q): its median, or a value drawn from it.

    (B, segment, K).
    """
    if not drawn:
        return quantiles[..., quantile_head.MEDIAN]
    # One deviate a segment: errors of neighbouring steps go together.
    deviates = torch.randn_like(quantiles[:, :1, :, 0]).expand(quantiles.shape[:-1])
    return quantile_head.drawn(quantiles, deviates.contiguous())


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
