"""Detect data drift: differences between a table and the training data of a model. numpy only."""

from collections.abc import Iterator

import numpy as np

from rnncli.messages import counted, listed
from rnncli.model.card import ColumnRange, TrainingData
from rnncli.model.data_profile import column_range, numeric_columns, series_sizes
from rnncli.panel import Panel
from rnncli.panel.covariates import UNSEEN
from rnncli.panel.time.formats import as_texts

JUMP = 50.0  # ratio of sizes that exceeds any growth, such as a change of unit
MISSING = 0.5  # share of missing steps that is reported if it has also risen by MISSING_RISE
MISSING_RISE = 0.3


def detect(trained: TrainingData, zone: str | None, panel: Panel, context: int) -> list[str]:
    """Return the differences of the newest `context` steps of each series, a line each, the most harmful first.

    zone: time zone of the training data.
    """
    if not context:  # the networks receive no values
        return [*_new_series(trained, panel), *_shifted_times(trained, zone, panel)]
    newest = panel.slice_rows((panel.lengths - context).clip(min=0), panel.lengths, panel.lengths)
    ranges = [column_range(column) for column in numeric_columns(newest)]
    return [
        *_jumps(trained, newest, ranges),
        *_missing_or_constant(trained, ranges),
        *_new_categories(newest),
        *_ended_series(panel, context),
        *_new_series(trained, panel),
        *_missing_series(trained, panel),
        *_shifted_times(trained, zone, panel),
    ]


def _jumps(trained: TrainingData, newest: Panel, ranges: list[ColumnRange]) -> Iterator[str]:
    """Yield columns whose size has jumped, or the series if the first column has not."""
    known = {column.name: column for column in trained.columns}
    jumps = []
    for column in ranges:
        before = known.get(column.name)
        if before is not None and _jumped(before.typical, column.typical):
            jumps.append(column.name)
            ratio = column.typical / before.typical
            yield f"{_column_words(column.name)} is about {ratio:.3g} times as large as in training"
    if ranges[0].name in jumps:
        return  # its series have jumped, too
    sizes = {str(name): size for name, size in zip(newest.ids, series_sizes(newest), strict=True)}
    ratios = {
        name: size / trained.sizes[name] for name, size in sizes.items() if _jumped(trained.sizes.get(name), size)
    }
    if ratios:
        ratio = float(np.median(list(ratios.values())))
        verb = "is" if len(ratios) == 1 else "are"
        yield f"{len(ratios)} series {verb} about {ratio:.3g} times as large as in training{listed(list(ratios))}"


def _jumped(before: float | None, size: float) -> bool:
    return bool(before) and size > 0 and not 1 / JUMP < size / (before or 1.0) < JUMP


def _missing_or_constant(trained: TrainingData, ranges: list[ColumnRange]) -> Iterator[str]:
    """Yield columns that have become constant, or have mostly missing values."""
    known = {column.name: column for column in trained.columns}
    for column in ranges:
        before = known.get(column.name)
        if before is None:
            continue
        if column.missing > max(MISSING, before.missing + MISSING_RISE):
            shares = f"{column.missing:.0%} of the newest steps ({before.missing:.0%} in training)"
            yield f"{_column_words(column.name)} is missing in {shares}"
        elif column.low == column.high and before.low < before.high:
            yield f"{_column_words(column.name)} is {column.low:g} in all of the newest steps; in training it varied"


def _new_categories(newest: Panel) -> Iterator[str]:
    """Yield columns with new categories, if the training data had no unknown category."""
    covariates = newest.covariates
    for index, covariate in enumerate(covariates.varying):
        count = int((covariates.values[:, index] == UNSEEN).sum())
        if covariate.categories is not None and not covariate.gaps and count:
            yield f'"{covariate.name}" has categories that were not in the training data ({counted(count, "value")})'


def _ended_series(panel: Panel, context: int) -> Iterator[str]:
    """Yield series that end long before the others."""
    ends = panel.firsts + panel.lengths
    ended = np.flatnonzero(ends < ends.max() - context)
    if len(ended):
        names = [str(name) for name in panel.ids[ended]]
        newest = as_texts(panel.times_at(np.array([ends.argmax()]), panel.lengths[[ends.argmax()]] - 1))[0]
        verb = "ends" if len(ended) == 1 else "end"
        yield f"{len(ended)} series {verb} more than {context} steps before the newest time, {newest}{listed(names)}"


def _new_series(trained: TrainingData, panel: Panel) -> Iterator[str]:
    """Yield series that were not in the training data."""
    new = [str(name) for name in panel.ids if str(name) not in trained.sizes] if trained.sizes else []
    if new and "" not in new:
        verb = "was" if len(new) == 1 else "were"
        yield f"{len(new)} series {verb} not in the training data{listed(new)}"


def _missing_series(trained: TrainingData, panel: Panel) -> Iterator[str]:
    """Yield series that the networks mix, but that are not in the table."""
    present = set(map(str, panel.ids)) if trained.together else set()
    missing = [name for name in trained.together if name not in present]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        yield f"{len(missing)} series that the networks mix {verb} not in the table{listed(missing)}"


def _shifted_times(trained: TrainingData, zone: str | None, panel: Panel) -> Iterator[str]:
    """Yield a change of the time zone, or of the offset within a time step."""
    if panel.times.zone != zone:
        yield f"times are in {panel.times.zone or 'no zone'}; in training they were in {zone or 'none'}"
    if panel.phase != trained.phase:
        yield f"steps of {panel.frequency.name} begin at another time than in training"


def _column_words(column: str) -> str:
    return f'"{column}"' if column else "the table"
