"""Forecast with the networks of a model: batches of windows and their ensemble. The engine computes the networks."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from rnncli.model.card import Card
from rnncli.model.ensemble import ensemble_forecast
from rnncli.model.outputs import OutputBatch
from rnncli.panel import Cutoffs, Panel
from rnncli.windows.arrays import as_numpy
from rnncli.windows.batch import Batch
from rnncli.windows.windows import Windows

if TYPE_CHECKING:
    import torch

Transform = Callable[[Batch], Batch]


class Engine(Protocol):
    """Interface of what computes the networks of a model."""

    @property
    def device(self) -> "torch.device | None":
        """Device of the windows that it takes; None for NumPy arrays."""

    @property
    def context(self) -> int:
        """Steps of the past that it takes, at least."""

    @property
    def batch_size(self) -> int:
        """Windows to forecast at once."""

    def members(
        self, windows: Windows, cutoffs: Cutoffs, batch: Batch, levels: np.ndarray, take_mean: bool
    ) -> list[np.ndarray]:
        """Return the point forecast and quantiles (B, H, K, 1 + P) of each network for the windows at some cutoffs."""


class Ensemble(NamedTuple):
    """Parts of an ensemble besides its networks, on which its forecast depends."""

    card: Card
    levels: np.ndarray  # (Q,) that the networks were trained for
    context: int  # steps of each window, at least
    mixed_series: np.ndarray | None  # (S,) index in the panel of each series that they mix


def ensemble_batches(
    engine: Engine,
    ensemble: Ensemble,
    panel: Panel,
    cutoffs: Cutoffs,
    levels: np.ndarray,
    take_mean: bool,
    transform: Transform | None,
) -> Iterator[OutputBatch]:
    """Yield the forecasts of the ensemble at levels (P,), which include the trained ones, some cutoffs at a time."""
    card, context = ensemble.card, max(ensemble.context, engine.context)
    calendar = any(member.architecture.calendar for member in card.members)
    windows = Windows(panel, context, card.horizon, engine.device, calendar, ensemble.mixed_series)
    trained = 1 + np.flatnonzero(np.isin(levels, ensemble.levels))  # column 0: the point
    for part, batch in _batches(windows, cutoffs, engine.batch_size):
        batch = batch if transform is None else transform(batch)
        members = engine.members(windows, part, batch, levels, take_mean)
        yield OutputBatch(part, ensemble_forecast(members, card.seen.counts, trained), as_numpy(batch.past))


def transformed_windows(
    panel: Panel, cutoffs: Cutoffs, context: int, horizon: int, size: int, transform: Transform
) -> Iterator[tuple[Cutoffs, np.ndarray]]:
    """Yield some cutoffs at a time with their transformed windows (N, L, K). Transforms take tensors."""
    import torch

    for part, batch in _batches(Windows(panel, context, horizon, torch.device("cpu")), cutoffs, size):
        yield part, as_numpy(transform(batch).past)


def _batches(windows: Windows, cutoffs: Cutoffs, size: int) -> Iterator[tuple[Cutoffs, Batch]]:
    """Yield some cutoffs at a time with their windows."""
    for number, batch in enumerate(windows.at(cutoffs, size)):
        chosen = slice(number * size, (number + 1) * size)
        yield Cutoffs(cutoffs.series[chosen], cutoffs.rows[chosen]), batch
