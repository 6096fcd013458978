"""Base forecasts at unit scale: the simple forecasts that a network corrects. Pure tensors.

A base forecast maps the past (B, L, K), NaN where missing, and the time index at which the future begins, (B,), to the
past that the network reads, (B, L, K), and its forecast, (B, H, K).
"""

import math
from typing import assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnncli.config.architecture import Architecture

COMMON = 0.1  # least share of the mean distance from the median that a cycle common to all windows must explain


class BaseForecast(nn.Module):
    """Interface of a base forecast for other modules."""

    subtracted = False  # whether the network reads residuals of the base forecast instead of values
    repeats_context = False  # whether the forecast depends on nothing but the past
    initialised_from_data = False  # whether `initialise` is to be called before training

    def initialise(self, future: Tensor, step: Tensor) -> None:
        """Set the initial parameters from futures (B, H, K) at unit scale that begin at time indices (B,)."""
        raise NotImplementedError


class SeasonalNaive(BaseForecast):
    """Repeat the last observed value of each phase of a season. A season of 1 repeats the last value."""

    repeats_context = True

    def __init__(self, season: int, horizon: int) -> None:
        super().__init__()
        self.season, self.horizon = season, horizon

    def forward(self, past: Tensor, _step: Tensor) -> tuple[Tensor, Tensor]:
        """Return the past, and the forecast (B, H, K)."""
        seasons = to_seasons(past, self.season)  # (B, seasons, season, K)
        count = seasons.shape[1]
        order = torch.arange(1, count + 1, dtype=torch.int32, device=past.device).reshape(1, -1, 1, 1)
        # amax of the order is ten times as fast as argmax.
        newest = (order * ~seasons.isnan()).amax(dim=1, keepdim=True).long().sub(1).clamp(min=0)  # (B, 1, season, K)
        last = seasons.gather(1, newest).squeeze(1).nan_to_num(0.0)  # (B, season, K)
        return past, repeat_season(last, self.horizon)


class SeasonalSmoothing(BaseForecast):
    """Exponential smoothing of the values of each phase of a season, with a trained smoothing factor.

    Seasonal smoothing (Winters 1960) trained with the network as in ES-RNN (Smyl 2020), but with one factor for all
    series, so that new series can be forecast too.
    """

    repeats_context = True

    def __init__(self, season: int, horizon: int) -> None:
        super().__init__()
        self.season, self.horizon = season, horizon
        self.share = nn.Parameter(torch.zeros(()))  # logit of the factor, which starts at one half

    def forward(self, past: Tensor, _step: Tensor) -> tuple[Tensor, Tensor]:
        """Return the past, and the forecast (B, H, K)."""
        seasons = to_seasons(past, self.season)  # (B, seasons, season, K)
        age = torch.arange(seasons.shape[1] - 1, -1, -1, device=past.device, dtype=past.dtype).reshape(1, -1, 1, 1)
        weights = torch.exp(age * functional.logsigmoid(-self.share)) * ~seasons.isnan()  # (1 - share)^age
        smoothed = (weights * seasons.nan_to_num(0.0)).sum(1) / weights.sum(1).clamp(min=torch.finfo(past.dtype).tiny)
        return past, repeat_season(smoothed, self.horizon)


class LearnedCycle(BaseForecast):
    """A cycle learned for all series, with one value for each phase of the season (Lin et al. 2024, CycleNet).

    The network reads residuals.
    """

    subtracted = True
    initialised_from_data = True

    def __init__(self, season: int, horizon: int, targets: int) -> None:
        super().__init__()
        self.season, self.horizon = season, horizon
        self.values = nn.Parameter(torch.zeros(season, targets))

    @torch.no_grad()
    def initialise(self, future: Tensor, step: Tensor) -> None:
        """Set the cycle to the medians of the phases, for targets whose error this reduces by the share COMMON.

        If each series has its own cycle, training would have to unlearn a common one.
        """
        phases = ((step.unsqueeze(1) + torch.arange(future.shape[1])) % self.season).flatten()  # (B * H,)
        rows = future.flatten(0, 1)  # (B * H, K)
        by_phase = torch.split(rows[phases.argsort()], torch.bincount(phases, minlength=self.season).tolist())
        median = rows.nanmedian(dim=0).values  # (K,)
        cycle = torch.stack([part.nanmedian(dim=0).values if len(part) else 0 * median for part in by_phase])
        with_cycle, without = ((rows - centre).abs().nanmean(dim=0) for centre in (cycle[phases], median))  # (K,)
        self.values.copy_((cycle * (with_cycle <= (1 - COMMON) * without)).nan_to_num(0.0, 0.0, 0.0))

    def forward(self, past: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """Return the residuals of the past, and the forecast (B, H, K)."""
        offsets = torch.arange(-past.shape[1], self.horizon, device=step.device)
        cycle = self.values[((step.unsqueeze(1) + offsets) % self.season).to(self.values.device)]  # (B, L + H, K)
        return past - cycle[:, : past.shape[1]], cycle[:, past.shape[1] :]


class ZeroForecast(BaseForecast):
    """Zero at unit scale: the network forecasts everything."""

    def __init__(self, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon

    def forward(self, past: Tensor, _step: Tensor) -> tuple[Tensor, Tensor]:
        """Return the past, and zeros (B, H, K)."""
        return past, past.new_zeros(len(past), self.horizon, past.shape[2])


def build(design: Architecture, targets: int) -> BaseForecast:
    """Return the base forecast of a design."""
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
    """Split the past (B, L, K) into seasons (B, seasons, season, K), padded with NaN in front."""
    batch, length, targets = past.shape
    count = math.ceil(length / season)
    padded = functional.pad(past, (0, 0, count * season - length, 0), value=math.nan)
    return padded.reshape(batch, count, season, targets)


def repeat_season(values: Tensor, horizon: int) -> Tensor:
    """Repeat a season (B, season, K) over the horizon: (B, H, K)."""
    return values.repeat(1, math.ceil(horizon / values.shape[1]), 1)[:, :horizon]
