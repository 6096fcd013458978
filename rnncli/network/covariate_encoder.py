"""What is known beside the targets, at unit size: a vector for each step, and one for the whole window. Pure tensors.

An amount is told twice: measured by the window's own past, so that what moves a small shop moves a large one, and
measured by all series, so that ten degrees are ten degrees. A kind is an embedding, with one for those never seen.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture, Covariate, InputSpec
from rnncli.network import base_forecasts, scaling
from rnncli.windows.batch import CovariateBatch

FURTHEST = 10.0  # deviations: what lies beyond is held there
STILL = 0.1  # of a series' typical deviation: by how much a window's own is never smaller
FORGOTTEN = 0.02  # share of the windows in training that are told no kind, so that a kind never seen means something


class CovariateFeatures(NamedTuple):
    """The same at unit size, for B windows."""

    read: Tensor  # (B, T + H, R) float32: what the encoder reads of each step
    calendar: Tensor  # (B, T + H, D) float32
    absolute: Tensor  # (B, T + H, A) float32: amounts by the measure of all series
    amounts: Tensor  # (B, T + H, N) float32: those known in advance, by the window's measure
    window: Tensor  # (B, W) float32

    def ahead(self, start: int, end: int, foreseen: Tensor) -> Tensor:
        """All that is known in advance (P,) of steps to come: (B, end - start, P)."""
        parts = [part[:, start:end] for part in (self.read, self.absolute, self.calendar)]
        return torch.cat(parts, dim=-1) * foreseen


class CovariateEncoder(nn.Module):
    """Covariates and the calendar to features, of which an encoder reads R and D, a decoder is told P."""

    def __init__(self, design: Architecture, told: InputSpec) -> None:
        super().__init__()
        columns = told.inputs if design.covariates else ()
        along = [one for one in columns if one.role != "static"]
        self.along, self.fixed = _Columns(along), _Columns([one for one in columns if one.role == "static"])
        self.of_all = design.bptt is not None or not design.context  # no window measures its own
        self.calendar = told.calendar if design.calendar else 0
        amounts, gaps = self.along.amounts, [one for one in self.along.amounts if one.gaps]
        self.known = [place for place, one in enumerate(amounts) if one.role == "known"]
        self.with_gaps = [place for place, one in enumerate(amounts) if one.gaps]
        foreseen = [float(one.role == "known") for one in (*amounts, *gaps)]
        foreseen += [float(one.role == "known") for one in self.along.kinds for _ in range(_dimensions(one))]
        self.read_width = len(foreseen)
        foreseen += [float(one.role == "known") for one in amounts] + self.calendar * [1.0]
        self.width = len(foreseen)
        # The level and the spread of a window's amounts tie what it says of them to what all series do.
        self.window_width = 2 * len(amounts) + 2 * len(self.fixed.amounts) + self.fixed.embedded
        self.tells_ahead = any(foreseen)  # whether anything is known of the steps to come
        # On the CPU even if the parameters get no memory: a model file does not hold it.
        self.register_buffer("foreseen", torch.tensor(foreseen, device="cpu"), persistent=False)  # (P,) 0 or 1
        self.foreseen: Tensor

    def forward(self, beside: CovariateBatch, context: int) -> CovariateFeatures:
        """Of windows whose first `context` steps measure their amounts."""
        values = self.along.by_all(beside.varying)  # (B, T + H, A)
        # A state that is carried over has to read the same amount as the same number, wherever a window begins.
        # (B, 1, A) each
        level, spread = _unmeasured(values) if self.of_all else self.along.measure(values[:, :context])
        own, missing = _held((values - level) / spread), _picked(values.isnan(), self.with_gaps)
        fixed = beside.static.unsqueeze(1)  # (B, 1, G)
        amounts = self.fixed.by_all(fixed)
        told = [_held(level), spread.log(), _held(amounts), ~amounts.isnan(), self.fixed.kinds_of(fixed)]
        calendar = beside.calendar if self.calendar and beside.calendar is not None else values[..., :0]
        return CovariateFeatures(
            self._joined([own, missing, self.along.kinds_of(beside.varying)]),
            calendar.to(self.foreseen),
            _held(values).to(self.foreseen),
            _picked(own, self.known).to(self.foreseen),
            self._joined(told).squeeze(1),
        )

    def _joined(self, parts: list[Tensor]) -> Tensor:
        return torch.cat([part.to(self.foreseen) for part in parts], dim=-1)


class _Columns(nn.Module):
    """Some covariates: amounts measured, kinds embedded."""

    def __init__(self, columns: Sequence[Covariate]) -> None:
        super().__init__()
        self.amounts = [one for one in columns if one.categories is None]
        self.kinds = [one for one in columns if one.categories is not None]
        self.amount_places = [place for place, one in enumerate(columns) if one.categories is None]
        self.kind_places = [place for place, one in enumerate(columns) if one.categories is not None]
        self.embeddings = nn.ModuleList(
            nn.Embedding(1 + len(one.categories or ()), _dimensions(one)) for one in self.kinds
        )
        self.embedded = sum(_dimensions(one) for one in self.kinds)

    def by_all(self, values: Tensor) -> Tensor:
        """Of all columns (B, T, C) float64 the amounts (B, T, A) float32, measured by all series, NaN where missing."""
        amounts = _picked(values, self.amount_places)
        level = values.new_tensor([one.level for one in self.amounts])
        spread = values.new_tensor([one.spread for one in self.amounts])
        return ((amounts - level) / spread).float()

    def measure(self, past: Tensor) -> tuple[Tensor, Tensor]:
        """Level and spread (B, 1, A) of amounts (B, L, A) as `by_all` gives them; where nothing moves a small one."""
        count = (~past.isnan()).sum(dim=1, keepdim=True)
        level = scaling.mean(past, count).nan_to_num(0.0)
        moved = scaling.mean((past - level).square(), count).nan_to_num(0.0)
        still = past.new_tensor([STILL * one.within / one.spread for one in self.amounts])
        return level, (moved + still.square()).sqrt()

    def kinds_of(self, values: Tensor) -> Tensor:
        """Of all columns (B, T, C) the kinds, embedded: (B, T, E)."""
        parts = [torch.empty((*values.shape[:-1], 0), device=values.device)]
        for place, embedding in zip(self.kind_places, self.embeddings, strict=True):
            codes = values[..., place].nan_to_num(0.0).long()
            if self.training:
                codes = codes * (torch.rand(len(codes), 1, device=codes.device) >= FORGOTTEN)
            parts.append(embedding(codes.to(next(embedding.parameters()).device)))
        return torch.cat([part.to(parts[-1]) for part in parts], dim=-1)


def _picked(values: Tensor, places: list[int]) -> Tensor:
    """Some columns (..., len(places)) of values (..., C)."""
    if len(places) in (0, values.shape[-1]):  # picking takes time
        return values[..., : len(places)]
    return values[..., places]


def _dimensions(column: Covariate) -> int:
    """Of the embedding of a column of kinds."""
    return min(8, 1 + math.isqrt(len(column.categories or ())))


def _unmeasured(values: Tensor) -> tuple[Tensor, Tensor]:
    """Level 0 and spread 1 (B, 1, A): amounts (B, T, A) as all series measure them."""
    level = values.new_zeros(len(values), 1, values.shape[2])
    return level, level + 1


def _held(values: Tensor) -> Tensor:
    return values.nan_to_num(0.0).clamp(-FURTHEST, FURTHEST)


def residual_amounts(amounts: Tensor, context: int, base: base_forecasts.Base) -> Tensor:
    """Amounts (B, L + H, N) of the steps to come, less what the base repeats of those before: (B, H, N).

    What has been the same as ever is in the base forecast already.
    """
    past, future = amounts[:, :context], amounts[:, context:]
    if not isinstance(base, base_forecasts.SeasonalNaive | base_forecasts.SeasonalSmoothing):
        return future
    _, expected = base(past, past)
    return future - expected
