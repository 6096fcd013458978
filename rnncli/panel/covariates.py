"""Covariates of a panel as arrays: known in advance, known up to now, or static; and row weights.

Like the targets, the rows of all series are concatenated, each from the step of its first target on. They may extend
beyond the last target: known covariates have values for steps that are still to be forecast.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from rnncli.config.architecture import Covariate, InputSpec
from rnncli.panel.chunks import chunks
from rnncli.panel.time import calendar_features
from rnncli.panel.time.frequency import Frequency

UNSEEN = 0.0  # the code of an empty cell, and of a category that training did not have


@dataclass(frozen=True)
class Covariates:
    """C time-varying columns, G static columns, and the weight of each row."""

    varying: tuple[Covariate, ...]  # C, known or past
    static_columns: tuple[Covariate, ...]  # G
    # Categories are coded from 1; see UNSEEN.
    values: np.ndarray  # (M, C) float64, NaN where missing
    offsets: np.ndarray  # (S + 1,) int64: the rows of series s; the first is that of its first target
    static: np.ndarray  # (S, G) float64
    weights: np.ndarray | None  # (M,) float64
    holidays: tuple[str, ...]  # countries whose public holidays are calendar features
    mean_weight: float = 1.0  # in the table; `weights` are divided by it

    @property
    def columns(self) -> tuple[Covariate, ...]:
        """All columns."""
        return self.varying + self.static_columns

    @property
    def lengths(self) -> np.ndarray:
        """Rows of each series: (S,)."""
        return np.diff(self.offsets)

    @property
    def known(self) -> np.ndarray:
        """Return whether each time-varying column is known in advance: (C,)."""
        return np.array([column.role == "known" for column in self.varying], dtype=bool)

    def missing_share(self) -> np.ndarray:
        """Return the share of missing values of each time-varying column: (C,)."""
        missing = np.zeros(len(self.varying))
        for chunk in chunks(self.offsets):
            missing += np.isnan(self.values[chunk.rows]).sum(axis=0)
        return missing / max(1, len(self.values))

    def select(self, rows: np.ndarray, offsets: np.ndarray, series: np.ndarray) -> "Covariates":
        """Return these rows (a mask (M,) or indices) of these series."""
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, values=self.values[rows], offsets=offsets, static=self.static[series], weights=weights)

    def missing_ahead(self, series: np.ndarray, rows: np.ndarray, horizon: int) -> np.ndarray:
        """Return (N, H, C) bool: known columns without a value in the H steps after each of N cutoffs."""
        if not self.known.any():
            return np.zeros((len(series), horizon, len(self.varying)), bool)
        starts, ends = self.offsets[series][:, None], self.offsets[series + 1][:, None]
        ahead = starts + rows[:, None] + np.arange(horizon)
        values = self.values[ahead.clip(0, len(self.values) - 1)]
        return (np.isnan(values) | (ahead >= ends)[..., None]) & self.known


def no_covariates(series: int, holidays: tuple[str, ...]) -> Covariates:
    """Return covariates without any column."""
    offsets = np.zeros(series + 1, np.int64)
    return Covariates((), (), np.empty((0, 0)), offsets, np.empty((series, 0)), None, holidays)


def input_spec(
    columns: tuple[Covariate, ...], frequency: Frequency, countries: Sequence[str], mixed_series: int
) -> InputSpec:
    """Return the inputs of a network: covariates, calendar features of the frequency, and other series."""
    return InputSpec(columns, calendar_features.size(frequency, countries), mixed_series)


def with_statistics(covariates: Covariates, ends: np.ndarray) -> tuple[Covariate, ...]:
    """Return the columns with mean and deviations, computed on the first `ends` (S,) rows of each series."""

    def parts(index: int) -> Iterator[_Part]:
        for chunk in chunks(covariates.offsets):
            rows = chunk.before(ends)
            yield _Part(covariates.values[chunk.rows, index][rows], chunk.series_index[rows])

    def static_part(index: int) -> Iterator[_Part]:
        values = covariates.static[ends > 0, index]
        yield _Part(values, np.zeros(len(values), np.int64))

    varying = [_measured(column, partial(parts, index)) for index, column in enumerate(covariates.varying)]
    static = [_measured(column, partial(static_part, index)) for index, column in enumerate(covariates.static_columns)]
    return (*varying, *static)


class _Part(NamedTuple):
    """Some rows of a column."""

    values: np.ndarray  # (R,)
    series: np.ndarray  # (R,) counted from 0

    def present(self) -> "_Part":
        """Return the rows with a value."""
        present = np.isfinite(self.values)
        return _Part(self.values[present], self.series[present])


def _measured(column: Covariate, parts: Callable[[], Iterator[_Part]]) -> Covariate:
    """Return the column with mean, standard deviation, and the median over series of their standard deviations.

    Deviations of constant columns are 1.
    """
    if column.categories is not None:
        return column.model_copy(update={"gaps": any((part.values == UNSEEN).any() for part in parts())})
    rows, count, total = 0, 0, 0.0
    for part in parts():
        present = part.present().values
        rows, count, total = rows + len(part.values), count + len(present), total + float(present.sum())
    column = column.model_copy(update={"gaps": count < rows})
    if not count:
        return column
    level, squares, variances_by_part = total / count, 0.0, []
    for part in parts():
        centred, series = part.present().values - level, part.present().series
        squares += float((centred**2).sum())
        counts = np.maximum(np.bincount(series), 1)
        mean = np.bincount(series, centred) / counts
        variances_by_part.append(np.bincount(series, (centred - mean[series]) ** 2) / counts)
    spread = math.sqrt(squares / count)
    spread = spread if spread > 1e-9 * abs(level) else 1.0
    variances = np.concatenate(variances_by_part)
    deviations = np.sqrt(variances[variances > (1e-9 * spread) ** 2])
    within = float(np.median(deviations)) if len(deviations) else spread
    return column.model_copy(update={"level": level, "spread": spread, "within": within})
