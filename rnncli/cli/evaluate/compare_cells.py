"""`evaluate --compare`: train a model of each cell on the same data with the same time limit, and score all of them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch

from rnncli.cli import console, data_input
from rnncli.cli.evaluate import report
from rnncli.cli.evaluate.request import COMPARISON_METRICS, BacktestRequest, ScoreRequest, parse_step
from rnncli.config.architecture import Architecture
from rnncli.config.cells import CellName
from rnncli.config.sections import Config
from rnncli.errors import about
from rnncli.evaluation import backtest
from rnncli.evaluation.backtest import ForecastChunk, Scoring, WindowScores
from rnncli.evaluation.breakdown import group_windows
from rnncli.evaluation.cutoffs import available_cutoffs, window_positions
from rnncli.evaluation.metrics import METRICS
from rnncli.messages import counted
from rnncli.network import device
from rnncli.panel import Cutoffs, Panel, Table
from rnncli.planning.window_lengths import horizon_steps
from rnncli.training import cell_comparison
from rnncli.training.cell_comparison import CellPlan, TimedChunk, TrainedCell


class Comparison(NamedTuple):
    """The data and plans of a comparison."""

    table: Table
    panel: Panel
    cutoffs: Cutoffs
    step: int  # rows between two windows
    plans: list[CellPlan]

    @property
    def horizon(self) -> int:
        """The number of steps forecast."""
        return self.plans[0].plan.architecture.horizon

    @property
    def architectures(self) -> list[Architecture]:
        """The first architecture of each cell."""
        return [entry.plan.architecture for entry in self.plans]

    @property
    def season(self) -> int:
        """The season of the metrics and baselines: inferred from the data, the same for all cells."""
        return self.plans[0].plan.architecture.season


def compare_cells(
    names: list[CellName], data: str, config: Config, scores: ScoreRequest, request: BacktestRequest
) -> None:
    """Train a model of each cell on the rows before the windows, and report the scores on the windows."""
    saved = None if request.output is None else report.Forecasts(request.output, config.forecast.level)
    with about(data):
        comparison = _prepare(names, data, config, scores, request)
    panel, cutoffs = comparison.panel, comparison.cutoffs
    batch = config.training.batch
    work = max(device.work_per_step(architecture, panel.targets, batch) for architecture in comparison.architectures)
    placement, cores = device.prepare(config.compute.device, work), device.free_cores()
    windows = f"{counted(len(cutoffs.rows), 'window')} of {counted(comparison.horizon, 'step')}"
    console.note(
        f"scored: {windows}; season {comparison.season}; trained on the rows before "
        f"them; device: {placement.device} ({placement.reason})"
    )
    trained = _train(comparison, config, placement.device)
    metrics, point = scores.metrics or COMPARISON_METRICS, config.forecast.point
    scoring = Scoring(comparison.season, config.forecast.level, metrics, point, scores.baselines, cores)
    seconds = {str(cell.name): 0.0 for cell in trained}
    timed = cell_comparison.forecast_windows(trained, panel, cutoffs, scoring, placement.device)
    chunks = _with_times_added(timed, seconds)
    if saved is not None:
        chunks = saved.collected(panel, chunks)
    ledger = backtest.score_windows(chunks, scoring, by_step=scores.by == "horizon" or request.plot is not None)
    result = _report(ledger, comparison, scores)._replace(costs=_costs(trained, seconds))
    report.write_results(result, ledger, scores, request, saved, panel.frequency.name)


def _train(comparison: Comparison, config: Config, where: torch.device) -> list[TrainedCell]:
    """Train a model of each cell, one after another, and report its size and time."""
    processes = device.processes(config.training.members)
    cells = []
    with console.progress() as progress:
        for cell in cell_comparison.train_cells(comparison.plans, where, processes, progress):
            card = cell.model.card
            networks = counted(len(card.members), "network")
            console.note(f"{cell.name}: {networks}, {card.parameters} weights, {cell.seconds:.0f} s")
            cells.append(cell._replace(model=replace(cell.model, corrected=config.forecast.conformal)))
    return cells


def _prepare(
    names: list[CellName], data: str, config: Config, scores: ScoreRequest, request: BacktestRequest
) -> Comparison:
    """Read the data and plan the trainings, so that errors are found before anything is trained."""
    table = data_input.read_table(data, config.columns)
    panel = data_input.build_panel(table, config.columns)
    horizon = horizon_steps(config.network, panel.frequency)
    step = horizon if request.step is None else parse_step(request.step, panel.frequency)
    cutoffs = available_cutoffs(panel, horizon, request.windows, step)
    if scores.by is not None:  # an unsuitable --by is reported before the forecasts
        group_windows(scores.by, panel, table, cutoffs, horizon)
    return Comparison(table, panel, cutoffs, step, cell_comparison.plan_cells(panel, cutoffs, config, names))


def _with_times_added(timed: Iterator[TimedChunk], seconds: dict[str, float]) -> Iterator[ForecastChunk]:
    """Yield the windows, and add the forecasting time of each cell to `seconds`."""
    for chunk, times in timed:
        for name, time in times.items():
            seconds[name] += time
        yield chunk


def _report(ledger: WindowScores, comparison: Comparison, scores: ScoreRequest) -> report.Report:
    """Return the report; the other methods are compared with the best cell by the first metric of errors."""
    table, names = ledger.overall(), [entry.name for entry in comparison.plans]
    first = next((name for name in ledger.scoring.metrics if METRICS[name].ranks_methods), None)
    best = names[0] if first is None else min(names, key=lambda name: table[name][first])
    windows = window_positions(comparison.panel, ledger.cutoffs, comparison.horizon, comparison.step)
    grouping, panel = None, comparison.panel
    if scores.by is not None:
        grouping = group_windows(scores.by, panel, comparison.table, ledger.cutoffs, comparison.horizon)
    return report.report(ledger, windows, grouping, best)


def _costs(trained: list[TrainedCell], seconds: dict[str, float]) -> dict[str, dict[str, float]]:
    """Return the size and times of each model, by column name."""
    return {
        cell.name: {
            "weights": cell.model.card.parameters,
            "train s": round(cell.seconds, 1),
            "forecast s": round(seconds[cell.name], 3),
        }
        for cell in trained
    }
