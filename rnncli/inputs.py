"""What is known beside the targets, at unit size: a vector for each step, and one for the whole window. Pure tensors.

An amount is told twice: measured by the window's own past, so that what moves a small shop moves a large one, and
measured by all series, so that ten degrees are ten degrees. A kind is an embedding, with one for those never seen.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rnncli import bases, scaling
from rnncli.config import Architecture, Input
from rnncli.panel.covariates import Told
from rnncli.windows import Beside

FURTHEST = 10.0  # deviations: what lies beyond is held there
STILL = 0.1  # of a series' typical deviation: by how much a window's own is never smaller
FORGOTTEN = 0.02  # share of the windows in training that are told no kind, so that a kind never seen means something
PER_AMOUNT = 3  # features: by the window's measure, by that of all series, whether there is a value


class Features(NamedTuple):
    """The same at unit size, for B windows."""

    steps: Tensor  # (B, T + H, P) float32
    amounts: Tensor  # (B, T + H, N) float32: those of them that are amounts known in advance, by the window's measure
    window: Tensor  # (B, W) float32


class Inputs(nn.Module):
    """Covariates and the calendar to features: P a step, of which N are amounts known in advance, and W a window."""

    def __init__(self, design: Architecture, told: Told) -> None:
        super().__init__()
        self.along = _Columns([one for one in told.inputs if one.role != "static"])
        self.fixed = _Columns([one for one in told.inputs if one.role == "static"])
        self.calendar = told.calendar if design.calendar else 0
        self.width = PER_AMOUNT * len(self.along.amounts) + self.along.embedded + self.calendar
        self.window_width = 2 * len(self.fixed.amounts) + self.fixed.embedded
        self.known = [place for place, one in enumerate(self.along.amounts) if one.role == "known"]
        foreseen = [float(one.role == "known") for one in self.along.amounts] * PER_AMOUNT
        foreseen += [float(one.role == "known") for one in self.along.kinds for _ in range(_dimensions(one))]
        self.register_buffer("foreseen", torch.tensor(foreseen + self.calendar * [1.0]), persistent=False)  # (P,)
        self.foreseen: Tensor

    @property
    def tells_ahead(self) -> bool:
        """Whether anything is known of the steps to come."""
        return bool(self.foreseen.any())

    def forward(self, beside: Beside, context: int) -> Features:
        """Of windows whose first `context` steps measure their amounts."""
        values = self.along.by_all(beside.along)  # (B, T + H, A)
        own = self.along.by_window(values, context)
        parts = [own, _held(values), ~values.isnan(), self.along.kinds_of(beside.along)]
        parts += [beside.calendar] if self.calendar and beside.calendar is not None else []
        steps = torch.cat([part.to(self.foreseen) for part in parts], dim=-1)
        fixed = beside.fixed.unsqueeze(1)  # (B, 1, G)
        amounts = self.fixed.by_all(fixed)
        told = [_held(amounts), ~amounts.isnan(), self.fixed.kinds_of(fixed)]
        window = torch.cat([part.to(self.foreseen) for part in told], dim=-1).squeeze(1)
        return Features(steps, own[..., self.known].to(self.foreseen), window)


class _Columns(nn.Module):
    """Some covariates: amounts measured, kinds embedded."""

    def __init__(self, columns: Sequence[Input]) -> None:
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
        amounts = values if len(self.amount_places) == values.shape[-1] else values[..., self.amount_places]
        level = values.new_tensor([one.level for one in self.amounts])
        spread = values.new_tensor([one.spread for one in self.amounts])
        return ((amounts - level) / spread).float()

    def by_window(self, values: Tensor, context: int) -> Tensor:
        """Amounts as `by_all` gives them measured by the first steps of their window, 0 where missing."""
        past = values[:, :context]
        count = (~past.isnan()).sum(dim=1, keepdim=True)
        centre = scaling.mean(past, count).nan_to_num(0.0)
        moved = scaling.mean((past - centre).square(), count).nan_to_num(0.0)
        still = values.new_tensor([STILL * one.within / one.spread for one in self.amounts])
        return _held((values - centre) / (moved + still.square()).sqrt())

    def kinds_of(self, values: Tensor) -> Tensor:
        """Of all columns (B, T, C) the kinds, embedded: (B, T, E)."""
        parts = [torch.empty((*values.shape[:-1], 0), device=values.device)]
        for place, embedding in zip(self.kind_places, self.embeddings, strict=True):
            codes = values[..., place].nan_to_num(0.0).long()
            if self.training:
                codes = codes * (torch.rand(len(codes), 1, device=codes.device) >= FORGOTTEN)
            parts.append(embedding(codes.to(next(embedding.parameters()).device)))
        return torch.cat([part.to(parts[-1]) for part in parts], dim=-1)


def _dimensions(column: Input) -> int:
    """Of the embedding of a column of kinds."""
    return min(8, 1 + math.isqrt(len(column.categories or ())))


def _held(values: Tensor) -> Tensor:
    return values.nan_to_num(0.0).clamp(-FURTHEST, FURTHEST)


def surprise(amounts: Tensor, context: int, base: bases.Base) -> Tensor:
    """Amounts (B, L + H, N) of the steps to come, less what the base repeats of those before: (B, H, N).

    What has been the same as ever is in the base forecast already.
    """
    past, future = amounts[:, :context], amounts[:, context:]
    if not isinstance(base, bases.Repeat):
        return future
    _, expected = base(past, past)
    return future - expected
