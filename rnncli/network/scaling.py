"""A window to unit scale and back. Pure tensors: knows nothing of networks.

Scales are measured on the window's own past alone, in float64, so that a meter reading around 1e9 keeps its digits.
"""

from typing import NamedTuple, assert_never

import torch
from torch import Tensor

from rnncli.config.sections import ScaleName

# A logarithm needs positive values: what lies below this share of the window's mean is taken for it.
SMALLEST_SHARE = 1e-3
# After a past that hardly moved, a future that does is thousands of scales away: it is clipped to this many units, so
# that one such series does not dominate the loss.
OUTLIER = 50.0


class Scale(NamedTuple):
    """What brings one window to unit scale: x = (f(y) - level) / spread, where f is log or nothing."""

    level: Tensor  # (B, 1, K) float64
    spread: Tensor  # (B, 1, K) float64, 0 where the past never moved
    floor: Tensor | None  # (B, 1, K) float64, the smallest value the logarithm takes; None without logarithm

    def repeated(self, times: int) -> "Scale":
        """The same for so many batches behind one another: (times * B, 1, K)."""
        if times == 1:
            return self
        floor = None if self.floor is None else self.floor.repeat(times, 1, 1)
        return Scale(self.level.repeat(times, 1, 1), self.spread.repeat(times, 1, 1), floor)

    def apply(self, values: Tensor) -> Tensor:
        """Values (B, T, K) in the data's units to unit scale, float32; NaN stays NaN, and unmoved windows give 0."""
        if self.floor is not None:
            values = torch.maximum(values, self.floor).log()
        return ((values - self.level) / self.spread.masked_fill(self.spread == 0, torch.inf)).float()

    def apply_clipped(self, values: Tensor) -> Tensor:
        """Scale values (B, T, K) as `apply` does and clip them to -OUTLIER..OUTLIER."""
        return self.apply(values).clamp(-OUTLIER, OUTLIER)

    def zero(self) -> Tensor:
        """Where zero comes to lie, float32 (B, 1, K): infinitely far from what never moved and is something else."""
        value = torch.zeros_like(self.level) if self.floor is None else self.floor.log()
        away = (value - self.level) / self.spread
        return away.masked_fill(away.isnan(), 0.0).float()

    def undo(self, scaled: Tensor) -> Tensor:
        """Unit scale (B, H, K, Q) back to the data's units, float64."""
        values = scaled.double() * self.spread.unsqueeze(-1) + self.level.unsqueeze(-1)
        return values if self.floor is None else values.exp()


def measure(past: Tensor, kind: ScaleName, season: int) -> Scale:
    """The scale of each window, from its past (B, L, K) float64 with NaN where missing.

    spread  level: mean of the last season (the last value without one); spread: standard deviation of the past
    log     the same of the logarithm: for positive values whose errors grow with their level
    mean    level 0; spread: mean absolute value: for counts and for what is often zero (Salinas et al. 2020, DeepAR)
    """
    observed = ~past.isnan()
    count = observed.sum(dim=1, keepdim=True)  # (B, 1, K)
    match kind:
        case "spread":
            return Scale(recent_level(past, observed, count, season), deviation(past, count), None)
        case "log":
            floor = (SMALLEST_SHARE * mean(past.abs(), count)).nan_to_num(1.0).clamp(min=torch.finfo(past.dtype).tiny)
            logarithm = torch.maximum(past, floor).log()
            return Scale(recent_level(logarithm, observed, count, season), deviation(logarithm, count), floor)
        case "mean":
            size = mean(past.abs(), count).nan_to_num(0.0)
            return Scale(torch.zeros_like(size), size, None)
        case "global":
            raise ValueError("one scale for all windows is none that a window tells")
    assert_never(kind)


def recent_level(past: Tensor, observed: Tensor, count: Tensor, season: int) -> Tensor:
    """Mean of the last `season` values observed in each window: (B, 1, K)."""
    recent = observed & (observed.cumsum(1) > count - season)
    return past.where(recent, 0.0).sum(dim=1, keepdim=True) / count.clamp(1, season)


def deviation(past: Tensor, count: Tensor) -> Tensor:
    """Standard deviation of what is observed in each window: (B, 1, K), 0 where nothing moves.

    Differences at the size of float64's own rounding are no movement.
    """
    centre = mean(past, count)
    spread = mean((past - centre).square(), count).sqrt().nan_to_num(0.0)
    rounding = 8 * torch.finfo(past.dtype).eps * centre.abs().nan_to_num(0.0)
    return spread.masked_fill(spread <= rounding, 0.0)


def season_error(past: Tensor, season: int) -> Tensor:
    """Mean absolute change over a season within each window, NaN where none is observed: (B, 1, K)."""
    lag = season if season < past.shape[1] else 1
    changes = (past[:, lag:] - past[:, :-lag]).abs()
    return mean(changes, (~changes.isnan()).sum(dim=1, keepdim=True))


def mean(values: Tensor, count: Tensor) -> Tensor:
    """Mean of what is observed in each window: (B, 1, K), NaN where nothing is. Four times as quick as nanmean."""
    return values.nansum(dim=1, keepdim=True) / count
