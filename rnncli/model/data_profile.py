"""What a model was trained on, in numbers, and how far another table is from it. numpy only.

Told in the order of what hurts: units that jumped, columns that went silent, series that stopped, series never seen, a
clock that moved.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnncli.model.card import ColumnRange, TrainingData
from rnncli.panel import Panel
from rnncli.panel.chunks import chunks

MAX_SERIES_SIZES = 10_000  # whose sizes a card keeps
MIN_VALUES = 5  # values that tell a size


class NumericColumn(NamedTuple):
    """A column of amounts."""

    name: str
    parts: Iterator[np.ndarray]  # (R,) each: some series at a time


def profile(panel: Panel) -> TrainingData:
    """The table, as a card keeps it."""
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
    """Whether no value (...) has a fraction; NaN has none."""
    return not (values > np.floor(values)).any()


def numeric_columns(panel: Panel) -> Iterator[NumericColumn]:
    """Targets, and amounts along the clock up to now."""
    wide, beside = panel.summary.roles.wide, panel.covariates

    def target(place: int) -> Iterator[np.ndarray]:
        for chunk in panel.chunks():
            yield panel.values[chunk.rows, place]

    def amount(place: int) -> Iterator[np.ndarray]:
        for chunk in chunks(beside.offsets):
            yield beside.values[chunk.rows, place][chunk.before(panel.lengths)]

    for place, name in enumerate(("",) if wide else panel.summary.roles.targets):
        yield NumericColumn(name, target(place))
    for place, one in enumerate(beside.varying):
        if one.categories is None:
            yield NumericColumn(one.name, amount(place))


def column_range(column: NumericColumn) -> ColumnRange:
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
    """The mean absolute value (S,) of each series' first target; 0 where too few values tell it."""
    sizes = [np.empty(0)]
    for chunk in panel.chunks():
        values, series = np.abs(panel.values[chunk.rows, 0]), len(chunk.lengths)
        known = np.isfinite(values)
        number, values = chunk.series_index[known], values[known]
        count = np.bincount(number, minlength=series)
        enough = np.bincount(number, values > 0, series) >= MIN_VALUES
        sizes.append(np.where(enough, np.bincount(number, values, series) / np.maximum(count, 1), 0.0))
    return np.concatenate(sizes)
