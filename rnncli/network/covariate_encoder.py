"""Covariates and calendar features as inputs of a network: a vector per step and one per window. Pure tensors.

A numeric covariate (an amount) enters twice: scaled by the window's past, so that a small shop's prices act as a large
one's, and scaled by all series, so that ten degrees mean the same everywhere. A categorical covariate has an embedding
of each category and one of unknown categories.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rnncli.config.architecture import Architecture, Covariate, InputSpec
from rnncli.network import scaling
from rnncli.network.base_forecasts import BaseForecast
from rnncli.windows.batch import CovariateBatch

FURTHEST = 10.0  # deviations at which amounts are clipped
STILL = 0.1  # least deviation of a window, relative to the typical one of a series
FORGOTTEN = 0.02  # share of training windows whose categories count as unknown, which trains that embedding


class CovariateFeatures(NamedTuple):
    """Covariates at unit scale, of B windows."""

    read: Tensor  # (B, T + H, R) float32: the encoder's inputs of each step
    calendar: Tensor  # (B, T + H, D) float32
    absolute: Tensor  # (B, T + H, A) float32: amounts scaled by all series
    amounts: Tensor  # (B, T + H, A') float32: those known in advance, scaled by the window
    window: Tensor  # (B, W) float32

    def future(self, start: int, end: int, ahead: Tensor) -> Tensor:
        """Return the features of steps to come (B, end - start, P), 0 if not known in advance by ahead (P,)."""
        parts = [part[:, start:end] for part in (self.read, self.absolute, self.calendar)]
        return torch.cat(parts, dim=-1) * ahead


class CovariateEncoder(nn.Module):
    """Scales amounts and embeds categories: R + D features of a step for the encoder, P for the decoder."""

    def __init__(self, design: Architecture, spec: InputSpec) -> None:
        super().__init__()
        covariates = spec.inputs if design.covariates else ()
        varying = [covariate for covariate in covariates if covariate.role != "static"]
        static = [covariate for covariate in covariates if covariate.role == "static"]
        self.along, self.fixed = _Columns(varying), _Columns(static)
        self.globally = design.bptt is not None or not design.context  # windows do not scale their own amounts
        self.calendar = spec.calendar if design.calendar else 0
        amounts, gaps = self.along.amounts, [amount for amount in self.along.amounts if amount.gaps]
        self.known = [index for index, amount in enumerate(amounts) if amount.role == "known"]
        self.with_gaps = [index for index, amount in enumerate(amounts) if amount.gaps]
        ahead = [float(amount.role == "known") for amount in (*amounts, *gaps)]
        ahead += [float(kind.role == "known") for kind in self.along.kinds for _ in range(_dimensions(kind))]
        self.read_width = len(ahead)  # R
        ahead += [float(amount.role == "known") for amount in amounts] + self.calendar * [1.0]
        self.width = len(ahead)  # P
        # Level and spread of a window's amounts relate its scale to that of all series.
        self.window_width = 2 * len(amounts) + 2 * len(self.fixed.amounts) + self.fixed.embedded  # W
        self.known_ahead = any(ahead)  # whether anything is known of the steps to come
        # On the CPU even if the parameters get no memory: model files do not hold it.
        self.register_buffer("ahead", torch.tensor(ahead, device="cpu"), persistent=False)  # (P,) 1: known in advance
        self.ahead: Tensor

    def forward(self, covariates: CovariateBatch, context: int) -> CovariateFeatures:
        """Return the features of windows whose first `context` steps determine the scale of their amounts."""
        values = self.along.scaled(covariates.varying)  # (B, T + H, A)
        # A carried state requires that the same amount is the same input, wherever a window begins.
        level, spread = _unit_scale(values) if self.globally else self.along.measure(values[:, :context])  # (B, 1, A)
        relative, missing = _clip((values - level) / spread), _pick(values.isnan(), self.with_gaps)
        static = covariates.static.unsqueeze(1)  # (B, 1, G)
        amounts = self.fixed.scaled(static)
        window = [_clip(level), spread.log(), _clip(amounts), ~amounts.isnan(), self.fixed.embed(static)]
        calendar = covariates.calendar if self.calendar and covariates.calendar is not None else values[..., :0]
        return CovariateFeatures(
            self._concat([relative, missing, self.along.embed(covariates.varying)]),
            calendar.to(self.ahead),
            _clip(values).to(self.ahead),
            _pick(relative, self.known).to(self.ahead),
            self._concat(window).squeeze(1),
        )

    def _concat(self, parts: list[Tensor]) -> Tensor:
        """Join features (..., C) as the network's type, on its device."""
        return torch.cat([part.to(self.ahead) for part in parts], dim=-1)


class _Columns(nn.Module):
    """Some covariates: scales of the amounts, embeddings of the kinds (categorical covariates)."""

    def __init__(self, columns: Sequence[Covariate]) -> None:
        super().__init__()
        self.amounts = [column for column in columns if column.categories is None]
        self.kinds = [column for column in columns if column.categories is not None]
        self.amount_columns = [index for index, column in enumerate(columns) if column.categories is None]
        self.kind_columns = [index for index, column in enumerate(columns) if column.categories is not None]
        self.embeddings = nn.ModuleList(
            nn.Embedding(1 + len(kind.categories or ()), _dimensions(kind)) for kind in self.kinds
        )
        self.embedded = sum(_dimensions(kind) for kind in self.kinds)

    def scaled(self, values: Tensor) -> Tensor:
        """Scale the amounts among columns (B, T, C) float64 by all series: (B, T, A) float32, NaN where missing."""
        amounts = _pick(values, self.amount_columns)
        level = values.new_tensor([amount.level for amount in self.amounts])
        spread = values.new_tensor([amount.spread for amount in self.amounts])
        return ((amounts - level) / spread).float()

    def measure(self, past: Tensor) -> tuple[Tensor, Tensor]:
        """Return level and spread (B, 1, A) of scaled amounts (B, L, A); the spread is positive for constant ones."""
        count = (~past.isnan()).sum(dim=1, keepdim=True)
        level = scaling.mean(past, count).nan_to_num(0.0)
        variance = scaling.mean((past - level).square(), count).nan_to_num(0.0)
        least = past.new_tensor([STILL * amount.within / amount.spread for amount in self.amounts])
        return level, (variance + least.square()).sqrt()

    def embed(self, values: Tensor) -> Tensor:
        """Embed the kinds among columns (B, T, C): (B, T, E)."""
        parts = [torch.empty((*values.shape[:-1], 0), device=values.device)]
        for column, embedding in zip(self.kind_columns, self.embeddings, strict=True):
            codes = values[..., column].nan_to_num(0.0).long()
            if self.training:
                codes = codes * (torch.rand(len(codes), 1, device=codes.device) >= FORGOTTEN)
            parts.append(embedding(codes.to(next(embedding.parameters()).device)))
        return torch.cat([part.to(parts[-1]) for part in parts], dim=-1)


def residual_amounts(amounts: Tensor, context: int, base: BaseForecast) -> Tensor:
    """Return amounts (B, L + H, A) of the steps to come, less their base forecast: (B, H, A).

    What repeats in the amounts is in the base forecast of the targets already.
    """
    past, future = amounts[:, :context], amounts[:, context:]
    if not base.repeats_context:
        return future
    _, expected = base(past, past)
    return future - expected


def _pick(values: Tensor, columns: list[int]) -> Tensor:
    """Return some columns (..., len(columns)) of values (..., C)."""
    if len(columns) in (0, values.shape[-1]):  # faster than an index
        return values[..., : len(columns)]
    return values[..., columns]


def _dimensions(kind: Covariate) -> int:
    """Return the size of the embedding of a categorical covariate."""
    return min(8, 1 + math.isqrt(len(kind.categories or ())))


def _unit_scale(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return level 0 and spread 1 (B, 1, A) for amounts (B, T, A)."""
    level = values.new_zeros(len(values), 1, values.shape[2])
    return level, level + 1


def _clip(values: Tensor) -> Tensor:
    return values.nan_to_num(0.0).clamp(-FURTHEST, FURTHEST)
