"""The model as it would have been: trained anew on the rows before each cutoff. No printing: it reports progress."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch

from rnncli.config.sections import Network, Training
from rnncli.errors import DataError, RequestError
from rnncli.evaluation.significance import WindowPositions
from rnncli.model.model import Model
from rnncli.network.device import processes
from rnncli.panel import Cutoffs, Panel
from rnncli.planning import plan as choices
from rnncli.planning.plan import Plan
from rnncli.training import train_model
from rnncli.training import workers as crew
from rnncli.training.trials import INTERRUPTED, TrainingStatus
from rnncli.windows.windows import SeriesData


def refit_models(
    model: Model,
    panel: Panel,
    places: Cutoffs,
    windows: WindowPositions,
    every: int,
    device: torch.device,
    report: Callable[[TrainingStatus], None],
) -> Iterator[tuple[Model, Cutoffs]]:
    """For `every` windows in a row, the oldest first, a model that was trained on the rows before them alone.

    It is trained as the given one was. Raises DataError where too few rows lie before the oldest windows, and
    TrainingError.
    """

    def watched(at: TrainingStatus) -> None:
        report(at)
        if at.phase == INTERRUPTED:  # half a training is no training of the model that is scored
            raise KeyboardInterrupt

    model.check(panel)
    config = model.card.config
    oldest = int(windows.back.max())
    for first in range(oldest, -1, -every):
        chosen = (windows.back <= first) & (windows.back > first - every)
        some = Cutoffs(places.series[chosen], places.rows[chosen])
        if not len(some.rows):
            continue
        try:
            part, plan = plan_before(panel, some, _before(some, panel), config.network, config.training)
        except RequestError as error:  # which was fine with all rows
            raise DataError(f"before {panel.earliest_time(some)}: {error}, or fewer --windows") from error
        workers = crew.gather(
            SeriesData.of(plan.training_panel, model.card.horizon), device, processes(config.training.members)
        )
        trained = train_model.train(part, config, plan, workers, watched).model
        yield replace(trained, corrected=model.corrected), some


def plan_before(
    panel: Panel, places: Cutoffs, rows: np.ndarray, network: Network, training: Training
) -> tuple[Panel, Plan]:
    """The first rows (S,) of each series, before these cutoffs, and a training on them.

    Raises DataError where they are too few, RequestError where what was asked for does not fit together.
    """
    part = panel.head(rows)
    try:
        return part, choices.make_plan(part, network, training)
    except DataError as error:
        raise DataError(f"before {panel.earliest_time(places)}: {error}, or fewer --windows") from error


def _before(places: Cutoffs, panel: Panel) -> np.ndarray:
    """Rows (S,) of each series before the earliest of the cutoffs, by the clock that all series share."""
    limit = int((panel.firsts[places.series] + places.rows).min())
    return (limit - panel.firsts).clip(0, panel.lengths)
