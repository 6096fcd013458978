"""The simple forecast that a network corrects, at unit scale. Pure tensors.

A base takes the past (B, L, K), NaN where missing, and the clock's step at which the future begins (B,). It gives what
is left of the past for the network to read, (B, L, K), and its own forecast, (B, H, K). `subtracted` says whether the
network reads differences from the base instead of values.
"""

import math
from typing import assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture

TELLS = 0.1  # of the mean distance from the median, for a cycle to be taken as common to all windows


class SeasonalNaive(nn.Module):
    """For each phase of a season its last observed value, again and again. A season of 1 repeats the last value."""

    subtracted = False

    def __init__(self, season: int, horizon: int) -> None:
        super().__init__()
        self.season, self.horizon = season, horizon

    def forward(self, past: Tensor, _step: Tensor) -> tuple[Tensor, Tensor]:
        """See the module."""
        laps = to_seasons(past, self.season)  # (B, laps, season, K)
        count = laps.shape[1]
        order = torch.arange(1, count + 1, dtype=torch.int32, device=past.device).reshape(1, -1, 1, 1)
        # The largest order is ten times as quick to find as the place of the largest.
        newest = (order * ~laps.isnan()).amax(dim=1, keepdim=True).long().sub(1).clamp(min=0)  # (B, 1, season, K)
        last = laps.gather(1, newest).squeeze(1).nan_to_num(0.0)  # (B, season, K)
        return past, repeat_season(last, self.horizon)


class SeasonalSmoothing(nn.Module):
    """For each phase of a season the exponential smoothing of its values, by a share that is learned.

    Holt's and Winters' seasonal smoothing (Winters 1960), its share trained with the network as in ES-RNN (Smyl 2020),
    but one for all series, so that series never seen are forecast too.
    """

    subtracted = False

    def __init__(self, season: int, horizon: int) -> None:
        super().__init__()
        self.season, self.horizon = season, horizon
        self.share = nn.Parameter(torch.zeros(()))  # through a sigmoid: one half at the start

    def forward(self, past: Tensor, _step: Tensor) -> tuple[Tensor, Tensor]:
        """See the module."""
        laps = to_seasons(past, self.season)  # (B, laps, season, K)
        age = torch.arange(laps.shape[1] - 1, -1, -1, device=past.device, dtype=past.dtype).reshape(1, -1, 1, 1)
        weights = torch.exp(age * functional.logsigmoid(-self.share)) * ~laps.isnan()  # (1 - share)^age
        smoothed = (weights * laps.nan_to_num(0.0)).sum(1) / weights.sum(1).clamp(min=torch.finfo(past.dtype).tiny)
        return past, repeat_season(smoothed, self.horizon)


class LearnedCycle(nn.Module):
    """A cycle learned for all series, one value for each phase of the clock (Lin et al. 2024, CycleNet).

    The network reads what differs from it.
    """

    subtracted = True

    def __init__(self, season: int, horizon: int, targets: int) -> None:
        super().__init__()
        self.season, self.horizon = season, horizon
        self.values = nn.Parameter(torch.zeros(season, targets))

    @torch.no_grad()
    def begin(self, future: Tensor, step: Tensor) -> None:
        """Start with the medians of the phases of futures (B, H, K) at unit scale, step (B,), where they tell enough.

        Where each series has a cycle of its own, what is common to them would only have to be unlearned.
        """
        phases = ((step.unsqueeze(1) + torch.arange(future.shape[1])) % self.season).flatten()  # (B * H,)
        rows = future.flatten(0, 1)  # (B * H, K)
        of_phase = torch.split(rows[phases.argsort()], torch.bincount(phases, minlength=self.season).tolist())
        flat = rows.nanmedian(dim=0).values  # (K,)
        typical = torch.stack([some.nanmedian(dim=0).values if len(some) else 0 * flat for some in of_phase])
        left, before = ((rows - told).abs().nanmean(dim=0) for told in (typical[phases], flat))  # (K,)
        self.values.copy_((typical * (left <= (1 - TELLS) * before)).nan_to_num(0.0, 0.0, 0.0))

    def forward(self, past: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """See the module."""
        reach = torch.arange(-past.shape[1], self.horizon, device=step.device)
        cycle = self.values[((step.unsqueeze(1) + reach) % self.season).to(self.values.device)]  # (B, L + H, K)
        return past - cycle[:, : past.shape[1]], cycle[:, past.shape[1] :]


class ZeroForecast(nn.Module):
    """No base: the network forecasts all of it."""

    subtracted = False

    def __init__(self, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon

    def forward(self, past: Tensor, _step: Tensor) -> tuple[Tensor, Tensor]:
        """See the module."""
        return past, past.new_zeros(len(past), self.horizon, past.shape[2])


Base = SeasonalNaive | SeasonalSmoothing | LearnedCycle | ZeroForecast


def build(design: Architecture, targets: int) -> Base:
    """The base of a design."""
    match design.base:
        case "none":
            return ZeroForecast(design.horizon)
        case "last":
            return SeasonalNaive(1, design.horizon)
        case "seasonal":
            return SeasonalNaive(design.season, design.horizon)
        case "smoothing":
            return SeasonalSmoothing(design.season, design.horizon)
        case "cycle":
            return LearnedCycle(design.season, design.horizon, targets)
    assert_never(design.base)


def to_seasons(past: Tensor, season: int) -> Tensor:
    """Past (B, L, K) lap by lap: (B, laps, season, K), with NaN before the beginning of the first."""
    batch, length, targets = past.shape
    laps = math.ceil(length / season)
    padded = functional.pad(past, (0, 0, laps * season - length, 0), value=math.nan)
    return padded.reshape(batch, laps, season, targets)


def repeat_season(lap: Tensor, horizon: int) -> Tensor:
    """A lap (B, season, K) again and again: (B, H, K)."""
    return lap.repeat(1, math.ceil(horizon / lap.shape[1]), 1)[:, :horizon]
