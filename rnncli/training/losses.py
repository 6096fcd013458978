"""Training losses: the loss of the head, weighted such that errors count as in the metric.

A metric divides the errors of a window by a number: MAE by nothing, MASE by the error of seasonal naive, sMAPE by the
size of the values. Weights that depend on the past alone do the same, and leave the quantiles with the lowest loss.
"""

from typing import NamedTuple, assert_never

import torch
from torch import Tensor

from rnncli.config.metrics import TRAINING_METRICS, ErrorDivisor, MetricName
from rnncli.network import scaling
from rnncli.network.quantile_head import Head
from rnncli.network.tensors import Prediction

MIN_RELATIVE_ERROR = 0.05  # of seasonal naive, relative to the deviation of the window


class LossSum(NamedTuple):
    """A sum of losses, and the (weighted) number of its terms."""

    total: Tensor
    terms: Tensor


def prediction_loss(
    head: Head, prediction: Prediction, future: Tensor, weight: Tensor | None, step_weights: Tensor | None = None
) -> LossSum:
    """Return the losses of a prediction by its head; future: (B, H, K) in the units of the data.

    weight: (B, 1, K) loss of an error of 1 in the units of the data; without it, errors are taken at unit scale.
    step_weights: (B, H, 1) weight of each step. A window with a constant past has no loss.
    """
    quantiles, scale = prediction  # (B, H, K, Q)
    counts = (scale.spread > 0).to(quantiles)
    counts = counts if step_weights is None else counts * step_weights.to(counts)
    actual = scale.apply_clipped(future)
    if weight is None:
        return LossSum(*head.loss(quantiles, actual.to(quantiles.device), counts))
    # In float64, like the data: an error of 1 at a level of 1e9 must stay an error of 1.
    unit = weight.unsqueeze(-1)  # (B, 1, K, 1)
    weighted = scale.undo(quantiles.to(weight.device)) * unit
    weighted_actual = (scale.undo(actual.unsqueeze(-1)) * unit).squeeze(-1)
    return LossSum(*head.loss(weighted, weighted_actual, counts.to(weight)))


class LossWeights(NamedTuple):
    """Weights of errors in the units of the data, by a metric."""

    metric: MetricName
    season: int
    typical: tuple[float, ...]  # loss of seasonal naive by each part of the metric, to which the parts are relative

    def weigh(self, past: Tensor) -> Tensor | None:
        """Return the weight (B, 1, K) float64 of each window from its past (B, L, K); None: errors at unit scale."""
        parts = _parts(past, self.metric, self.season)
        if not parts:
            return None
        weights = [part / typical for part, typical in zip(parts, self.typical, strict=True)]
        return torch.stack(weights).mean(0).nan_to_num(0.0)


def measure_weights(metric: MetricName, season: int, past: Tensor) -> LossWeights:
    """Measure the weights on a sample of windows, past (B, L, K) float64."""
    error = scaling.season_error(past, season)
    typical = [(part * error).nanmean().item() for part in _parts(past, metric, season)]
    return LossWeights(metric, season, tuple(loss if loss > 0 else 1.0 for loss in typical))  # 0: constant windows


def _parts(past: Tensor, metric: MetricName, season: int) -> list[Tensor]:
    """Return for each part of a metric the reciprocal of what it divides errors by: (B, 1, K)."""
    return [_inverse(divisor, past, season) for divisor in TRAINING_METRICS[metric].divisors]


def _inverse(divisor: ErrorDivisor, past: Tensor, season: int) -> Tensor:
    """Return the reciprocal of a divisor of errors: (B, 1, K)."""
    match divisor:
        case "unit":
            return past.new_ones(len(past), 1, past.shape[2])
        case "season error":
            return 1 / _season_error(past, season)
        case "size":
            return 1 / _size(past)
    assert_never(divisor)


def _season_error(past: Tensor, season: int) -> Tensor:
    """Return the error of seasonal naive, at least a share of the deviation: (B, 1, K), inf for constant windows."""
    count = (~past.isnan()).sum(dim=1, keepdim=True)
    error = torch.maximum(scaling.season_error(past, season), MIN_RELATIVE_ERROR * scaling.deviation(past, count))
    return error.masked_fill(error == 0, torch.inf)


def _size(past: Tensor) -> Tensor:
    """Return the mean absolute value of each window: (B, 1, K), inf if all values are zero."""
    size = scaling.mean(past.abs(), (~past.isnan()).sum(dim=1, keepdim=True))
    return size.masked_fill(size == 0, torch.inf)
