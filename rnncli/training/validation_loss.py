"""The loss of ensemble forecasts on the validation windows, by the metric that a model is trained for."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from rnncli.config.metrics import TRAINING_METRICS, MetricName
from rnncli.evaluation import baselines, past_changes
from rnncli.evaluation.metrics import METRICS, Metric, training_metric
from rnncli.evaluation.window_errors import EvaluatedForecast
from rnncli.model import value_limits
from rnncli.model.card import TrainingData
from rnncli.model.ensemble import ensemble_forecast
from rnncli.network import quantile_head
from rnncli.panel.window_values import slice_windows
from rnncli.planning.plan import Plan

ValidationLoss = Callable[[Sequence[np.ndarray]], float]  # of the forecasts (V, H, K, Q) of the members


def validation_loss(plan: Plan, metric: MetricName, limits: TrainingData) -> ValidationLoss:
    """Return the loss of an ensemble on the validation windows of a plan; infinite if it cannot be computed.

    limits: the range of the training values, to which forecasts are limited.
    """
    panel, windows, architecture = plan.training_panel, plan.split.validation, plan.architecture
    past, actual = slice_windows(panel, windows, architecture.season, architecture.horizon)
    head = quantile_head.build(architecture)
    changes, levels = past_changes.past_changes(panel, windows, architecture.season), np.array(head.levels)
    errors = changes.season_error, changes.season_square
    repeated = baselines.seasonal_naive(past, architecture.horizon, architecture.season)
    naive = EvaluatedForecast(actual, repeated, repeated[..., None], levels, *errors)
    takes_mean = TRAINING_METRICS[metric].point == "mean"
    needs_quantiles = takes_mean or training_metric(metric).reads_quantiles
    needed = slice(None) if needs_quantiles else slice(head.median, head.median + 1)

    def loss(members: Sequence[np.ndarray]) -> float:
        ensemble = ensemble_forecast([member[..., needed] for member in members], limits.counts)
        quantiles = value_limits.limit_quantiles(ensemble, limits)
        if takes_mean:
            point = value_limits.limit_values(head.mean(torch.from_numpy(ensemble)).numpy(), limits)
        else:
            point = quantiles[..., quantiles.shape[-1] // 2]
        forecast = EvaluatedForecast(actual, point, quantiles, levels[needed], *errors)
        score = _score(forecast, naive, training_metric(metric))
        return score if math.isfinite(score) else math.inf

    return loss


def _score(forecast: EvaluatedForecast, naive: EvaluatedForecast, metric: Metric) -> float:
    """Return the score by a training metric; a derived one is relative to seasonal naive.

    Seasonal naive weighs the parts of OWA much like M4's Naive2, and needs no decomposition.
    """
    if metric.of_windows is not None:
        return metric.of_windows(forecast).score
    assert metric.derived is not None
    parts = [METRICS[name].of_windows for name in metric.derived.metrics]
    pairs = [(part(forecast).score, part(naive).score) for part in parts if part is not None]
    return float(np.mean([own / other if other > 0 else own for own, other in pairs]))
