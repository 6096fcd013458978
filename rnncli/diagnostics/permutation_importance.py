"""What a model's forecasts live on: how much worse they are with one part of what it is told shuffled.

Permutation importance (Breiman 2001; Fisher et al. 2019): each part is swapped between windows, so that it is as it
usually is and tells nothing of its window. Parts that tell the same share their importance: either alone may look
useless.
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
from rnncli.windows.batch import Batch

MOST_WINDOWS = 2000
ORIGINS = 20  # windows of a series, at most
REPEATS = 3

Alter = Callable[[Batch, Tensor], Batch]  # a batch, and the window (B,) that each takes the part from


class Importance(NamedTuple):
    """What shuffling one part does."""

    part: str
    kind: str  # target, known, past, static or calendar
    increase: float  # of the mean absolute scaled error, as a share of it


def importances(model: Model, panel: Panel, device: torch.device) -> Iterator[Importance]:
    """Of every part, measured on windows at the end of a panel. Raises DataError where there are none."""
    places = _places(panel, model.card.horizon)
    before = _error(model, panel, places, device, None)
    for part, kind, alter in input_parts(model):
        generators = [torch.Generator().manual_seed(repeat) for repeat in range(REPEATS)]
        errors = [_error(model, panel, places, device, _shuffled(alter, one)) for one in generators]
        yield Importance(part, kind, float(np.mean(errors)) / before - 1)


def _places(panel: Panel, horizon: int) -> Cutoffs:
    """Windows that do not overlap, at the end of each series."""
    every = cutoffs.spread_cutoffs(panel, horizon, ORIGINS, MOST_WINDOWS)
    if len(every.rows) < 2:
        raise DataError(f"importance takes two windows at least, of {horizon} steps and a row before them")
    return every


def _error(
    model: Model, panel: Panel, places: Cutoffs, device: torch.device, alter: Callable[[Batch], Batch] | None
) -> float:
    """Mean absolute error, each window's in units of its series' seasonal naive error."""
    made = [one.point for _, one in model.forecast_batches(panel, places, np.array([0.5]), device, transform=alter)]
    _, actual = cutoffs.slice_windows(panel, places, 1, model.card.horizon)
    scale = past_changes.past_changes(panel, places, model.card.season).season_error[:, None]
    scaled = np.abs(actual - np.concatenate(made)) / np.where(scale > 0, scale, np.nan)
    known = scaled[np.isfinite(scaled)]
    if not len(known) or not known.mean():
        raise DataError("there is no error to measure importance by: values are missing, or the series never change")
    return float(known.mean())


def _shuffled(alter: Alter, generator: torch.Generator) -> Callable[[Batch], Batch]:
    return lambda batch: alter(batch, torch.randperm(len(batch.past), generator=generator).to(batch.past.device))


def input_parts(model: Model) -> Iterator[tuple[str, str, Alter]]:
    """Everything that the networks are told, by name and kind."""
    card = model.card
    season = {card.season} if card.season > 1 else set()
    edges = sorted({0, card.members[0].architecture.segment, card.context} | season) if card.context else []
    for newest, oldest in pairwise(edges):
        name = f"steps {newest + 1} to {oldest} back" if newest else f"the last {oldest} steps"
        if newest < oldest:
            yield name, "target", _lag(newest, oldest)
    along = [one for one in card.inputs if one.role != "static"]
    fixed = [one for one in card.inputs if one.role == "static"]
    yield from ((one.name, one.role, _along(place)) for place, one in enumerate(along))
    yield from ((one.name, one.role, _fixed(place)) for place, one in enumerate(fixed))
    if card.seen.together:
        yield "the other series", "target", _others
    if any(member.architecture.calendar for member in card.members):
        yield "calendar", "calendar", _calendar


def _lag(newest: int, oldest: int) -> Alter:
    """The target from `oldest` to `newest` steps back: another window's moves at the level of one's own."""

    def alter(batch: Batch, others: Tensor) -> Batch:
        past, length = batch.past.clone(), batch.past.shape[1]
        level = past.nanmean(dim=1, keepdim=True)
        spread = (past - level).square().nanmean(dim=1, keepdim=True).sqrt()
        unit = (past - level) / spread.masked_fill(spread == 0, 1.0)
        part = slice(max(0, length - oldest), length - newest)
        past[:, part] = unit[others][:, part] * spread + level
        return batch._replace(past=past)

    return alter


def _along(place: int) -> Alter:
    def alter(batch: Batch, others: Tensor) -> Batch:
        along = batch.covariates.varying.clone()
        along[..., place] = along[others][..., place]
        return batch._replace(covariates=batch.covariates._replace(varying=along))

    return alter


def _fixed(place: int) -> Alter:
    def alter(batch: Batch, others: Tensor) -> Batch:
        fixed = batch.covariates.static.clone()
        fixed[:, place] = fixed[others, place]
        return batch._replace(covariates=batch.covariates._replace(static=fixed))

    return alter


def _others(batch: Batch, windows: Tensor) -> Batch:
    """What all series were at another window's moment."""
    others = batch.covariates.other_series
    moved = None if others is None else others._replace(window_time=others.window_time[windows])
    return batch._replace(covariates=batch.covariates._replace(other_series=moved))


def _calendar(batch: Batch, others: Tensor) -> Batch:
    calendar = batch.covariates.calendar
    return batch._replace(covariates=batch.covariates._replace(calendar=None if calendar is None else calendar[others]))
