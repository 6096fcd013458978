"""From a decoder's output to a forecast distribution. Pure tensors.

One head so far: quantiles. Its parameters per step are one centre and the gaps between neighbouring quantiles, which
softplus keeps positive, so that quantiles never cross (Gasthaus et al. 2019 and Park et al. 2022 argue for such
increments).
"""

import torch
from torch import Tensor
from torch.nn import functional

# Trained once, read at any level: the ends hold the 95 % interval, the middle is the point forecast.
LEVELS = (0.025, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.975)
MEDIAN = LEVELS.index(0.5)
MEAN_OF = 200  # quantiles, evenly spread, that a mean is taken of


def quantiles(parameters: Tensor, centre: Tensor) -> Tensor:
    """Unbounded parameters (..., Q) around a centre (...) to quantiles (..., Q) that rise with their level."""
    median = parameters[..., MEDIAN : MEDIAN + 1] + centre.unsqueeze(-1)
    gaps = functional.softplus(parameters)
    above = gaps[..., MEDIAN + 1 :].cumsum(-1)
    below = gaps[..., :MEDIAN].flip(-1).cumsum(-1).flip(-1)
    return torch.cat([median - below, median, median + above], dim=-1)


def pinball(forecast: Tensor, actual: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of the quantile losses (Koenker and Bassett 1978) of forecast (B, H, K, Q), and how many they are.

    Twice the usual definition, so that the median's part is the absolute error. Missing values of actual (B, H, K) cost
    nothing; weight (B, 1 or H, K) says how much a window or each of its steps counts.
    """
    levels = torch.tensor(LEVELS, dtype=forecast.dtype, device=forecast.device)
    observed = ~actual.isnan()
    error = actual.nan_to_num(0.0).unsqueeze(-1) - forecast  # (B, H, K, Q)
    loss = 2 * torch.maximum(levels * error, (levels - 1) * error).mean(-1)
    counted = weight * observed
    return (loss * counted).sum(), counted.sum()


def at_levels(forecast: Tensor, levels: Tensor) -> Tensor:
    """Quantiles (..., Q) at LEVELS read at other levels (P,) in (0, 1): (..., P), rising with the level.

    Straight lines between the trained quantiles over the normal distribution's own quantiles, so that the tails go on
    as a normal distribution's would.
    """
    left, share = _neighbours(torch.special.ndtri(levels.to(forecast)))  # (P,)
    return forecast[..., left] + share * (forecast[..., left + 1] - forecast[..., left])


def drawn(forecast: Tensor, deviates: Tensor) -> Tensor:
    """A value (...) of each distribution with quantiles (..., Q) at LEVELS: where its standard normal deviate lies."""
    left, share = _neighbours(deviates)  # (...)
    below, above = (forecast.gather(-1, place.unsqueeze(-1)).squeeze(-1) for place in (left, left + 1))
    return below + share * (above - below)


def _neighbours(deviates: Tensor) -> tuple[Tensor, Tensor]:
    """The trained level before each normal deviate (...), and how far on the way to the next one it lies."""
    trained = torch.special.ndtri(torch.tensor(LEVELS, dtype=deviates.dtype, device=deviates.device))
    left = torch.searchsorted(trained, deviates).clamp(1, len(LEVELS) - 1) - 1
    return left, (deviates - trained[left]) / (trained[left + 1] - trained[left])


def point(forecast: Tensor, take_mean: bool) -> Tensor:
    """The mean or the median (...) of a distribution with quantiles (..., Q) at LEVELS."""
    return mean(forecast) if take_mean else forecast[..., MEDIAN]


def mean(forecast: Tensor) -> Tensor:
    """The mean (...) of a distribution with quantiles (..., Q) at LEVELS and, between them, as `at_levels` reads."""
    shares = (torch.arange(MEAN_OF, dtype=forecast.dtype, device=forecast.device) + 0.5) / MEAN_OF
    weights = at_levels(torch.eye(len(LEVELS), dtype=forecast.dtype, device=forecast.device), shares).mean(-1)  # (Q,)
    return forecast @ weights
