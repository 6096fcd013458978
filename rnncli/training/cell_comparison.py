"""Several cells on the same data, each trained as `train` would in the same time, and forecast on the same windows.

No printing: it reports its progress.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from rnncli.config.cells import CellName
from rnncli.config.sections import Config
from rnncli.evaluation import backtest
from rnncli.evaluation.backtest import ForecastChunk, Scoring
from rnncli.model.model import Model
from rnncli.panel import Cutoffs, Panel
from rnncli.planning.plan import Plan
from rnncli.training import refit_backtest, train_model
from rnncli.training import workers as crew
from rnncli.training.trials import INTERRUPTED, TrainingStatus
from rnncli.windows.windows import SeriesData


class CellPlan(NamedTuple):
    """A cell that takes part, with nothing left open."""

    name: CellName
    config: Config
    plan: Plan


class TrainedCell(NamedTuple):
    """The same, trained."""

    name: CellName
    model: Model
    seconds: float  # that it took


class TimedChunk(NamedTuple):
    """Some windows, and how long each model took to forecast them."""

    chunk: ForecastChunk
    seconds: dict[str, float]


def plan_cells(
    panel: Panel, places: Cutoffs, config: Config, names: Sequence[CellName]
) -> tuple[Panel, list[CellPlan]]:
    """The rows of each series before its windows, and what is to be trained on them: all that can be wrong shows here.

    Each series ends by itself, as where a model is trained: of series that stopped long ago, as in M4, the clock
    that all share would leave the others little. Raises DataError where too few rows lie before the windows,
    RequestError where what was asked for does not fit.
    """
    made, part, rows = list[CellPlan](), panel, panel.lengths.copy()
    np.minimum.at(rows, places.series, places.rows)
    for name in names:
        own = config.model_copy(update={"network": config.network.model_copy(update={"cell": name})})
        part, plan = refit_backtest.plan_before(panel, places, rows, own.network, own.training)
        made.append(CellPlan(name, own, plan))
    return part, made


def train_cells(
    panel: Panel,
    entries: Sequence[CellPlan],
    device: torch.device,
    processes: int,
    report: Callable[[TrainingStatus], None],
) -> Iterator[TrainedCell]:
    """Each of them, one after another. Raises TrainingError; an interrupt ends it all."""
    began = time.monotonic()
    for number, entry in enumerate(entries):

        def watched(at: TrainingStatus, number: int = number) -> None:
            report(at._replace(share=(number + at.share) / len(entries), elapsed=time.monotonic() - began))
            if at.phase == INTERRUPTED:  # who had less time is not to be compared
                raise KeyboardInterrupt

        started = time.monotonic()
        workers = crew.gather(
            SeriesData.of(entry.plan.training_panel, entry.plan.architecture.horizon), device, processes
        )
        model = train_model.train(panel, entry.config, entry.plan, workers, watched).model
        yield TrainedCell(entry.name, model, time.monotonic() - started)


def forecast_windows(
    entrants: Sequence[TrainedCell], panel: Panel, places: Cutoffs, scoring: Scoring, device: torch.device
) -> Iterator[TimedChunk]:
    """The windows, some at a time, with every model's and the baselines' forecasts."""
    levels = backtest.interval_levels(scoring.percents)
    widest = max((one.model.card for one in entrants), key=lambda card: card.context)
    for some in backtest.split_cutoffs(widest, len(entrants), panel, places, scoring):
        forecasts, seconds = {}, {}
        for one in entrants:
            began = time.monotonic()
            forecasts[str(one.name)] = one.model.forecast(panel, some, levels, device, scoring.point)
            seconds[str(one.name)] = time.monotonic() - began
        yield TimedChunk(ForecastChunk(some, backtest.with_baselines(forecasts, levels, panel, some, scoring)), seconds)
