"""What a training minimises: quantile losses, weighed as the metric weighs its errors. Pure tensors.

A metric divides the error of a window by something: by nothing (MAE), by seasonal naive's error (MASE), by the size of
the values (sMAPE). Weights made of the past alone shape the loss so without moving the quantile that it is smallest at.
"""

from typing import NamedTuple, assert_never

import torch
from torch import Tensor

from rnncli.config.metrics import TRAINING_METRICS, ErrorDivisor, MetricName
from rnncli.network import scaling
from rnncli.network.quantile_head import Head
from rnncli.network.tensors import Prediction

MIN_RELATIVE_ERROR = 0.05  # of a window's deviation: no season is taken to repeat itself more exactly


def prediction_loss(
    head: Head, prediction: Prediction, future: Tensor, weight: Tensor | None, counting: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Sum and count of the losses of a prediction's quantiles (B, H, K, Q); future (B, H, K) in the data's units.

    Without a weight errors are taken at unit scale; with weight (B, 1, K), what a unit of error costs, in the data's
    units. A window whose past never moved costs nothing. counting: (B, H, 1) how much each step counts.
    """
    quantiles, scale = prediction
    moved = (scale.spread > 0).to(quantiles)
    moved = moved if counting is None else moved * counting.to(moved)
    actual = scale.apply_clipped(future)
    if weight is None:
        return head.loss(quantiles, actual.to(quantiles.device), moved)
    # In float64, as the data is: errors of 1 around a level of a billion have to stay errors of 1.
    unit = weight.unsqueeze(-1)  # (B, 1, K, 1)
    costs = scale.undo(quantiles.to(weight.device)) * unit
    return head.loss(costs, (scale.undo(actual.unsqueeze(-1)) * unit).squeeze(-1), moved.to(weight))


class LossWeights(NamedTuple):
    """What a unit of error in the data's units costs in a window, as a metric has it."""

    metric: MetricName
    season: int
    typical: tuple[float, ...]  # cost of seasonal naive's error in each part of the metric, which is taken for 1

    def weigh(self, past: Tensor) -> Tensor | None:
        """Weight (B, 1, K) float64 of each window, from its past (B, L, K) alone; None: by its own scale."""
        parts = _parts(past, self.metric, self.season)
        if not parts:
            return None
        weights = [part / typical for part, typical in zip(parts, self.typical, strict=True)]
        return torch.stack(weights).mean(0).nan_to_num(0.0)


def measure_weights(metric: MetricName, season: int, past: Tensor) -> LossWeights:
    """Measured on a sample of windows, past (B, L, K) float64."""
    error = scaling.season_error(past, season)
    costs = [(part * error).nanmean().item() for part in _parts(past, metric, season)]
    return LossWeights(metric, season, tuple(cost if cost > 0 else 1.0 for cost in costs))  # 0: nothing ever changed


def _parts(past: Tensor, metric: MetricName, season: int) -> list[Tensor]:
    """For each part of a metric what it divides a unit of error by, upside down: (B, 1, K)."""
    return [_inverse(divisor, past, season) for divisor in TRAINING_METRICS[metric].divisors]


def _inverse(divisor: ErrorDivisor, past: Tensor, season: int) -> Tensor:
    """Return the reciprocal of a divisor of errors: (B, 1, K)."""
    match divisor:
        case "unit":
            return past.new_ones(len(past), 1, past.shape[2])
        case "season error":
            return 1 / _moves(past, season)
        case "size":
            return 1 / _size(past)
    assert_never(divisor)


def _moves(past: Tensor, season: int) -> Tensor:
    """Seasonal naive's error in each window, not below a share of its deviation: (B, 1, K), inf where nothing moves."""
    count = (~past.isnan()).sum(dim=1, keepdim=True)
    moves = torch.maximum(scaling.season_error(past, season), MIN_RELATIVE_ERROR * scaling.deviation(past, count))
    return moves.masked_fill(moves == 0, torch.inf)


def _size(past: Tensor) -> Tensor:
    """Mean absolute value of each window: (B, 1, K), inf where all is zero."""
    size = scaling.mean(past.abs(), (~past.isnan()).sum(dim=1, keepdim=True))
    return size.masked_fill(size == 0, torch.inf)
