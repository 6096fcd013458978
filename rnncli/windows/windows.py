"""Cut windows of all series out of a panel, as batches of tensors on a device, or of NumPy arrays without one."""

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rnncli.panel import Cutoffs, Panel
from rnncli.panel.time.calendar_features import Calendar
from rnncli.windows.arrays import Array, arange_like, library, place, select_rows
from rnncli.windows.batch import Batch, CovariateBatch, OtherSeries
from rnncli.windows.calendar import CalendarTensors

if TYPE_CHECKING:
    import torch


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
    """The windows of all series, cut from one array.

    A cutoff is the number of rows of its series in the past: the future starts at row `cutoff`.
    """

    def __init__(
        self,
        panel: Panel | SeriesData,
        context: int,
        horizon: int,
        device: "torch.device | None",
        with_calendar: bool = True,
        mixed_series: np.ndarray | None = None,
    ) -> None:
        """device: of the batches' tensors; None for NumPy arrays.

        mixed_series: (S,) the index in the panel of each series whose past all windows include, -1 if missing.
        """
        data = panel if isinstance(panel, SeriesData) else SeriesData.of(panel, horizon, context)
        # MPS has no float64: data stays in CPU memory, and batches are moved once scaled. Memory-mapped data stays too.
        home = device
        if device is not None and (device.type == "mps" or isinstance(data.values, np.memmap)):
            home = type(device)("cpu")
        self._home = home
        self.values = place(data.values, home)  # (N, K)
        self.starts = place(data.offsets[:-1], home)  # (S,)
        self.ends = place(data.offsets[1:], home)  # (S,)
        self.firsts = place(data.firsts, home)  # (S,)
        self.context, self.horizon = context, horizon
        self._covariates = _Covariates(data.covariates, home)
        with_calendar = with_calendar and data.calendar.size > 0
        self._calendar = CalendarTensors.of(data.calendar, home) if with_calendar else None
        self._mixed_series = None if mixed_series is None else place(mixed_series, home)  # (S,)

    def with_context(self, context: int) -> "Windows":
        """Return windows with another context on the same tensors."""
        other = copy(self)
        other.context = context
        return other

    def at(self, cutoffs: Cutoffs, chunk: int) -> Iterator[Batch]:
        """Yield the windows at all cutoffs, `chunk` at a time."""
        for start in range(0, len(cutoffs.series), chunk):
            part = slice(start, start + chunk)
            yield self.batch(place(cutoffs.series[part], self._home), place(cutoffs.rows[part], self._home))

    def batch(self, series: Array, cutoffs: Array) -> Batch:
        """Return the windows of series (B,) at cutoffs (B,)."""
        rows = cutoffs[:, None] + arange_like(self.values, -self.context, self.horizon)
        step = self.firsts[series] + cutoffs
        values = self._cut(series, rows)  # (B, L + H, K)
        varying, static, weights = self._covariates.at(series, rows)
        calendar = None
        if self._calendar is not None:
            calendar = self._calendar.features(self.firsts[series][:, None] + rows)
        covariates = CovariateBatch(varying, static, calendar, self._other_series(series, step))
        return Batch(values[:, : self.context], values[:, self.context :], step, covariates, weights)

    def _cut(self, series: Array, rows: Array) -> Array:
        """Return rows (B, T) of series (B,), counted from their first row: (B, T, K), NaN outside of the series."""
        start, end = self.starts[series][:, None], self.ends[series][:, None]  # (B, 1)
        rows = start + rows
        inside = rows.clip(start, end - 1)
        return library(rows).where((inside == rows)[..., None], select_rows(self.values, inside), np.nan)

    def _other_series(self, series: Array, step: Array) -> OtherSeries | None:
        """Return the past of the mixed series before the time steps (B,) at which windows of series (B,) end."""
        mixed = self._mixed_series
        if mixed is None:
            return None
        either = library(step)
        times, window_time = either.unique(step, return_inverse=True)  # (U,), (B,)
        known = mixed.clip(min=0)
        cutoffs = times[:, None] - self.firsts[known]  # (U, S)
        rows = cutoffs.reshape(-1, 1) + arange_like(self.values, -self.context, 0)
        past = self._cut(either.tile(known, (len(times),)), rows)  # (U * S, L, K)
        past = past.reshape(len(times), len(mixed), self.context, past.shape[-1])
        past = either.where((mixed < 0).reshape(1, -1, 1, 1), np.nan, past)
        same = series[:, None] == mixed  # (B, S)
        number = arange_like(mixed, 0, len(mixed))
        window_series = either.where(same.any(axis=1), (same * number).sum(axis=1), -1)
        return OtherSeries(past, window_time, window_series)


class _Covariates:
    """Covariates and row weights as tensors or NumPy arrays."""

    def __init__(self, data: CovariateArrays, home: "torch.device | None") -> None:
        self.values = place(data.values, home)  # (M, C)
        self.offsets = place(data.offsets, home)  # (S + 1,)
        self.static = place(data.static, home)  # (S, G)
        self.weights = None if data.weights is None else place(data.weights, home)[:, None]  # (M, 1)

    def at(self, series: Array, rows: Array) -> tuple[Array, Array, Array | None]:
        """Return varying (B, T, C) and static (B, G) covariates and weights (B, T, 1) of rows (B, T) of series (B,)."""
        static = self.static[series]
        if not len(self.values):
            return self.values.reshape((*rows.shape, 0)), static, None
        start, end = self.offsets[series][:, None], self.offsets[series + 1][:, None]
        outside = ((rows < 0) | (start + rows >= end))[..., None]
        rows = (start + rows).clip(0, len(self.values) - 1)
        either = library(rows)
        varying = either.where(outside, np.nan, select_rows(self.values, rows))
        weights = None if self.weights is None else either.where(outside, 0.0, select_rows(self.weights, rows))
        return varying, static, weights
