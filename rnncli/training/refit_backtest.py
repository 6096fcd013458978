"""Backtest with retraining: before each group of cutoffs, train a model on the rows before them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from rnncli.config.sections import NetworkOptions, Training
from rnncli.errors import DataError, RequestError
from rnncli.evaluation.significance import WindowPositions
from rnncli.model.model import Model
from rnncli.network.device import processes
from rnncli.panel import Cutoffs, Panel
from rnncli.planning.plan import Plan, make_plan
from rnncli.training import train_model
from rnncli.training.network_workers import network_workers
from rnncli.training.trials import Report, stopping_at_interrupt


class RefittedModel(NamedTuple):
    """A model, and the cutoffs to forecast with it."""

    model: Model
    cutoffs: Cutoffs


def refit_models(
    model: Model,
    panel: Panel,
    cutoffs: Cutoffs,
    windows: WindowPositions,
    interval: int,
    device: torch.device,
    report: Report,
) -> Iterator[RefittedModel]:
    """Yield a model for each `interval` consecutive windows, the oldest first, trained like the given model.

    Raise DataError if there are too few rows before the oldest windows, and TrainingError if a training fails.
    """
    model.check(panel)
    config = model.card.config
    oldest = int(windows.back.max())
    for first in range(oldest, -1, -interval):
        chosen = (windows.back <= first) & (windows.back > first - interval)
        group = Cutoffs(cutoffs.series[chosen], cutoffs.rows[chosen])
        if not len(group.rows):
            continue
        try:
            plan = plan_before(panel, group, rows_before(group, panel), config.network, config.training)
        except RequestError as error:  # with all rows the settings were valid
            raise _too_early(panel, group, error) from error
        workers = network_workers(plan, device, processes(config.training.members))
        trained = train_model.train(config, plan, workers, stopping_at_interrupt(report)).model
        yield RefittedModel(replace(trained, corrected=model.corrected), group)


def plan_before(panel: Panel, cutoffs: Cutoffs, rows: np.ndarray, network: NetworkOptions, training: Training) -> Plan:
    """Return a plan to train on the first rows (S,) of each series, which end before the cutoffs.

    Raise DataError if there are too few rows, and RequestError if settings do not fit together.
    """
    try:
        return make_plan(panel.head(rows), network, training)
    except DataError as error:
        raise _too_early(panel, cutoffs, error) from error


def _too_early(panel: Panel, cutoffs: Cutoffs, error: Exception) -> DataError:
    return DataError(f"before {panel.earliest_time(cutoffs)}: {error}, or fewer --windows")


def rows_before(cutoffs: Cutoffs, panel: Panel) -> np.ndarray:
    """Return the rows (S,) of each series before the time of the earliest cutoff."""
    limit = int((panel.firsts[cutoffs.series] + cutoffs.rows).min())
    return (limit - panel.firsts).clip(0, panel.lengths)
