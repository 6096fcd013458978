"""How much forecasts of the validation windows err, by the metric that a model is trained for."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from rnncli.config.metrics import TRAINING_METRICS, MetricName
from rnncli.evaluation import baselines, cutoffs, past_changes
from rnncli.evaluation.metrics import METRICS, Metric, training_metric
from rnncli.evaluation.window_errors import EvaluatedForecast
from rnncli.model import value_limits
from rnncli.model.card import TrainingData
from rnncli.model.ensemble import ensemble_forecast
from rnncli.network import quantile_head
from rnncli.panel import Panel
from rnncli.planning import plan as choices

ValidationLoss = Callable[[Sequence[np.ndarray]], float]


def validation_loss(panel: Panel, plan: choices.Plan, metric: MetricName, seen: TrainingData) -> ValidationLoss:
    """What scores forecasts (V, H, K, Q) of the validation windows, taken together: lower is better.

    inf where nothing can be told. seen: what can come, by which they are taken.
    """
    places, design = plan.split.validation, plan.architecture
    past, actual = cutoffs.slice_windows(panel, places, design.season, design.horizon)
    head = quantile_head.build(design)
    moved, levels = past_changes.past_changes(panel, places, design.season), np.array(head.levels)
    errors = moved.season_error, moved.season_square
    repeated = baselines.seasonal_naive(past, design.horizon, design.season)
    naive = EvaluatedForecast(actual, repeated, repeated[..., None], levels, *errors)
    takes_mean = TRAINING_METRICS[metric].point == "mean"
    needs_quantiles = takes_mean or training_metric(metric).reads_quantiles
    looked_at = slice(None) if needs_quantiles else slice(head.median, head.median + 1)

    def score(members: Sequence[np.ndarray]) -> float:
        said = ensemble_forecast([torch.from_numpy(one[..., looked_at]) for one in members], seen.counts)
        told = value_limits.limit_quantiles(said.numpy(), seen)
        point = (
            value_limits.limit_values(head.mean(said).numpy(), seen) if takes_mean else told[..., told.shape[-1] // 2]
        )
        loss = _loss(EvaluatedForecast(actual, point, told, levels[looked_at], *errors), naive, training_metric(metric))
        return loss if math.isfinite(loss) else math.inf

    return score


def _loss(forecast: EvaluatedForecast, naive: EvaluatedForecast, metric: Metric) -> float:
    """Return the score by a training metric; a derived one is relative to seasonal naive.

    Seasonal naive weighs the parts of OWA much like M4's Naive2, and needs no decomposition.
    """
    if metric.of_windows is not None:
        return metric.of_windows(forecast).score
    assert metric.derived is not None
    parts = [METRICS[name].of_windows for name in metric.derived.metrics]
    pairs = [(part(forecast).score, part(naive).score) for part in parts if part is not None]
    return float(np.mean([own / other if other > 0 else own for own, other in pairs]))
