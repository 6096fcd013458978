"""Sequences to batches of tensors: one gather a batch. Knows nothing of tables, columns or clocks."""

from collections.abc import Iterator
from copy import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.panel import Cutoffs, Panel
from rnncli.panel.covariates import Covariates
from rnncli.panel.memmap import MappedArray
from rnncli.panel.time.calendar_features import Calendar


class Sequences(NamedTuple):
    """All series behind one another, and no more of a panel than windows need."""

    values: np.ndarray  # (N, K) float64, NaN where missing
    offsets: np.ndarray  # (S + 1,) int64
    firsts: np.ndarray  # (S,) int64: the clock's step at which each series begins
    covariates: Covariates
    calendar: Calendar

    @classmethod
    def of(cls, panel: Panel, horizon: int, back: int = 0) -> "Sequences":
        """Those of a panel, with the calendar of so many steps beyond its end and before its beginning.

        A window may reach further back than its series, and is to be told the same of that whatever lies beside it.
        """
        dates = panel.calendar(horizon, max(back, int(panel.lengths.max())))
        return cls(panel.values, panel.offsets, panel.firsts, panel.covariates, dates)


class Others(NamedTuple):
    """S series side by side, at the U moments at which B windows end."""

    past: Tensor  # (U, S, L, K) float64, NaN where missing
    moment: Tensor  # (B,) int64: the one at which each window ends
    place: Tensor  # (B,) int64: which of the series each window is of, -1 for one that is none of them


class Beside(NamedTuple):
    """What is known beside the targets in B windows of L + H steps."""

    along: Tensor  # (B, L + H, C) float64, NaN where missing; what is not known in advance is not to be looked at
    fixed: Tensor  # (B, G) float64
    calendar: Tensor | None  # (B, L + H, D) float32
    others: Others | None = None  # where anybody looks at them

    def newest(self, context: int, horizon: int) -> "Beside":
        """The same of windows with a shorter past."""
        steps = context + horizon
        calendar = None if self.calendar is None else self.calendar[:, -steps:]
        others = None if self.others is None else self.others._replace(past=self.others.past[:, :, -context:])
        return Beside(self.along[:, -steps:], self.fixed, calendar, others)


class Batch(NamedTuple):
    """B windows: L steps up to a cutoff, and the H steps after it."""

    past: Tensor  # (B, L, K) float64, NaN where missing or before the series began
    future: Tensor  # (B, H, K) float64, NaN where missing or after the series ended
    step: Tensor  # (B,) int64, the clock's at which the future begins
    beside: Beside
    weights: Tensor | None  # (B, L + H, 1) float64: how much a step counts

    def futures(self, context: int, segment: int) -> Tensor:
        """What follows the first context of each window and every further segment of its past: (F * B, H, K)."""
        return self._behind(torch.cat([self.past, self.future], dim=1), context, segment)

    def future_weights(self, context: int, segment: int) -> Tensor | None:
        """How much each of these steps counts: (F * B, H, 1)."""
        return None if self.weights is None else self._behind(self.weights, context, segment)

    def _behind(self, values: Tensor, context: int, segment: int) -> Tensor:
        horizon, ends = self.future.shape[1], range(context, self.past.shape[1] + 1, segment)
        return torch.cat([values[:, end : end + horizon] for end in ends])


class Windows:
    """All series in one tensor, and the windows that can be cut from it.

    A cutoff counts the rows of its series that lie in the past: the future starts at row `cutoff`.
    """

    def __init__(
        self,
        panel: Panel | Sequences,
        context: int,
        horizon: int,
        device: torch.device,
        dated: bool = True,
        together: np.ndarray | None = None,
    ) -> None:
        """dated: whether anybody looks at the calendar.

        together: (S,) the panel's number of each series that is seen beside the others, -1 where it is not there.
        """
        data = panel if isinstance(panel, Sequences) else Sequences.of(panel, horizon, context)
        # MPS knows no float64: there the data stays in the processor's memory, and batches go over at unit scale. So it
        # does where it is too much for memory.
        stays = device.type == "mps" or isinstance(data.values, MappedArray)
        home = torch.device("cpu") if stays else device
        self.values = torch.from_numpy(data.values).to(home)  # (N, K)
        self.starts = torch.from_numpy(data.offsets[:-1]).to(home)  # (S,)
        self.ends = torch.from_numpy(data.offsets[1:]).to(home)  # (S,)
        self.firsts = torch.from_numpy(data.firsts).to(home)  # (S,)
        self.context, self.horizon = context, horizon
        self._told = _Told(data, home, dated)
        self._together = None if together is None else torch.from_numpy(together).to(home)  # (S,)

    def of(self, context: int) -> "Windows":
        """The same sequences cut with another context."""
        other = copy(self)
        other.context = context
        return other

    def at(self, cutoffs: Cutoffs, chunk: int) -> Iterator[Batch]:
        """The windows at all cutoffs, so many at a time."""
        home = self.values.device
        for start in range(0, len(cutoffs.series), chunk):
            part = slice(start, start + chunk)
            yield self.batch(
                torch.from_numpy(cutoffs.series[part]).to(home), torch.from_numpy(cutoffs.rows[part]).to(home)
            )

    def batch(self, series: Tensor, cutoffs: Tensor) -> Batch:
        """The windows of series (B,) at cutoffs (B,)."""
        reach = torch.arange(-self.context, self.horizon, device=self.values.device)
        places, step = cutoffs.unsqueeze(1) + reach, self.firsts[series] + cutoffs
        values = self._cut(series, places)  # (B, L + H, K)
        beside, weights = self._told.at(series, places, self.firsts[series].unsqueeze(1) + places)
        beside = beside._replace(others=self._others(series, step))
        return Batch(values[:, : self.context], values[:, self.context :], step, beside, weights)

    def _cut(self, series: Tensor, places: Tensor) -> Tensor:
        """Of series (B,) the rows at places (B, T), counted from each one's first: (B, T, K), NaN outside of it."""
        start, end = self.starts[series].unsqueeze(1), self.ends[series].unsqueeze(1)  # (B, 1)
        rows = start + places
        inside = (rows >= start) & (rows < end)
        values = self.values[rows.clamp(0, len(self.values) - 1)]
        return values.masked_fill(~inside.unsqueeze(-1), torch.nan)

    def _others(self, series: Tensor, step: Tensor) -> Others | None:
        """All series that are seen together before the steps of the clock (B,) at which windows of series (B,) end."""
        together = self._together
        if together is None:
            return None
        moments, moment = torch.unique(step, return_inverse=True)  # (U,), (B,)
        every = together.clamp(min=0).repeat(len(moments))  # (U * S,)
        cutoffs = moments.repeat_interleave(len(together)) - self.firsts[every]
        reach = torch.arange(-self.context, 0, device=self.values.device)
        past = self._cut(every, cutoffs.unsqueeze(1) + reach).reshape(len(moments), len(together), self.context, -1)
        past = past.masked_fill((together < 0).reshape(1, -1, 1, 1), torch.nan)
        same = series.unsqueeze(1) == together  # (B, S)
        place = torch.where(same.any(dim=1), same.int().argmax(dim=1), -1)
        return Others(past, moment, place)


class _Told:
    """What is known beside the targets, as tensors."""

    def __init__(self, data: Sequences, home: torch.device, dated: bool) -> None:
        covariates, calendar = data.covariates, data.calendar
        self.values = torch.from_numpy(covariates.values).to(home)  # (M, C)
        self.offsets = torch.from_numpy(covariates.offsets).to(home)  # (S + 1,)
        self.static = torch.from_numpy(covariates.static).to(home)  # (S, G)
        weights = covariates.weights
        self.weights = None if weights is None else torch.from_numpy(weights).to(home).unsqueeze(-1)  # (M, 1)
        self.calendar = None
        if dated and calendar.size:
            shifts, of_period, of_slot = (
                torch.from_numpy(one).to(home) for one in (calendar.shifts, calendar.of_period, calendar.of_slot)
            )
            self.calendar = calendar._replace(shifts=shifts, of_period=of_period, of_slot=of_slot)

    def at(self, series: Tensor, places: Tensor, steps: Tensor) -> tuple[Beside, Tensor | None]:
        """Of series (B,) the rows at places (B, T), counted from each series' first, at these steps of the clock."""
        along = self.values.new_empty((*places.shape, 0))
        weights = None
        if len(self.values):
            start, end = self.offsets[series].unsqueeze(1), self.offsets[series + 1].unsqueeze(1)
            rows = start + places
            outside = ((places < 0) | (rows >= end)).unsqueeze(-1)
            rows = rows.clamp(0, len(self.values) - 1)
            along = self._rows(self.values, rows).masked_fill_(outside, torch.nan)
            weights = None if self.weights is None else self._rows(self.weights, rows).masked_fill_(outside, 0.0)
        return Beside(along, self.static[series], self._dates(steps)), weights

    def _dates(self, steps: Tensor) -> Tensor | None:
        """The calendar's features of steps (B, T); before the first one those of the first."""
        if self.calendar is None:
            return None
        periods, slots = self.calendar.rows(steps)
        parts = [self._rows(self.calendar.of_period, periods), self._rows(self.calendar.of_slot, slots)]
        return torch.cat(parts, dim=-1)

    @staticmethod
    def _rows(table: Tensor, rows: Tensor) -> Tensor:
        """Rows (B, T) of a table (N, C): (B, T, C). Four times as quick as an index."""
        return table.index_select(0, rows.flatten()).reshape(*rows.shape, table.shape[1])


class Sampler:
    """Draws training windows: every series as often as every other, every cutoff in its range alike."""

    def __init__(self, first: np.ndarray, last: np.ndarray, device: torch.device) -> None:
        """first, last: (S,) the range of cutoffs in each series; series with last < first are left out."""
        usable = np.flatnonzero(last >= first)
        self.series = torch.from_numpy(usable).to(device)
        self.first = torch.from_numpy(first[usable]).to(device)
        self.count = torch.from_numpy(last[usable] - first[usable] + 1).to(device)

    def draw(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Series (size,) and cutoffs (size,)."""
        picks = torch.randint(len(self.series), (size,), generator=generator).to(self.series.device)
        share = torch.rand(size, generator=generator, dtype=torch.float64).to(self.series.device)
        return self.series[picks], self.first[picks] + (share * self.count[picks]).long()


class Gatherer:
    """Draws moments of the clock, and of each all series that train there: what they see of one another is cut once."""

    def __init__(self, first: np.ndarray, last: np.ndarray, firsts: Tensor) -> None:
        """first, last: (S,) the range of cutoffs in each series; firsts: (S,) the clock's step at which it begins."""
        self.sampler, self.firsts = Sampler(first, last, firsts.device), firsts

    def draw(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Series (B,) and cutoffs (B,), about `size` of them: whole moments."""
        usable, first, count = self.sampler.series, self.sampler.first, self.sampler.count
        series, cutoffs = self.sampler.draw(-(-size // len(usable)), generator)
        every = (self.firsts[series] + cutoffs).unsqueeze(1) - self.firsts[usable]  # (U, S)
        fitting = (every >= first) & (every < first + count)
        return usable.expand_as(every)[fitting], every[fitting]
