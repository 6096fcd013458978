"""Sequences to batches of tensors: one gather a batch. Knows nothing of tables, columns or clocks."""

from collections.abc import Iterator
from copy import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.panel import Cutoffs, Panel


class Sequences(NamedTuple):
    """All series behind one another, and no more of a panel than windows need."""

    values: np.ndarray  # (N, K) float64, NaN where missing
    offsets: np.ndarray  # (S + 1,) int64
    firsts: np.ndarray  # (S,) int64: the clock's step at which each series begins


class Batch(NamedTuple):
    """B windows: L steps up to a cutoff, and the H steps after it."""

    past: Tensor  # (B, L, K) float64, NaN where missing or before the series began
    future: Tensor  # (B, H, K) float64, NaN where missing or after the series ended
    step: Tensor  # (B,) int64, the clock's at which the future begins

    def futures(self, context: int, segment: int) -> Tensor:
        """What follows the first context of each window and every further segment of its past: (F * B, H, K)."""
        horizon, ends = self.future.shape[1], range(context, self.past.shape[1] + 1, segment)
        if len(ends) == 1:
            return self.future
        values = torch.cat([self.past, self.future], dim=1)
        return torch.cat([values[:, end : end + horizon] for end in ends])


class Windows:
    """All series in one tensor, and the windows that can be cut from it.

    A cutoff counts the rows of its series that lie in the past: the future starts at row `cutoff`.
    """

    def __init__(self, panel: Panel | Sequences, context: int, horizon: int, device: torch.device) -> None:
        # MPS knows no float64: there the data stays in the processor's memory, and batches go over at unit scale.
        home = torch.device("cpu") if device.type == "mps" else device
        self.values = torch.from_numpy(panel.values).to(home)  # (N, K)
        self.starts = torch.from_numpy(panel.offsets[:-1]).to(home)  # (S,)
        self.ends = torch.from_numpy(panel.offsets[1:]).to(home)  # (S,)
        self.firsts = torch.from_numpy(panel.firsts).to(home)  # (S,)
        self.context, self.horizon = context, horizon

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
        start, end = self.starts[series].unsqueeze(1), self.ends[series].unsqueeze(1)  # (B, 1)
        reach = torch.arange(-self.context, self.horizon, device=self.values.device)
        rows = start + cutoffs.unsqueeze(1) + reach  # (B, L + H)
        inside = (rows >= start) & (rows < end)
        values = self.values[rows.clamp(0, len(self.values) - 1)]  # (B, L + H, K)
        values = values.masked_fill(~inside.unsqueeze(-1), torch.nan)
        return Batch(values[:, : self.context], values[:, self.context :], self.firsts[series] + cutoffs)


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
