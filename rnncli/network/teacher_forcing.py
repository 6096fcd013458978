"""Feedback of a recursive decoder in place of observations: its own forecasts or, in training, true values."""

from typing import NamedTuple

import torch
from torch import Tensor

from rnncli.network.quantile_head import Head
from rnncli.network.tensors import DecoderInput


class TeacherForcing(NamedTuple):
    """True values, and how often the decoder receives them (Williams and Zipser 1989)."""

    future: Tensor  # (F * B, H, K) float64 in the data's units, NaN where missing
    share: float  # of the segments fed back


class Feedback:
    """The values fed back after each segment of the horizon of B windows. Segments are to be asked for in order."""

    def __init__(
        self, head: Head, view: DecoderInput, centre: Tensor, teacher: TeacherForcing | None, subtracted: bool
    ) -> None:
        """Prepare the feedback around centres (B, M * segment, K).

        subtracted: whether the encoder reads residuals of the base forecast.
        """
        self._head, self._centre, self._waited = head, centre, view.waited
        base = view.base if subtracted else torch.zeros_like(view.base)  # (B, H, K)
        self._zero = view.scale.zero().to(base).expand_as(base) - base
        self._teacher, self._truth = teacher, base
        if teacher is not None:
            self._truth = view.scale.apply_clipped(teacher.future).to(base) - base  # clipped as in the loss

    def after(self, parameters: Tensor, start: int, sampled: bool) -> tuple[Tensor, Tensor | None]:
        """Return the values (B, segment, K) of the segment from step `start`, and log(1 + steps since a positive one).

        parameters: (B, segment, K, P) of the head. sampled: see `fed_back`.
        """
        segment = slice(start, start + parameters.shape[1])
        values = fed_back(self._head, self._head.quantiles(parameters, self._centre[:, segment]), sampled)
        if self._teacher is not None:
            values = forced(values, self._truth[:, segment], self._teacher.share)
        if self._waited is None:
            return values, None
        self._waited = steps_since(values > self._zero[:, segment], self._waited[:, -1:])
        return values, self._waited.to(values).log1p()


def fed_back(head: Head, quantiles: Tensor, sampled: bool) -> Tensor:
    """Return the values (B, segment, K) that stand for forecasts (B, segment, K, Q): medians, or random samples."""
    if not sampled:
        return quantiles[..., head.median]
    # One deviate per segment, since errors of neighbouring steps are correlated.
    deviates = torch.randn_like(quantiles[:, :1, :, 0]).expand(quantiles.shape[:-1])
    return head.sample(quantiles, deviates.contiguous())


def forced(forecast: Tensor, truth: Tensor, share: float) -> Tensor:
    """Replace forecasts (B, segment, K) by true values, where known, in a share of the windows.

    Drawn again for each segment of each window (scheduled sampling: Bengio et al. 2015).
    """
    replaced = torch.rand(len(forecast), 1, 1, device=forecast.device) < share
    return torch.where(replaced & ~truth.isnan(), truth, forecast)


def steps_since(positive: Tensor, before: Tensor | None = None) -> Tensor:
    """Return the steps since the last positive value (B, T, K) int64: 0 where the value is positive.

    Before the first positive value it counts from the start, or from `before` (B, 1, K). In intermittent demand, sizes
    depend on the time since the last sale (Croston 1972).
    """
    index = torch.arange(1, positive.shape[1] + 1, device=positive.device).reshape(1, -1, 1)
    newest = (index * positive).cummax(dim=1).values
    return index - newest if before is None else index - newest + before * (newest == 0)
