"""Compare a table with the training data of a model. numpy only."""

from collections.abc import Iterator

import numpy as np

from rnncli.messages import counted, listed
from rnncli.model.card import ColumnRange, TrainingData
from rnncli.model.data_profile import column_range, numeric_columns, series_sizes
from rnncli.panel import Panel
from rnncli.panel.covariates import UNSEEN
from rnncli.panel.time.formats import as_texts

JUMP = 50.0  # times the size that was: further than any growth
SILENT = 0.5  # share of steps without a value, and SILENCED more than in training
SILENCED = 0.3


def detect(trained: TrainingData, zone: str | None, panel: Panel, context: int) -> list[str]:
    """What is different in the newest `context` steps of each series, a line each, what hurts most first."""
    if not context:  # nothing is seen of what columns hold
        return [*_unknown(trained, panel), *_shifted(trained, zone, panel)]
    newest = panel.slice_rows((panel.lengths - context).clip(min=0), panel.lengths, panel.lengths)
    ranges = [column_range(column) for column in numeric_columns(newest)]
    found = [*_jumps(trained, newest, ranges), *_silent(trained, ranges), *_unseen(newest), *_stale(panel, context)]
    return [*found, *_unknown(trained, panel), *_missed(trained, panel), *_shifted(trained, zone, panel)]


def _jumps(trained: TrainingData, newest: Panel, ranges: list[ColumnRange]) -> Iterator[str]:
    """Columns, and then series, of another size."""
    before = {one.name: one for one in trained.columns}
    jumps = []
    for column in ranges:
        was = before.get(column.name)
        if was is not None and _jumped(was.typical, column.typical):
            jumps.append(column.name)
            yield f"{_called(column.name)} is about {column.typical / was.typical:.3g} times what it was in training"
    if ranges[0].name in jumps:
        return  # and so are its series
    known = {str(name): size for name, size in zip(newest.ids, series_sizes(newest), strict=True)}
    jumped = {
        name: size / trained.sizes[name] for name, size in known.items() if _jumped(trained.sizes.get(name), size)
    }
    if jumped:
        times = float(np.median(list(jumped.values())))
        yield f"{len(jumped)} series are about {times:.3g} times what they were in training{listed(list(jumped))}"


def _jumped(was: float | None, size: float) -> bool:
    return bool(was) and size > 0 and not 1 / JUMP < size / (was or 1.0) < JUMP


def _silent(trained: TrainingData, ranges: list[ColumnRange]) -> Iterator[str]:
    """Columns that moved and do not any more, or have hardly a value."""
    before = {one.name: one for one in trained.columns}
    for column in ranges:
        was = before.get(column.name)
        if was is None:
            continue
        if column.missing > max(SILENT, was.missing + SILENCED):
            shares = f"{column.missing:.0%} of the newest steps, of {was.missing:.0%} in training"
            yield f"{_called(column.name)} is missing in {shares}"
        elif column.low == column.high and was.low < was.high:
            yield f"{_called(column.name)} is {column.low:g} in all of the newest steps; in training it moved"


def _unseen(newest: Panel) -> Iterator[str]:
    """Kinds that the model does not know, in columns of which it knew them all."""
    beside = newest.covariates
    for place, one in enumerate(beside.varying):
        count = int((beside.values[:, place] == UNSEEN).sum())
        if one.categories is not None and not one.gaps and count:
            yield f'{counted(count, "value")} of "{one.name}" are kinds that training never saw'


def _stale(panel: Panel, context: int) -> Iterator[str]:
    """Series that end long before the others."""
    ends = panel.firsts + panel.lengths
    stale = np.flatnonzero(ends < ends.max() - context)
    if len(stale):
        names = [str(name) for name in panel.ids[stale]]
        newest = as_texts([panel.times_at(np.array([ends.argmax()]), panel.lengths[[ends.argmax()]] - 1)[0]])[0]
        yield f"{len(stale)} series end more than {context} steps before the newest time, {newest}{listed(names)}"


def _unknown(trained: TrainingData, panel: Panel) -> Iterator[str]:
    new = [str(name) for name in panel.ids if str(name) not in trained.sizes] if trained.sizes else []
    if new and "" not in new:
        yield f"{len(new)} series are new to the model{listed(new)}"


def _missed(trained: TrainingData, panel: Panel) -> Iterator[str]:
    """Series whose past the others were shown."""
    there = set(map(str, panel.ids)) if trained.together else set()
    missed = [name for name in trained.together if name not in there]
    if missed:
        yield f"the others are forecast without {len(missed)} series that is not in the table{listed(missed)}"


def _shifted(trained: TrainingData, zone: str | None, panel: Panel) -> Iterator[str]:
    """A clock that ticks at another moment within its step, or is of another zone."""
    if panel.times.zone != zone:
        yield f"times are in {panel.times.zone or 'no zone'}; in training they were in {zone or 'none'}"
    if panel.phase != trained.phase:
        yield f"steps of {panel.frequency.name} begin at another moment than in training"


def _called(column: str) -> str:
    return f'"{column}"' if column else "the table"
