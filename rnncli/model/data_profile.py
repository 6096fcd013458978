"""Profile of a table: the statistics of the training data that a card stores. numpy only."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnncli.model.card import ColumnRange, TrainingData
from rnncli.panel import Panel
from rnncli.panel.chunks import chunks

MAX_SERIES_SIZES = 10_000  # stored on a card
MIN_VALUES = 5  # nonzero values needed for the size of a series


class NumericColumn(NamedTuple):
    """Values of a numeric column."""

    name: str
    parts: Iterator[np.ndarray]  # (R,) each, for some series at a time


def profile(panel: Panel) -> TrainingData:
    """Return the statistics of a table."""
    first, last = panel.span()
    nonnegative = not any((panel.values[chunk.rows] < 0).any() for chunk in panel.chunks())
    sizes = series_sizes(panel) if len(panel.ids) <= MAX_SERIES_SIZES else np.empty(0)
    return TrainingData(
        series=len(panel.ids),
        rows=panel.summary.rows,
        missing=panel.summary.missing,
        absent=panel.summary.absent,
        first=first,
        last=last,
        nonnegative=nonnegative,
        counts=nonnegative and all(_whole(panel.values[chunk.rows]) for chunk in panel.chunks()),
        phase=panel.phase,
        sizes=dict(zip(map(str, panel.ids), sizes.tolist(), strict=False)),
        columns=tuple(column_range(column) for column in numeric_columns(panel)),
    )


def _whole(values: np.ndarray) -> bool:
    """Return whether all values (...) are whole numbers or NaN."""
    return not (values > np.floor(values)).any()


def numeric_columns(panel: Panel) -> Iterator[NumericColumn]:
    """Yield the targets and the numeric covariates that vary in time, up to the last observed step."""
    roles, covariates = panel.summary.roles, panel.covariates

    def target_values(index: int) -> Iterator[np.ndarray]:
        for chunk in panel.chunks():
            yield panel.values[chunk.rows, index]

    def covariate_values(index: int) -> Iterator[np.ndarray]:
        for chunk in chunks(covariates.offsets):
            yield covariates.values[chunk.rows, index][chunk.before(panel.lengths)]

    for index, name in enumerate(("",) if roles.wide else roles.targets):
        yield NumericColumn(name, target_values(index))
    for index, covariate in enumerate(covariates.varying):
        if covariate.categories is None:
            yield NumericColumn(covariate.name, covariate_values(index))


def column_range(column: NumericColumn) -> ColumnRange:
    """Return the range of a column; zeros if it has no value."""
    rows, count, total, low, high = 0, 0, 0.0, np.inf, -np.inf
    for values in column.parts:
        known = values[np.isfinite(values)]
        rows, count, total = rows + len(values), count + len(known), total + float(np.abs(known).sum())
        low, high = min(low, known.min(initial=np.inf)), max(high, known.max(initial=-np.inf))
    missing = 1 - count / max(1, rows)
    if not count:
        return ColumnRange(name=column.name, low=0.0, high=0.0, typical=0.0, missing=missing)
    return ColumnRange(name=column.name, low=float(low), high=float(high), typical=total / count, missing=missing)


def series_sizes(panel: Panel) -> np.ndarray:
    """Return the mean absolute value (S,) of each series' first target; 0 if it has too few nonzero values."""
    sizes = [np.empty(0)]
    for chunk in panel.chunks():
        values, series = np.abs(panel.values[chunk.rows, 0]), len(chunk.lengths)
        known = np.isfinite(values)
        index, values = chunk.series_index[known], values[known]
        count = np.bincount(index, minlength=series)
        enough = np.bincount(index, values > 0, series) >= MIN_VALUES
        sizes.append(np.where(enough, np.bincount(index, values, series) / np.maximum(count, 1), 0.0))
    return np.concatenate(sizes)
