"""Where the batches of a training come from: windows drawn at random, or all series walked through in order."""

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


class BatchSource(Protocol):
    """Where batches come from."""

    def batch(self) -> tuple[Batch, CarriedState | None]:
        """The next one, and what the encoder brings along to it."""
        ...

    def go_on(self, state: State) -> None:
        """Take notice of what the encoder came to."""
        ...


class RandomBatches(NamedTuple):
    """Windows drawn at random, each read from its own beginning."""

    windows: Windows
    sampler: Sampler | SynchronousSampler
    size: int
    generator: torch.Generator

    def batch(self) -> tuple[Batch, None]:
        """See Source."""
        return self.windows.batch(*self.sampler.draw(self.size, self.generator)), None

    def go_on(self, _state: State) -> None:
        """See Source."""

    def state(self) -> None:
        """Nothing: it is all in the generator."""

    def load(self, _state: object) -> None:
        """Go on from there."""


class RepeatedBatch(NamedTuple):
    """One batch again and again."""

    given: Batch
    carried: CarriedState | None

    def batch(self) -> tuple[Batch, CarriedState | None]:
        """See Source."""
        return self.given, self.carried

    def go_on(self, _state: State) -> None:
        """See Source."""


UPDATES_PER_WALK = 8  # updates, at least, for which a walk has a part of the rows to itself


class StatefulBatches:
    """So many series side by side, so many steps further with each batch; one that ends makes room for another.

    Truncated backpropagation through time (Williams and Peng 1990): from one update to the next the state is kept and
    its gradient cut, so a network learns from what lies further back than any window of it. Where series are fewer and
    long, several walks go through each: the first time from somewhere within it, as if it began there.
    """

    def __init__(self, last: np.ndarray, stride: int, most: int, windows: Windows, generator: torch.Generator) -> None:
        """last: (S,) the latest cutoff in each series; those with none that is above 0 are left out."""
        usable = np.flatnonzero(last > 0)
        self._windows, self._generator, self._stride = windows, generator, stride
        home = windows.values.device
        self._usable, self._last = torch.from_numpy(usable).to(home), torch.from_numpy(last).to(home)
        self._series = self._usable[torch.randperm(len(usable), generator=generator)[:most].to(home)]  # (B,)
        self._cutoffs = self._begun_at(self._series)
        further = min(most, int(last[usable].sum()) // (stride * UPDATES_PER_WALK)) - len(usable)
        if further > 0:
            picks = torch.multinomial(self._last.double().cpu(), further, replacement=True, generator=generator)
            share = torch.rand(further, generator=generator, dtype=torch.float64)
            within = 1 + (share * self._last.cpu()[picks]).long()
            self._series = torch.cat([self._series, picks.to(home)])
            self._cutoffs = torch.cat([self._cutoffs, within.to(home)])
        self._fresh = torch.ones_like(self._series, dtype=torch.bool)
        self._state: State | None = None

    def batch(self) -> tuple[Batch, CarriedState]:
        """The windows that end where the walk has come to, and what is carried to there."""
        batch = self._windows.batch(self._series, self._cutoffs)
        return batch, CarriedState(detach_state(self._state, ~self._fresh), ~self._fresh)

    def go_on(self, state: State) -> None:
        """Take the next steps of each series, from the state after those before."""
        self._state = state
        self._cutoffs = self._cutoffs + self._stride
        self._fresh = self._cutoffs > self._last[self._series]
        picks = torch.randint(len(self._usable), self._series.shape, generator=self._generator)
        others = self._usable[picks.to(self._usable.device)]
        self._series = torch.where(self._fresh, others, self._series)
        self._cutoffs = torch.where(self._fresh, self._begun_at(self._series), self._cutoffs)

    def state(self) -> dict[str, Any]:
        """Where the walk has come to."""
        return {name: getattr(self, name) for name in ("_series", "_cutoffs", "_fresh", "_state")}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for name, value in state.items():
            setattr(self, name, value)

    def _begun_at(self, series: Tensor) -> Tensor:
        """First cutoffs (B,), anywhere within a stride: so each step comes to lie at every place of one."""
        share = torch.rand(len(series), generator=self._generator, dtype=torch.float64).to(series.device)
        reach = self._last[series].clamp(max=self._stride)
        return 1 + (share * reach).long()
