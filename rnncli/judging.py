"""How much forecasts of the validation windows err, and how far that can be told from chance. No training."""

import math
from collections.abc import Callable, Sequence
from typing import assert_never

import numpy as np
import torch

from rnncli import backtest, baselines, choices, domain, heads, metrics
from rnncli.card import Seen
from rnncli.config import MetricName
from rnncli.consensus import consensus
from rnncli.metrics import Parts, Scored
from rnncli.panel import Cutoffs, Panel

BATCHES = 10  # of series, at most

JUDGED = {
    "mae": metrics.mae,
    "mase": metrics.mase,
    "smape": metrics.smape,
    "mse": metrics.mse,
    "rmsse": metrics.rmsse,
}

Judge = Callable[[Sequence[np.ndarray]], np.ndarray]


def judge(panel: Panel, plan: choices.Plan, metric: MetricName, seen: Seen) -> Judge:
    """What each validation window adds to the loss (V,) of forecasts (V, H, K, Q) of them, taken together.

    seen: what can come, by which they are taken.
    """
    places, design = plan.split.validation, plan.architecture
    past, actual = backtest.cut(panel, places, design.season, design.horizon)
    moved, levels = backtest.before(panel, places, design.season), np.array(heads.LEVELS)
    errors = moved.season_error, moved.season_square
    repeated = baselines.seasonal_naive(past, design.horizon, design.season)
    naive, takes_mean = Scored(actual, repeated, repeated[..., None], levels, *errors), heads.takes_mean(metric)
    looked_at = slice(None) if takes_mean or metric == "quantiles" else slice(heads.MEDIAN, heads.MEDIAN + 1)

    def score(members: Sequence[np.ndarray]) -> np.ndarray:
        said = consensus([torch.from_numpy(one[..., looked_at]) for one in members], seen.counts)
        told = domain.quantiles(said.numpy(), seen)
        point = domain.within(heads.mean(said).numpy(), seen) if takes_mean else told[..., told.shape[-1] // 2]
        return _added(Scored(actual, point, told, levels[looked_at], *errors), naive, metric)

    return score


def loss(added: np.ndarray) -> float:
    """What windows (V,) add, in all: lower is better; inf where nothing can be told."""
    total = float(added.sum())
    return total if math.isfinite(total) else math.inf


def doubt(excess: np.ndarray, panel: Panel, places: Cutoffs, horizon: int) -> float:
    """The standard error of how much more one forecast errs than another; excess (V,): by how much in each window.

    Windows hang together where they overlap in time, and where they are of the same series. So it is told by batches of
    windows (batch means: Schmeiser 1982): of some series each, and of times a horizon apart, whichever differ more.
    """
    times = (panel.firsts[places.series] + places.rows) // horizon
    return max(_spread(excess, places.series, BATCHES), _spread(excess, times, len(times)))


def _spread(excess: np.ndarray, groups: np.ndarray, most: int) -> float:
    """The standard deviation of the sum of values (V,), as it shows between batches of whole groups (V,)."""
    distinct, number = np.unique(groups, return_inverse=True)
    count = min(most, len(distinct))
    if count < 2:
        return 0.0
    batches = np.bincount(number * count // len(distinct), excess - excess.mean(), count)  # which may differ in size
    return math.sqrt(float((batches**2).sum()) * count / (count - 1))


def _added(scored: Scored, naive: Scored, metric: MetricName) -> np.ndarray:
    match metric:
        case "quantiles":
            return _shares(metrics.scaled_quantile_loss(scored))
        case "owa":  # relative to seasonal naive instead of M4's Naive2: that weighs the two parts much alike
            pairs = [(one(scored), one(naive).ratio) for one in (metrics.smape, metrics.mase)]
            return np.mean([_shares(own) / (other if other > 0 else 1.0) for own, other in pairs], axis=0)
        case "mae" | "mase" | "smape" | "mse" | "rmsse":
            return _shares(JUDGED[metric](scored))
    assert_never(metric)


def _shares(parts: Parts) -> np.ndarray:
    """What each window adds to a metric: (V,)."""
    return metrics.ratio(parts.above.sum(axis=1), np.broadcast_to(parts.below.sum(), len(parts.below)))
