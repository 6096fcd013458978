"""How much forecasts of the validation windows err, by the metric that a model is trained for."""

import math
from collections.abc import Callable, Sequence
from typing import assert_never

import numpy as np
import torch

from rnncli.config.sections import MetricName
from rnncli.evaluation import baselines, cutoffs, metrics, past_changes
from rnncli.evaluation.metrics import Scored
from rnncli.model import value_limits
from rnncli.model.card import TrainingData
from rnncli.model.ensemble import consensus
from rnncli.network import quantile_head
from rnncli.panel import Panel
from rnncli.planning import plan as choices

METRIC_LOSSES = {
    "mae": metrics.mae,
    "mase": metrics.mase,
    "smape": metrics.smape,
    "mse": metrics.mse,
    "rmsse": metrics.rmsse,
}

ValidationLoss = Callable[[Sequence[np.ndarray]], float]


def validation_loss(panel: Panel, plan: choices.Plan, metric: MetricName, seen: TrainingData) -> ValidationLoss:
    """What scores forecasts (V, H, K, Q) of the validation windows, taken together: lower is better.

    inf where nothing can be told. seen: what can come, by which they are taken.
    """
    places, design = plan.split.validation, plan.architecture
    past, actual = cutoffs.slice_windows(panel, places, design.season, design.horizon)
    moved, levels = past_changes.past_changes(panel, places, design.season), np.array(quantile_head.LEVELS)
    errors = moved.season_error, moved.season_square
    repeated = baselines.seasonal_naive(past, design.horizon, design.season)
    naive, takes_mean = Scored(actual, repeated, repeated[..., None], levels, *errors), quantile_head.takes_mean(metric)
    looked_at = (
        slice(None) if takes_mean or metric == "quantiles" else slice(quantile_head.MEDIAN, quantile_head.MEDIAN + 1)
    )

    def score(members: Sequence[np.ndarray]) -> float:
        said = consensus([torch.from_numpy(one[..., looked_at]) for one in members], seen.counts)
        told = value_limits.quantiles(said.numpy(), seen)
        point = (
            value_limits.within(quantile_head.mean(said).numpy(), seen)
            if takes_mean
            else told[..., told.shape[-1] // 2]
        )
        loss = _loss(Scored(actual, point, told, levels[looked_at], *errors), naive, metric)
        return loss if math.isfinite(loss) else math.inf

    return score


def _loss(scored: Scored, naive: Scored, metric: MetricName) -> float:
    match metric:
        case "quantiles":
            return metrics.scaled_quantile_loss(scored).ratio
        case "owa":  # relative to seasonal naive instead of M4's Naive2: that weighs the two parts much alike
            pairs = [(one(scored).ratio, one(naive).ratio) for one in (metrics.smape, metrics.mase)]
            return float(np.mean([own / other if other > 0 else own for own, other in pairs]))
        case "mae" | "mase" | "smape" | "mse" | "rmsse":
            return METRIC_LOSSES[metric](scored).ratio
    assert_never(metric)
