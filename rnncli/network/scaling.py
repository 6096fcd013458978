"""Scaling of windows to unit scale and back. Pure tensors.

Each scale is measured on the window's past alone, in float64, so that a meter reading around 1e9 keeps its digits.
"""

from typing import NamedTuple, assert_never

import torch
from torch import Tensor

from rnncli.config.fields import ScaleName

SMALLEST_SHARE = 1e-3  # of the window's mean: smaller values are raised to it before the logarithm
# After a past that hardly moved, a future that does is thousands of scales away: it is clipped to this many units, so
# that one such series does not dominate the loss.
OUTLIER = 50.0


class Scale(NamedTuple):
    """The scale of each window: x = (f(y) - level) / spread, where f is the logarithm or the identity."""

    level: Tensor  # (B, 1, K) float64
    spread: Tensor  # (B, 1, K) float64, 0 if the past is constant
    floor: Tensor | None  # (B, 1, K) float64, the smallest argument of the logarithm; None without logarithm

    def repeated(self, times: int) -> "Scale":
        """Return the scale of `times` batches of the same windows: (times * B, 1, K)."""
        if times == 1:
            return self
        floor = None if self.floor is None else self.floor.repeat(times, 1, 1)
        return Scale(self.level.repeat(times, 1, 1), self.spread.repeat(times, 1, 1), floor)

    def apply(self, values: Tensor) -> Tensor:
        """Scale values (B, T, K) in the data's units to float32; NaN stays NaN, and constant windows become 0."""
        if self.floor is not None:
            values = torch.maximum(values, self.floor).log()
        return ((values - self.level) / self.spread.masked_fill(self.spread == 0, torch.inf)).float()

    def apply_clipped(self, values: Tensor) -> Tensor:
        """Scale values (B, T, K) as `apply` does and clip them to -OUTLIER..OUTLIER."""
        return self.apply(values).clamp(-OUTLIER, OUTLIER)

    def zero(self) -> Tensor:
        """Return the value 0 at unit scale, float32 (B, 1, K); infinite for constant windows of another value."""
        value = torch.zeros_like(self.level) if self.floor is None else self.floor.log()
        scaled = (value - self.level) / self.spread
        return scaled.masked_fill(scaled.isnan(), 0.0).float()

    def undo(self, scaled: Tensor) -> Tensor:
        """Return values (B, H, K, Q) at unit scale in the data's units, float64."""
        values = scaled.double() * self.spread.unsqueeze(-1) + self.level.unsqueeze(-1)
        return values if self.floor is None else values.exp()


def measure(past: Tensor, kind: ScaleName, season: int) -> Scale:
    """Return the scale of each window from its past (B, L, K) float64, NaN where missing.

    spread  level: mean of the last season (the last value without one); spread: standard deviation of the past
    log     the same of the logarithm: for positive values whose errors grow with their level
    mean    level 0; spread: mean absolute value: for counts and intermittent series (Salinas et al. 2020, DeepAR)
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
            raise ValueError("a global scale cannot be measured on a window")
    assert_never(kind)


def recent_level(past: Tensor, observed: Tensor, count: Tensor, season: int) -> Tensor:
    """Return the mean of the last `season` observed values of each window: (B, 1, K)."""
    recent = observed & (observed.cumsum(1) > count - season)
    return past.where(recent, 0.0).sum(dim=1, keepdim=True) / count.clamp(1, season)


def deviation(past: Tensor, count: Tensor) -> Tensor:
    """Return the standard deviation of the observed values of each window: (B, 1, K), 0 if they are constant.

    Differences of the size of float64's rounding errors count as constant.
    """
    centre = mean(past, count)
    spread = mean((past - centre).square(), count).sqrt().nan_to_num(0.0)
    rounding = 8 * torch.finfo(past.dtype).eps * centre.abs().nan_to_num(0.0)
    return spread.masked_fill(spread <= rounding, 0.0)


def season_error(past: Tensor, season: int) -> Tensor:
    """Return the mean absolute change over a season in each window: (B, 1, K), NaN if none is observed."""
    lag = season if season < past.shape[1] else 1
    changes = (past[:, lag:] - past[:, :-lag]).abs()
    return mean(changes, (~changes.isnan()).sum(dim=1, keepdim=True))


def mean(values: Tensor, count: Tensor) -> Tensor:
    """Return the mean of the observed values (B, T, K) of each window: (B, 1, K), NaN without any.

    Four times as fast as nanmean.
    """
    return values.nansum(dim=1, keepdim=True) / count
