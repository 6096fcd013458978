"""Heads: from the parameters that a decoder outputs to a forecast distribution and its loss. Pure tensors.

A new head is a class here and a case in `build`. Networks own their head; other modules ask it for its levels.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from rnncli.config.architecture import Architecture
from rnncli.config.intervals import QUANTILE_LEVELS

MEAN_OF = 200  # evenly spaced quantiles whose average is the mean


class Head(Protocol):
    """Interface of a head for networks, training and models. It has no weights: the network's readout holds them."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of its Q quantiles, rising."""

    @property
    def median(self) -> int:
        """Index of the median among them, and of the parameter that moves all of them."""

    @property
    def width(self) -> int:
        """Parameters per step and target: P."""

    def quantiles(self, parameters: Tensor, centre: Tensor) -> Tensor:
        """Map unbounded parameters (..., P) around a centre (...) to quantiles (..., Q) that rise with their level."""

    def parameters(self, quantiles: Tensor, least_gap: float) -> Tensor:
        """Return the parameters (..., P) whose quantiles around 0 are these (..., Q), at least `least_gap` apart."""

    def loss(self, forecast: Tensor, actual: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return sum and count of the losses of forecasts (B, H, K, Q); actual (B, H, K) is NaN where missing.

        weight: (B, 1 or H, K) how much a window, or each of its steps, counts.
        """

    def at_levels(self, forecast: Tensor, levels: Tensor) -> Tensor:
        """Interpolate quantiles (..., Q) at other levels (L,) in (0, 1): (..., L), rising with the level."""

    def sample(self, forecast: Tensor, deviates: Tensor) -> Tensor:
        """Return the values (...) of distributions (..., Q) at standard normal deviates (...)."""

    def mean(self, forecast: Tensor) -> Tensor:
        """Return the means (...) of distributions (..., Q)."""

    def point(self, forecast: Tensor, take_mean: bool) -> Tensor:
        """Return the mean or the median (...) of distributions (..., Q)."""


class QuantileHead:
    """Quantiles at fixed levels, which never cross; other levels are interpolated.

    The parameters of a step are one centre and the gaps between neighbouring quantiles. Softplus keeps the gaps
    positive (Gasthaus et al. 2019 and Park et al. 2022 argue for such increments).
    """

    levels = QUANTILE_LEVELS  # the middle is the point forecast
    median = levels.index(0.5)
    width = len(levels)

    def quantiles(self, parameters: Tensor, centre: Tensor) -> Tensor:
        """Map unbounded parameters (..., Q) around a centre (...) to quantiles (..., Q) that rise with their level."""
        middle = self.median
        median = parameters[..., middle : middle + 1] + centre.unsqueeze(-1)
        gaps = functional.softplus(parameters)
        above = gaps[..., middle + 1 :].cumsum(-1)
        below = gaps[..., :middle].flip(-1).cumsum(-1).flip(-1)
        return torch.cat([median - below, median, median + above], dim=-1)

    def parameters(self, quantiles: Tensor, least_gap: float) -> Tensor:
        """Return the parameters (..., Q) whose quantiles around 0 are these (..., Q), at least `least_gap` apart."""
        middle = self.median
        gaps = quantiles.diff(dim=-1).clamp(min=least_gap)  # (..., Q - 1)
        inverse = gaps + torch.log(-torch.expm1(-gaps))  # of softplus
        return torch.cat([inverse[..., :middle], quantiles[..., middle:][..., :1], inverse[..., middle:]], dim=-1)

    def loss(self, forecast: Tensor, actual: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sum and count of the quantile losses (Koenker and Bassett 1978) of forecasts (B, H, K, Q).

        Twice the usual definition, so that the median's part is the absolute error. Missing values of actual (B, H, K)
        cost nothing; weight (B, 1 or H, K) is how much a window, or each of its steps, counts.
        """
        levels = torch.tensor(self.levels, dtype=forecast.dtype, device=forecast.device)
        observed = ~actual.isnan()
        error = actual.nan_to_num(0.0).unsqueeze(-1) - forecast  # (B, H, K, Q)
        loss = 2 * torch.maximum(levels * error, (levels - 1) * error).mean(-1)
        counted = weight * observed
        return (loss * counted).sum(), counted.sum()

    def at_levels(self, forecast: Tensor, levels: Tensor) -> Tensor:
        """Interpolate quantiles (..., Q) at other levels (L,) in (0, 1): (..., L), rising with the level.

        Linear in the normal distribution's quantiles, so that the tails continue as those of a normal distribution.
        """
        below, share = self._neighbours(torch.special.ndtri(levels.to(forecast)))  # (L,)
        return forecast[..., below] + share * (forecast[..., below + 1] - forecast[..., below])

    def sample(self, forecast: Tensor, deviates: Tensor) -> Tensor:
        """Return the values (...) of distributions (..., Q) at standard normal deviates (...)."""
        index, share = self._neighbours(deviates)  # (...)
        below, above = (forecast.gather(-1, side.unsqueeze(-1)).squeeze(-1) for side in (index, index + 1))
        return below + share * (above - below)

    def mean(self, forecast: Tensor) -> Tensor:
        """Return the means (...) of distributions (..., Q) that are interpolated as in `at_levels`."""
        shares = (torch.arange(MEAN_OF, dtype=forecast.dtype, device=forecast.device) + 0.5) / MEAN_OF
        unit = torch.eye(len(self.levels), dtype=forecast.dtype, device=forecast.device)
        return forecast @ self.at_levels(unit, shares).mean(-1)  # weights (Q,)

    def point(self, forecast: Tensor, take_mean: bool) -> Tensor:
        """Return the mean or the median (...) of distributions (..., Q)."""
        return self.mean(forecast) if take_mean else forecast[..., self.median]

    def _neighbours(self, deviates: Tensor) -> tuple[Tensor, Tensor]:
        """Return the level below each normal deviate (...) and its share of the way to the next level."""
        trained = torch.special.ndtri(torch.tensor(self.levels, dtype=deviates.dtype, device=deviates.device))
        below = torch.searchsorted(trained, deviates).clamp(1, len(self.levels) - 1) - 1
        return below, (deviates - trained[below]) / (trained[below + 1] - trained[below])


def build(_design: Architecture) -> Head:
    """Return the head of a design."""
    return QuantileHead()
