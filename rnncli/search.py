"""Which designs forecast a panel best, told on validation windows, and which of them belong together.

The median of networks that differ in scale, base, context and segment errs less than any of them, and which of them
errs least on other windows cannot be told from these: on tourism_monthly the order of the scales turned round between
the validation windows and those that came after. So every design counts that does not spoil the median of those before.
"""

import math
from collections.abc import Callable, Iterator
from typing import assert_never

import numpy as np
import torch

from rnncli import backtest, baselines, choices, heads, metrics
from rnncli.config import Architecture, MetricName, Network
from rnncli.metrics import Scored
from rnncli.panel import Panel
from rnncli.training import Task
from rnncli.workshop import Made, Workshop

TRIAL_SHARE = 0.55  # of the time
FIRST_SHARE = 0.3  # of the time, at most, for each of the first trials
SPOILED = 1.005  # times the lowest loss: what is within is worth the variety

JUDGED = {
    "mae": metrics.mae,
    "mase": metrics.mase,
    "smape": metrics.smape,
    "mse": metrics.mse,
    "rmsse": metrics.rmsse,
}

Judge = Callable[[np.ndarray], float]


class Search:
    """Trials under way, and what they told so far."""

    def __init__(self, workshop: Workshop, panel: Panel, network: Network) -> None:
        self.workshop, self.network = workshop, network
        self.longest = int(panel.lengths.max())
        self.made: dict[int, Made] = {}
        self.scores: dict[int, float] = {}
        plan = workshop.plan
        self.judge = judge(panel, plan, workshop.training.metric) if len(plan.split.validation.rows) else None

    def run(self) -> None:
        """Try the scales and bases first, then other contexts and segments for what did best among them."""
        if self.judge is None:
            return
        plan, enough = self.workshop.plan, self.workshop.enough
        self._try([plan.architecture, *plan.rivals][:enough])
        best = self.ranked()[0].architecture
        self._try(choices.neighbours(best, self.network, self.longest)[: enough - len(self.made)])

    def ranked(self) -> list[Made]:
        """What was tried, the best first."""
        return [self.made[place] for place in sorted(self._scored(), key=self._scored().__getitem__)]

    def kept(self) -> list[Made]:
        """The designs to keep: the best, then each time the one that helps most, while the median is not spoiled.

        Forward selection (Caruana et al. 2004) that goes on a little beyond its optimum, for the variety.
        """
        left = self.ranked()
        chosen, left = left[:1], left[1:]
        losses = [self._together(chosen)] if chosen else []
        while left:
            loss, number = min((self._together([*chosen, one]), number) for number, one in enumerate(left))
            chosen.append(left.pop(number))
            losses.append(loss)
        last = max((place for place, loss in enumerate(losses) if loss <= SPOILED * min(losses)), default=-1)
        return chosen[: last + 1]

    def _try(self, designs: list[Architecture]) -> None:
        workshop, plan, before = self.workshop, self.workshop.plan, len(self.made)

        def tasks() -> Iterator[Task]:
            for number, design in enumerate(designs, before):
                longest = max((made.trained.seconds for made in self.made.values()), default=0.0)
                if self.made and workshop.left(TRIAL_SHARE) < longest:
                    return
                limit = FIRST_SHARE * workshop.budget
                yield workshop.task(design, plan.split, plan.steps, limit, "trial", number)

        workshop.train("trial", tasks(), len(designs), self.made)

    def _scored(self) -> dict[int, float]:
        for place, made in self.made.items():
            if place not in self.scores:
                self.scores[place] = self._together([made])
        return self.scores

    def _together(self, made: list[Made]) -> float:
        assert self.judge is not None
        return self.judge(np.median([one.trained.quantiles for one in made], axis=0))


def judge(panel: Panel, plan: choices.Plan, metric: MetricName) -> Judge:
    """What scores forecasts (V, H, K, Q) of the validation windows, lower is better; inf where nothing can be told."""
    places, design = plan.split.validation, plan.architecture
    past, actual = backtest.cut(panel, places, design.season, design.horizon)
    errors = backtest.scales(panel, places, design.season)
    levels = np.array(heads.LEVELS)
    naive = Scored(actual, baselines.seasonal_naive(past, design.horizon, design.season), None, levels, *errors)

    def score(quantiles: np.ndarray) -> float:
        point = heads.point(torch.from_numpy(quantiles), metric).numpy()
        loss = _loss(Scored(actual, point, quantiles, levels, *errors), naive, metric)
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
            return JUDGED[metric](scored).ratio
    assert_never(metric)
