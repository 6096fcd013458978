"""Cut windows of all series out of a panel, as batches of tensors."""

from collections.abc import Iterator
from copy import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncli.panel import Cutoffs, Panel
from rnncli.panel.time.calendar_features import Calendar
from rnncli.windows.batch import Batch, CovariateBatch, OtherSeries
from rnncli.windows.calendar import CalendarTensors, select_rows


class CovariateArrays(NamedTuple):
    """The covariates of all series."""

    values: np.ndarray  # (M, C) float64, NaN where missing
    offsets: np.ndarray  # (S + 1,) int64
    static: np.ndarray  # (S, G) float64
    weights: np.ndarray | None  # (M,) float64


class SeriesData(NamedTuple):
    """The part of a panel that windows need."""

    values: np.ndarray  # (N, K) float64, NaN where missing
    offsets: np.ndarray  # (S + 1,) int64
    firsts: np.ndarray  # (S,) int64: the number of each series' first time step
    covariates: CovariateArrays
    calendar: Calendar

    @classmethod
    def of(cls, panel: Panel, horizon: int, back: int = 0) -> "SeriesData":
        """Return the data of a panel, with calendar features up to `horizon` steps after its end and `back` before.

        A window may begin before its series. Its calendar features there must not depend on other series in the table.
        """
        calendar = panel.calendar(horizon, max(back, int(panel.lengths.max())))
        given = panel.covariates
        covariates = CovariateArrays(given.values, given.offsets, given.static, given.weights)
        return cls(panel.values, panel.offsets, panel.firsts, covariates, calendar)


class Windows:
    """The windows of all series, cut from one tensor.

    A cutoff is the number of rows of its series in the past: the future starts at row `cutoff`.
    """

    def __init__(
        self,
        panel: Panel | SeriesData,
        context: int,
        horizon: int,
        device: torch.device,
        with_calendar: bool = True,
        mixed_series: np.ndarray | None = None,
    ) -> None:
        """mixed_series: (S,) the index in the panel of each series whose past all windows include, -1 if missing."""
        data = panel if isinstance(panel, SeriesData) else SeriesData.of(panel, horizon, context)
        # MPS has no float64: data stays in CPU memory, and batches are moved once scaled. Memory-mapped data stays too.
        stays = device.type == "mps" or isinstance(data.values, np.memmap)
        home = torch.device("cpu") if stays else device
        self.values = torch.from_numpy(data.values).to(home)  # (N, K)
        self.starts = torch.from_numpy(data.offsets[:-1]).to(home)  # (S,)
        self.ends = torch.from_numpy(data.offsets[1:]).to(home)  # (S,)
        self.firsts = torch.from_numpy(data.firsts).to(home)  # (S,)
        self.context, self.horizon = context, horizon
        self._covariates = _Covariates(data.covariates, home)
        with_calendar = with_calendar and data.calendar.size > 0
        self._calendar = CalendarTensors.of(data.calendar, home) if with_calendar else None
        self._mixed_series = None if mixed_series is None else torch.from_numpy(mixed_series).to(home)  # (S,)

    def with_context(self, context: int) -> "Windows":
        """Return windows with another context on the same tensors."""
        other = copy(self)
        other.context = context
        return other

    def at(self, cutoffs: Cutoffs, chunk: int) -> Iterator[Batch]:
        """Yield the windows at all cutoffs, `chunk` at a time."""
        home = self.values.device
        for start in range(0, len(cutoffs.series), chunk):
            part = slice(start, start + chunk)
            series, rows = torch.from_numpy(cutoffs.series[part]), torch.from_numpy(cutoffs.rows[part])
            yield self.batch(series.to(home), rows.to(home))

    def batch(self, series: Tensor, cutoffs: Tensor) -> Batch:
        """Return the windows of series (B,) at cutoffs (B,)."""
        reach = torch.arange(-self.context, self.horizon, device=self.values.device)
        rows, step = cutoffs.unsqueeze(1) + reach, self.firsts[series] + cutoffs
        values = self._cut(series, rows)  # (B, L + H, K)
        varying, static, weights = self._covariates.at(series, rows)
        calendar = None
        if self._calendar is not None:
            calendar = self._calendar.features(self.firsts[series].unsqueeze(1) + rows)
        covariates = CovariateBatch(varying, static, calendar, self._other_series(series, step))
        return Batch(values[:, : self.context], values[:, self.context :], step, covariates, weights)

    def _cut(self, series: Tensor, rows: Tensor) -> Tensor:
        """Return rows (B, T) of series (B,), counted from their first row: (B, T, K), NaN outside of the series."""
        start, end = self.starts[series].unsqueeze(1), self.ends[series].unsqueeze(1)  # (B, 1)
        rows = start + rows
        inside = (rows >= start) & (rows < end)
        values = self.values[rows.clamp(0, len(self.values) - 1)]
        return values.masked_fill(~inside.unsqueeze(-1), torch.nan)

    def _other_series(self, series: Tensor, step: Tensor) -> OtherSeries | None:
        """Return the past of the mixed series before the time steps (B,) at which windows of series (B,) end."""
        mixed = self._mixed_series
        if mixed is None:
            return None
        times, window_time = torch.unique(step, return_inverse=True)  # (U,), (B,)
        repeated = mixed.clamp(min=0).repeat(len(times))  # (U * S,)
        cutoffs = times.repeat_interleave(len(mixed)) - self.firsts[repeated]
        reach = torch.arange(-self.context, 0, device=self.values.device)
        past = self._cut(repeated, cutoffs.unsqueeze(1) + reach).reshape(len(times), len(mixed), self.context, -1)
        past = past.masked_fill((mixed < 0).reshape(1, -1, 1, 1), torch.nan)
        same = series.unsqueeze(1) == mixed  # (B, S)
        window_series = torch.where(same.any(dim=1), same.int().argmax(dim=1), -1)
        return OtherSeries(past, window_time, window_series)


class _Covariates:
    """Covariates and row weights as tensors."""

    def __init__(self, data: CovariateArrays, home: torch.device) -> None:
        self.values = torch.from_numpy(data.values).to(home)  # (M, C)
        self.offsets = torch.from_numpy(data.offsets).to(home)  # (S + 1,)
        self.static = torch.from_numpy(data.static).to(home)  # (S, G)
        weights = data.weights
        self.weights = None if weights is None else torch.from_numpy(weights).to(home).unsqueeze(-1)  # (M, 1)

    def at(self, series: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return varying (B, T, C) and static (B, G) covariates and weights (B, T, 1) of rows (B, T) of series (B,)."""
        static = self.static[series]
        if not len(self.values):
            return self.values.new_empty((*rows.shape, 0)), static, None
        start, end = self.offsets[series].unsqueeze(1), self.offsets[series + 1].unsqueeze(1)
        outside = ((rows < 0) | (start + rows >= end)).unsqueeze(-1)
        rows = (start + rows).clamp(0, len(self.values) - 1)
        varying = select_rows(self.values, rows).masked_fill_(outside, torch.nan)
        weights = None if self.weights is None else select_rows(self.weights, rows).masked_fill_(outside, 0.0)
        return varying, static, weights
