"""What a table tells beside its targets: columns known in advance, up to now, or once for a series; and row weights.

They lie as the targets do, series behind one another and each from the step of its first target on, but may go on
beyond the last target: what is known in advance is told for steps that are still to be forecast.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.config.architecture import Covariate, InputSpec
from rnncli.errors import DataError
from rnncli.panel.chunks import blocks
from rnncli.panel.row_numbers import row
from rnncli.panel.time import calendar_features
from rnncli.panel.time.frequency import Frequency

UNSEEN = 0.0  # the number of a kind that is empty or that training did not know


def told(inputs: tuple[Covariate, ...], frequency: Frequency, countries: Sequence[str], series: int) -> InputSpec:
    """These columns, the calendar of a clock with the holidays of some countries, and so many series side by side."""
    return InputSpec(inputs, calendar_features.size(frequency, countries), series)


@dataclass(frozen=True)
class Covariates:
    """C columns along the clock, G static ones, and the weight of each row."""

    along: tuple[Covariate, ...]  # C, known or past
    fixed: tuple[Covariate, ...]  # G, static
    # A kind is its number from 1 on, and 0 where a row tells none that is known.
    values: np.ndarray  # (M, C) float64, NaN where missing
    offsets: np.ndarray  # (S + 1,) int64: the rows of series s, of which the first is that of its first target
    static: np.ndarray  # (S, G) float64
    weights: np.ndarray | None  # (M,) float64
    holidays: tuple[str, ...]  # countries whose public holidays are told
    unit: float = 1.0  # the mean weight in the table

    @property
    def inputs(self) -> tuple[Covariate, ...]:
        """All columns."""
        return self.along + self.fixed

    @property
    def lengths(self) -> np.ndarray:
        """Rows of each series: (S,)."""
        return np.diff(self.offsets)

    @property
    def known(self) -> np.ndarray:
        """Which of the columns along the clock are known in advance: (C,)."""
        return np.array([one.role == "known" for one in self.along], dtype=bool)

    def missing(self) -> np.ndarray:
        """The share of the rows without a value, of each column along the clock: (C,)."""
        empty = np.zeros(len(self.along))
        for block in blocks(self.offsets):
            empty += np.isnan(self.values[block.rows]).sum(axis=0)
        return empty / max(1, len(self.values))

    def of(self, rows: np.ndarray, offsets: np.ndarray, series: np.ndarray) -> "Covariates":
        """Some rows of some series; rows: (M,) a mask, or places."""
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, values=self.values[rows], offsets=offsets, static=self.static[series], weights=weights)

    def absent(self, series: np.ndarray, rows: np.ndarray, horizon: int) -> np.ndarray:
        """Of the H steps after each of N cutoffs, those of which a known column has no value: (N, H, C)."""
        if not self.known.any():
            return np.zeros((len(series), horizon, len(self.along)), bool)
        starts, ends = self.offsets[series][:, None], self.offsets[series + 1][:, None]
        places = starts + rows[:, None] + np.arange(horizon)
        values = self.values[places.clip(0, len(self.values) - 1)]
        return (np.isnan(values) | (places >= ends)[..., None]) & self.known


def measured(covariates: Covariates, ends: np.ndarray) -> tuple[Covariate, ...]:
    """The columns with their levels and spreads, as the first `ends` (S,) rows of each series have them."""

    def before(place: int) -> Iterator[Column]:
        for block in blocks(covariates.offsets):
            rows = block.before(ends)
            yield Column(covariates.values[block.rows, place][rows], block.number[rows])

    def static(place: int) -> Iterator[Column]:
        values = covariates.static[ends > 0, place]
        yield Column(values, np.zeros(len(values), np.int64))

    along = [_measured(one, partial(before, place)) for place, one in enumerate(covariates.along)]
    return (*along, *(_measured(one, partial(static, place)) for place, one in enumerate(covariates.fixed)))


class Column(NamedTuple):
    """Some rows of a column."""

    values: np.ndarray  # (R,)
    series: np.ndarray  # (R,) from 0 on

    def known(self) -> "Column":
        """Those with a value."""
        known = np.isfinite(self.values)
        return Column(self.values[known], self.series[known])


def _measured(column: Covariate, parts: Callable[[], Iterator[Column]]) -> Covariate:
    """Its mean, its deviation, and the median over series of their own deviations; 1 where nothing moves."""
    if column.categories is not None:
        return column.model_copy(update={"gaps": any((part.values == UNSEEN).any() for part in parts())})
    rows, count, total = 0, 0, 0.0
    for part in parts():
        known = part.known().values
        rows, count, total = rows + len(part.values), count + len(known), total + float(known.sum())
    column = column.model_copy(update={"gaps": count < rows})
    if not count:
        return column
    level, squares, of_series = total / count, 0.0, []
    for part in parts():
        centred, series = part.known().values - level, part.known().series
        squares += float((centred**2).sum())
        own = np.maximum(np.bincount(series), 1)
        mean = np.bincount(series, centred) / own
        of_series.append(np.bincount(series, (centred - mean[series]) ** 2) / own)
    spread = math.sqrt(squares / count)
    spread = spread if spread > 1e-9 * abs(level) else 1.0
    every = np.concatenate(of_series)
    moving = np.sqrt(every[every > (1e-9 * spread) ** 2])
    within = float(np.median(moving)) if len(moving) else spread
    return column.model_copy(update={"level": level, "spread": spread, "within": within})


def kinds(column: pd.Series, categorical: bool) -> tuple[str, ...] | None:
    """The kinds that a column tells, in order; None where it tells amounts. Raises DataError where it holds times."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        raise DataError(f'"{column.name}" holds times, which are neither amounts nor kinds. Give days since, or hours')
    if not categorical and pd.api.types.is_numeric_dtype(column.dtype):
        return None
    return tuple(sorted(set(texts(column).dropna())))


def codes(column: pd.Series, kinds: tuple[str, ...], empty: float) -> np.ndarray:
    """The number of each row's kind among those, from 1 on: (rows,); UNSEEN where it is none of them."""
    numbers = {kind: number for number, kind in enumerate(kinds, 1)}
    distinct, names = pd.factorize(texts(column))
    by_name = np.array([numbers.get(name, UNSEEN) for name in names] + [empty])
    return by_name[distinct]  # -1, what is missing, takes the last


def texts(column: pd.Series) -> pd.Series:
    """Each row's kind as a text, None where missing: 3, 3.0 and "3" are one."""
    distinct, values = pd.factorize(column)
    names = np.array([*map(_text, values), None], dtype=object)
    return pd.Series(names[distinct], dtype=object)


def _text(value: object) -> str:
    if isinstance(value, int | float | np.number) and not isinstance(value, bool) and float(value).is_integer():
        return str(int(value))
    return str(value)


def once(
    values: np.ndarray, series: np.ndarray, ids: np.ndarray, column: pd.Series, number: Callable[[int], int]
) -> np.ndarray:
    """The one value (S,) that each series has in all its rows (rows,), sorted by series; NaN where it has none.

    number: of a row in the table, from 0. Raises DataError where a series has two.
    """
    known = ~np.isnan(values)
    found = np.full(len(ids), np.nan)
    found[series[known][::-1]] = values[known][::-1]  # the first of each
    differs = np.flatnonzero(known & (values != found[series]))
    if len(differs):
        place = differs[0]
        other, first = number(place), number(np.flatnonzero(known & (series == series[place]))[0])
        raise DataError(
            f'"{column.name}" is static, but series "{ids[series[place]]}" has {column.iloc[first]} in '
            f"{row(column, first)} and {column.iloc[other]} in {row(column, other)}. "
            "Name it with --known or --past, or mend the rows"
        )
    return found


def nothing(series: int, holidays: tuple[str, ...]) -> Covariates:
    """No column at all, for so many series."""
    offsets = np.zeros(series + 1, np.int64)
    return Covariates((), (), np.empty((0, 0)), offsets, np.empty((series, 0)), None, holidays)
