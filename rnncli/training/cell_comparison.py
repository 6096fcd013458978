"""Compare cells: train a model of each as `train` would, with the same work, and forecast the same windows."""

import time
from collections.abc import Iterator, Sequence
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
from rnncli.training.network_workers import network_workers
from rnncli.training.trials import Report, TrainingStatus, stopping_at_interrupt


class CellPlan(NamedTuple):
    """The training of a cell, with every setting decided."""

    name: CellName
    config: Config
    plan: Plan


class TrainedCell(NamedTuple):
    """The model of a cell."""

    name: CellName
    model: Model
    seconds: float  # of training


class TimedChunk(NamedTuple):
    """Forecasts of some windows, and the seconds that each model took for them."""

    chunk: ForecastChunk
    seconds: dict[str, float]


def plan_cells(panel: Panel, cutoffs: Cutoffs, config: Config, names: Sequence[CellName]) -> list[CellPlan]:
    """Plan the training of each cell on the rows of each series before its own first cutoff.

    A common end of all series would leave little data if some ended long ago, as in M4. Raise DataError if there are
    too few rows, and RequestError if settings do not fit together.
    """
    plans, rows = list[CellPlan](), panel.lengths.copy()
    np.minimum.at(rows, cutoffs.series, cutoffs.rows)
    for name in names:
        cell_config = config.model_copy(update={"network": config.network.model_copy(update={"cell": name})})
        plan = refit_backtest.plan_before(panel, cutoffs, rows, cell_config.network, cell_config.training)
        plans.append(CellPlan(name, cell_config, plan))
    return plans


def train_cells(
    plans: Sequence[CellPlan], device: torch.device, processes: int, report: Report
) -> Iterator[TrainedCell]:
    """Train one cell after another. An interrupt ends all. Raise TrainingError if a training fails."""
    began = time.monotonic()
    for number, (name, config, plan) in enumerate(plans):

        def report_cell(status: TrainingStatus, number: int = number) -> None:
            share = (number + status.share) / len(plans)
            report(status._replace(share=share, elapsed=time.monotonic() - began))

        started = time.monotonic()
        workers = network_workers(plan, device, processes)
        model = train_model.train(config, plan, workers, stopping_at_interrupt(report_cell)).model
        yield TrainedCell(name, model, time.monotonic() - started)


def forecast_windows(
    cells: Sequence[TrainedCell], panel: Panel, cutoffs: Cutoffs, scoring: Scoring, device: torch.device
) -> Iterator[TimedChunk]:
    """Yield the forecasts of all models and baselines, some windows at a time."""
    levels = backtest.interval_levels(scoring.percents)
    longest = max((cell.model.card for cell in cells), key=lambda card: card.context)
    for part in backtest.split_cutoffs(longest, len(cells), panel, cutoffs, scoring):
        forecasts, seconds = {}, {}
        for cell in cells:
            began = time.monotonic()
            forecasts[str(cell.name)] = cell.model.forecast(panel, part, levels, device, scoring.point)
            seconds[str(cell.name)] = time.monotonic() - began
        yield TimedChunk(ForecastChunk(part, backtest.with_baselines(forecasts, levels, panel, part, scoring)), seconds)
