"""rnncli evaluate --compare NAMES DATA: the same data and time for several cells, and what each makes of it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch

from rnncli.cli import console, data_input
from rnncli.cli.evaluate import report as scores
from rnncli.cli.evaluate import request
from rnncli.cli.options import Settings
from rnncli.config.architecture import Architecture
from rnncli.config.cells import CellName
from rnncli.config.sections import Config
from rnncli.errors import about
from rnncli.evaluation import backtest
from rnncli.evaluation.backtest import Chunk, Ledger, Scoring
from rnncli.evaluation.metrics import METRICS, OWA
from rnncli.network import device
from rnncli.panel import Cutoffs, Panel
from rnncli.planning.window_lengths import horizon_steps
from rnncli.training import cell_comparison
from rnncli.training.cell_comparison import CellPlan, TimedChunk, TrainedCell

NAMES = ("MASE", "coverage")  # where nothing is asked for: beside what a model took, no more fits into 80 columns


class Field(NamedTuple):
    """What the cells are compared on."""

    frame: pd.DataFrame
    panel: Panel
    places: Cutoffs
    apart: int  # rows from one window to the next
    part: Panel  # the rows before all of the windows
    entries: list[CellPlan]

    @property
    def horizon(self) -> int:
        """Steps that are forecast."""
        return self.entries[0].plan.architecture.horizon

    @property
    def sizes(self) -> list[tuple[Architecture, int]]:
        """What is to be trained, and for how many targets."""
        return [(entry.plan.architecture, self.panel.targets) for entry in self.entries]

    @property
    def season(self) -> int:
        """Of the metrics and the baselines: chosen from the data, it is the same for every cell."""
        return self.entries[0].plan.architecture.season


def compare(
    names: list[CellName], data: str, settings: Settings, wished: request.Wishes, rolling: request.Rolling
) -> None:
    """Train a model of each cell on the rows before the windows, and score all of them there."""
    config = settings.applied_to(Config())
    rolling.check(Path(data))
    saved = None if rolling.output is None else scores.Forecasts(rolling.output, config.forecast.level)
    with about(data):
        field = _field(names, data, config, wished, rolling)
    work = [device.work_per_step(*one, config.training.batch) for one in field.sizes]
    place, cores = device.prepare(config.compute.device, max(work)), device.free_cores()
    console.note(
        f"scored: {len(field.places.rows)} windows of {field.horizon} steps; season {field.season}; the cells are "
        f"trained on the rows before them; device: {place.device} ({place.reason})"
    )
    entrants = _trained(field, config, place.device)
    metrics, asked_point = wished.names or NAMES, config.forecast.point
    scoring = Scoring(field.season, config.forecast.level, metrics, asked_point, wished.automatic, cores)
    seconds = {str(entrant.name): 0.0 for entrant in entrants}
    chunks = _counted(
        cell_comparison.forecast_windows(entrants, field.panel, field.places, scoring, place.device), seconds
    )
    kept = chunks if saved is None else saved.beside(field.panel, chunks)
    found = backtest.ledger(kept, scoring, by_step=wished.by == "horizon" or rolling.plot is not None)
    told = _report(found, field, wished)._replace(costs=_costs(entrants, seconds))
    scores.hand_out(told, found, wished, rolling, saved, field.panel.frequency.name)


def _trained(field: Field, config: Config, where: torch.device) -> list[TrainedCell]:
    """A model of each cell, one after another."""
    processes = device.processes(config.training.members)
    with console.progress() as report:
        made = list(map(_said, cell_comparison.train_cells(field.part, field.entries, where, processes, report)))
    return [one._replace(model=replace(one.model, corrected=config.forecast.conformal)) for one in made]


def _field(names: list[CellName], data: str, config: Config, wished: request.Wishes, rolling: request.Rolling) -> Field:
    """All that can be wrong is found before anything is trained."""
    frame = data_input.read_table(data, config.columns)
    panel = data_input.build_panel(frame, config.columns)
    horizon = horizon_steps(config.network, panel.frequency)
    apart = horizon if rolling.step is None else request.apart(rolling.step, panel.frequency)
    places = backtest.newest(panel, horizon, rolling.windows, apart)
    scores.grouping(wished.by, panel, frame, places, horizon)
    return Field(frame, panel, places, apart, *cell_comparison.plan_cells(panel, places, config, names))


def _counted(timed: Iterator[TimedChunk], seconds: dict[str, float]) -> Iterator[Chunk]:
    """The windows, and into `seconds` what they took."""
    for chunk, taken in timed:
        for name, spent in taken.items():
            seconds[name] += spent
        yield chunk


def _said(entrant: TrainedCell) -> TrainedCell:
    card = entrant.model.card
    console.note(f"{entrant.name}: {len(card.members)} networks, {card.parameters} weights, {entrant.seconds:.0f} s")
    return entrant


def _report(found: Ledger, field: Field, wished: request.Wishes) -> scores.Report:
    """With the best of the cells, by the first metric that tells, as the one that the others are compared with."""
    table, names = found.table(), [entry.name for entry in field.entries]
    first = next((name for name in found.scoring.names if name in METRICS or name == OWA), None)
    best = names[0] if first is None else min(names, key=lambda name: table[name][first])
    lying = backtest.windows(field.panel, found.places, field.horizon, field.apart)
    grouped = scores.grouping(wished.by, field.panel, field.frame, found.places, field.horizon)
    return scores.report(found, lying, grouped, best)


def _costs(entrants: list[TrainedCell], seconds: dict[str, float]) -> dict[str, dict[str, float]]:
    """What each model is made of and took."""
    return {
        one.name: {
            "weights": one.model.card.parameters,
            "train s": round(one.seconds, 1),
            "forecast s": round(seconds[one.name], 3),
        }
        for one in entrants
    }
