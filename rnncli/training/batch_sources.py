"""Sources of training batches: random windows, or consecutive windows with carried states."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from rnncli.network.cells import State
from rnncli.network.stateful_encoder import detach_state
from rnncli.network.tensors import CarriedState
from rnncli.windows.batch import Batch
from rnncli.windows.samplers import Sampler, SynchronousSampler
from rnncli.windows.windows import Windows

UPDATES_PER_WALK = 8  # at least, in the rows that a walk through a long series has to itself


class TrainingBatch(NamedTuple):
    """Windows, and the encoder states carried to them; None if the encoder starts in each window."""

    windows: Batch
    carried: CarriedState | None


class BatchSource(Protocol):
    """Source of batches."""

    def next_batch(self) -> TrainingBatch:
        """Return the next batch."""
        ...

    def advance(self, state: State) -> None:
        """Receive the encoder states after the batch."""
        ...


class RandomBatches(NamedTuple):
    """Windows drawn at random."""

    windows: Windows
    sampler: Sampler | SynchronousSampler
    size: int
    generator: torch.Generator

    def next_batch(self) -> TrainingBatch:
        """See BatchSource."""
        return TrainingBatch(self.windows.batch(*self.sampler.draw(self.size, self.generator)), None)

    def advance(self, _state: State) -> None:
        """See BatchSource."""

    def state(self) -> None:
        """Return nothing: the state of the generator is saved with the trainer."""

    def load(self, _state: object) -> None:
        """Restore the state."""


class RepeatedBatch(NamedTuple):
    """One batch, repeated, to measure the time of an update."""

    batch: TrainingBatch

    def next_batch(self) -> TrainingBatch:
        """See BatchSource."""
        return self.batch

    def advance(self, _state: State) -> None:
        """See BatchSource."""


class StatefulBatches:
    """Walks through many series side by side; when a series ends, a random other one takes its row in the batch.

    Truncated backpropagation through time (Williams and Peng 1990): the encoder state is carried from one update to the
    next without its gradient, so that a network learns from more history than a window has. If series are few and
    long, several walks go through each, where the first time a walk starts at a random cutoff as if the series did.
    """

    def __init__(self, last: np.ndarray, stride: int, size: int, windows: Windows, generator: torch.Generator) -> None:
        """last: (S,) the latest cutoff in each series; a series whose cutoff is not above 0 is left out."""
        usable = np.flatnonzero(last > 0)
        self._windows, self._generator, self._stride = windows, generator, stride
        device = windows.values.device
        self._usable, self._last = torch.from_numpy(usable).to(device), torch.from_numpy(last).to(device)
        self._series = self._usable[torch.randperm(len(usable), generator=generator)[:size].to(device)]  # (B,)
        self._cutoffs = self._first_cutoffs(self._series)
        extra = min(size, int(last[usable].sum()) // (stride * UPDATES_PER_WALK)) - len(usable)
        if extra > 0:
            series = torch.multinomial(self._last.double().cpu(), extra, replacement=True, generator=generator)
            share = torch.rand(extra, generator=generator, dtype=torch.float64)
            within = 1 + (share * self._last.cpu()[series]).long()
            self._series = torch.cat([self._series, series.to(device)])
            self._cutoffs = torch.cat([self._cutoffs, within.to(device)])
        self._starts = torch.ones_like(self._series, dtype=torch.bool)
        self._encoder_state: State | None = None

    def next_batch(self) -> TrainingBatch:
        """See BatchSource."""
        batch = self._windows.batch(self._series, self._cutoffs)
        return TrainingBatch(batch, CarriedState(detach_state(self._encoder_state, ~self._starts), ~self._starts))

    def advance(self, state: State) -> None:
        """Go to the next cutoff of each series, or to another series."""
        self._encoder_state = state
        self._cutoffs = self._cutoffs + self._stride
        self._starts = self._cutoffs > self._last[self._series]
        picks = torch.randint(len(self._usable), self._series.shape, generator=self._generator)
        others = self._usable[picks.to(self._usable.device)]
        self._series = torch.where(self._starts, others, self._series)
        self._cutoffs = torch.where(self._starts, self._first_cutoffs(self._series), self._cutoffs)

    def state(self) -> dict[str, Any]:
        """Return the positions of all walks."""
        return {
            "series": self._series,
            "cutoffs": self._cutoffs,
            "starts": self._starts,
            "encoder_state": self._encoder_state,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Restore the positions."""
        self._series, self._cutoffs, self._starts = state["series"], state["cutoffs"], state["starts"]
        self._encoder_state = state["encoder_state"]

    def _first_cutoffs(self, series: Tensor) -> Tensor:
        """Return first cutoffs (B,), random within a stride, so that steps are at all positions of the stride."""
        share = torch.rand(len(series), generator=self._generator, dtype=torch.float64).to(series.device)
        reach = self._last[series].clamp(max=self._stride)
        return 1 + (share * reach).long()
