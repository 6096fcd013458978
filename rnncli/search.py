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
from rnncli.workshop import TRIED, Made, Workshop

FIRST_SHARE = 0.3  # of the time, at most, for each of the first trials
SPOILED = 1.01  # times the lowest loss: what is within is worth the variety

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
        plan = workshop.plan
        self.judge = judge(panel, plan, workshop.training.metric) if len(plan.split.validation.rows) else None

    def run(self) -> None:
        """Try the scales and bases first, then other segments and contexts of what did best so far."""
        plan, most = self.workshop.plan, self.workshop.trials
        designs = [plan.architecture, *plan.rivals] if self.judge else []
        while designs and len(self.made) < most:
            before = len(self.made)
            self._try(designs[: most - before])
            if len(self.made) == before:  # the time is up
                return
            tried = [made.architecture for made in self.made.values()]
            nearby = choices.neighbours(self.ranked()[0].architecture, self.network, self.longest)
            designs = [design for design in nearby if design not in tried]

    def ranked(self) -> list[Made]:
        """What was tried, the best first."""
        if self.judge is None:
            return []
        losses = {place: self.judge(made.trained.quantiles) for place, made in sorted(self.made.items())}
        return [self.made[place] for place in sorted(losses, key=losses.__getitem__)]

    def kept(self) -> list[Made]:
        """The designs to keep, the best first."""
        ranked = self.ranked()
        if not ranked or self.judge is None:
            return []
        return [ranked[place] for place in selected([made.trained.quantiles for made in ranked], self.judge)]

    def _try(self, designs: list[Architecture]) -> None:
        workshop, plan, before = self.workshop, self.workshop.plan, len(self.made)

        def tasks() -> Iterator[Task]:
            for number, design in enumerate(designs, before):
                longest = max((made.trained.seconds for made in self.made.values()), default=0.0)
                if self.made and workshop.left(TRIED) < longest:
                    return
                limit = FIRST_SHARE * workshop.budget
                yield workshop.task(design, plan.split, plan.steps, limit, "trial", number)

        workshop.train("trial", tasks(), len(designs), self.made)


def selected(forecasts: list[np.ndarray], judge: Judge) -> list[int]:
    """The places of the forecasts whose median to take: the best, then each time the one that helps most.

    Forward selection (Caruana et al. 2004) that goes on beyond its optimum while the median is not spoiled, for the
    variety.
    """
    left, chosen, losses = list(range(len(forecasts))), list[int](), list[float]()
    while left:
        loss, place = min(
            (judge(np.median([forecasts[one] for one in [*chosen, place]], axis=0)), place) for place in left
        )
        chosen.append(place)
        left.remove(place)
        losses.append(loss)
    last = max(number for number, loss in enumerate(losses) if loss <= SPOILED * min(losses))
    return chosen[: last + 1]


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
