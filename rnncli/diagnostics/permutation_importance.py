"""Permutation importance: how much the error grows if one input is shuffled between windows.

Breiman (2001), Fisher et al. (2019). A shuffled input keeps its distribution but tells nothing about its window.
Inputs with the same information share their importance: each alone may appear useless.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.errors import DataError
from rnncli.evaluation import cutoffs, past_changes
from rnncli.model.model import Model
from rnncli.panel import Cutoffs, Panel
from rnncli.panel.window_values import slice_windows
from rnncli.windows.batch import Batch

MAX_WINDOWS = 2000
WINDOWS_PER_SERIES = 20
REPEATS = 3

Shuffle = Callable[[Batch, Tensor], Batch]  # of a batch, and the window (B,) from which each takes the input


class Importance(NamedTuple):
    """The effect of shuffling one input."""

    part: str
    kind: str  # target, known, past, static or calendar
    increase: float  # of the mean absolute scaled error, relative to it


class InputPart(NamedTuple):
    """An input that can be shuffled on its own."""

    name: str
    kind: str
    shuffle: Shuffle


def importances(model: Model, panel: Panel, device: torch.device | None) -> Iterator[Importance]:
    """Yield the importance of each input on windows at the end of a panel. Raise DataError if there are too few."""
    selected = _select_cutoffs(panel, model.card.horizon)
    before = _error(model, panel, selected, device, None)
    for part in input_parts(model):
        generators = [torch.Generator().manual_seed(repeat) for repeat in range(REPEATS)]
        errors = [_error(model, panel, selected, device, _random(part.shuffle, each)) for each in generators]
        yield Importance(part.name, part.kind, float(np.mean(errors)) / before - 1)


def _select_cutoffs(panel: Panel, horizon: int) -> Cutoffs:
    """Return windows at the end of each series that do not overlap."""
    selected = cutoffs.spread_cutoffs(panel, horizon, WINDOWS_PER_SERIES, MAX_WINDOWS)
    if len(selected.rows) < 2:
        raise DataError(
            f"importance needs at least two windows of {horizon} steps, each after at least one row "
            f"(found {len(selected.rows)}). Use a longer table"
        )
    return selected


def _error(
    model: Model,
    panel: Panel,
    selected: Cutoffs,
    device: torch.device | None,
    transform: Callable[[Batch], Batch] | None,
) -> float:
    """Return the mean absolute error, that of each window relative to its series' seasonal naive error."""
    batches = model.forecast_batches(panel, selected, np.array([0.5]), device, transform=transform)
    points = np.concatenate([forecast.point for _, forecast in batches])
    _, actual = slice_windows(panel, selected, 1, model.card.horizon)
    scale = past_changes.past_changes(panel, selected, model.card.season).season_error[:, None]
    scaled = np.abs(actual - points) / np.where(scale > 0, scale, np.nan)
    finite = scaled[np.isfinite(scaled)]
    if not len(finite) or not finite.mean():
        raise DataError("importance needs an error above 0: all values are missing, or the series are constant")
    return float(finite.mean())


def _random(shuffle: Shuffle, generator: torch.Generator) -> Callable[[Batch], Batch]:
    """Return a function that shuffles a batch by a random permutation."""
    return lambda batch: shuffle(batch, torch.randperm(len(batch.past), generator=generator).to(batch.past.device))


def input_parts(model: Model) -> Iterator[InputPart]:
    """Yield all inputs of the networks."""
    card = model.card
    season = {card.season} if card.season > 1 else set()
    segment = card.members[0].architecture.segment if card.members else 1
    edges = sorted({0, segment, card.context} | season) if card.context else []
    for newest, oldest in pairwise(edges):
        name = f"steps {newest + 1} to {oldest} back" if newest else f"the last {oldest} steps"
        if newest < oldest:
            yield InputPart(name, "target", _shuffle_lags(newest, oldest))
    varying = [covariate for covariate in card.inputs if covariate.role != "static"]
    static = [covariate for covariate in card.inputs if covariate.role == "static"]
    for index, covariate in enumerate(varying):
        yield InputPart(covariate.name, covariate.role, _shuffle_varying(index))
    for index, covariate in enumerate(static):
        yield InputPart(covariate.name, covariate.role, _shuffle_static(index))
    if card.seen.together:
        yield InputPart("the other series", "target", _shuffle_other_series)
    if any(member.architecture.calendar for member in card.members):
        yield InputPart("calendar", "calendar", _shuffle_calendar)


def _shuffle_lags(newest: int, oldest: int) -> Shuffle:
    """Return the shuffle of the target from `oldest` to `newest` steps back, at the window's level and spread."""

    def shuffle(batch: Batch, windows: Tensor) -> Batch:
        past, length = batch.past.clone(), batch.past.shape[1]
        level = past.nanmean(dim=1, keepdim=True)
        spread = (past - level).square().nanmean(dim=1, keepdim=True).sqrt()
        unit = (past - level) / spread.masked_fill(spread == 0, 1.0)
        part = slice(max(0, length - oldest), length - newest)
        past[:, part] = unit[windows][:, part] * spread + level
        return batch._replace(past=past)

    return shuffle


def _shuffle_varying(column: int) -> Shuffle:
    """Return the shuffle of a covariate that varies over time."""

    def shuffle(batch: Batch, windows: Tensor) -> Batch:
        varying = batch.covariates.varying.clone()
        varying[..., column] = varying[windows][..., column]
        return batch._replace(covariates=batch.covariates._replace(varying=varying))

    return shuffle


def _shuffle_static(column: int) -> Shuffle:
    """Return the shuffle of a static covariate."""

    def shuffle(batch: Batch, windows: Tensor) -> Batch:
        static = batch.covariates.static.clone()
        static[:, column] = static[windows, column]
        return batch._replace(covariates=batch.covariates._replace(static=static))

    return shuffle


def _shuffle_other_series(batch: Batch, windows: Tensor) -> Batch:
    """Replace the other series by their values at another window's time."""
    others = batch.covariates.other_series
    moved = None if others is None else others._replace(window_time=others.window_time[windows])
    return batch._replace(covariates=batch.covariates._replace(other_series=moved))


def _shuffle_calendar(batch: Batch, windows: Tensor) -> Batch:
    """Replace the calendar features by those of another window."""
    calendar = batch.covariates.calendar
    moved = None if calendar is None else calendar[windows]
    return batch._replace(covariates=batch.covariates._replace(calendar=moved))
