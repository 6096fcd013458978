"""Draw the series and cutoffs of training windows at random."""

import numpy as np
import torch
from torch import Tensor


class Sampler:
    """Draws series uniformly, and then cutoffs uniformly from the range of the series."""

    def __init__(self, first: np.ndarray, last: np.ndarray, device: torch.device) -> None:
        """first, last: (S,) the range of cutoffs of each series; series with last < first are never drawn."""
        usable = np.flatnonzero(last >= first)
        self.series = torch.from_numpy(usable).to(device)
        self.first = torch.from_numpy(first[usable]).to(device)
        self.count = torch.from_numpy(last[usable] - first[usable] + 1).to(device)

    def draw(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return series (size,) and cutoffs (size,)."""
        picks = torch.randint(len(self.series), (size,), generator=generator).to(self.series.device)
        share = torch.rand(size, generator=generator, dtype=torch.float64).to(self.series.device)
        return self.series[picks], self.first[picks] + (share * self.count[picks]).long()


class SynchronousSampler:
    """Draws times, and all series that have a training window there, so that their common past is cut once."""

    def __init__(self, first: np.ndarray, last: np.ndarray, firsts: Tensor) -> None:
        """first, last: (S,) the range of cutoffs of each series; firsts: (S,) the time step at which it begins."""
        self.sampler, self.firsts = Sampler(first, last, firsts.device), firsts

    def draw(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return series (B,) and cutoffs (B,), all windows of each drawn time; B is about `size`."""
        usable, first, count = self.sampler.series, self.sampler.first, self.sampler.count
        series, cutoffs = self.sampler.draw(-(-size // len(usable)), generator)
        rows = (self.firsts[series] + cutoffs).unsqueeze(1) - self.firsts[usable]  # (U, S)
        valid = (rows >= first) & (rows < first + count)
        return usable.expand_as(rows)[valid], rows[valid]
