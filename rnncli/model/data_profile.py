"""What a model was trained on, in numbers, and how far another table is from it. numpy only.

Told in the order of what hurts: units that jumped, columns that went silent, series that stopped, series never seen, a
clock that moved.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnncli.messages import counted, listed
from rnncli.model.card import ColumnRange, TrainingData
from rnncli.panel import Panel
from rnncli.panel.chunks import blocks
from rnncli.panel.covariates import UNSEEN
from rnncli.panel.time.formats import plain

MOST_SERIES = 10_000  # whose sizes a card keeps
JUMP = 50.0  # times the size that was: further than any growth
FEWEST = 5  # values that tell a size
SILENT = 0.5  # share of steps without a value, and SILENCED more than in training
SILENCED = 0.3


class Column(NamedTuple):
    """A column of amounts."""

    name: str
    parts: Iterator[np.ndarray]  # (R,) each: some series at a time


def seen(panel: Panel) -> TrainingData:
    """The table, as a card keeps it."""
    first, last = panel.span()
    nonnegative = not any((panel.values[block.rows] < 0).any() for block in panel.blocks())
    sizes = _sizes(panel) if len(panel.ids) <= MOST_SERIES else np.empty(0)
    return TrainingData(
        series=len(panel.ids),
        rows=panel.summary.rows,
        missing=panel.summary.missing,
        absent=panel.summary.absent,
        first=first,
        last=last,
        nonnegative=nonnegative,
        counts=nonnegative and all(_whole(panel.values[block.rows]) for block in panel.blocks()),
        phase=panel.phase,
        sizes=dict(zip(map(str, panel.ids), sizes.tolist(), strict=False)),
        columns=tuple(_range(column) for column in _columns(panel)),
    )


def _whole(values: np.ndarray) -> bool:
    """Whether no value (...) has a fraction; NaN has none."""
    return not (values > np.floor(values)).any()


def changes(trained: TrainingData, zone: str | None, panel: Panel, context: int) -> list[str]:
    """What is different in the newest `context` steps of each series, a line each, what hurts most first."""
    if not context:  # nothing is seen of what columns hold
        return [*_unknown(trained, panel), *_shifted(trained, zone, panel)]
    newest = panel.within((panel.lengths - context).clip(min=0), panel.lengths, panel.lengths)
    ranges = [_range(column) for column in _columns(newest)]
    found = [*_jumps(trained, newest, ranges), *_silent(trained, ranges), *_unseen(newest), *_stale(panel, context)]
    return [*found, *_unknown(trained, panel), *_missed(trained, panel), *_shifted(trained, zone, panel)]


def _columns(panel: Panel) -> Iterator[Column]:
    """Targets, and amounts along the clock up to now."""
    wide, beside = panel.summary.roles.wide, panel.covariates

    def target(place: int) -> Iterator[np.ndarray]:
        for block in panel.blocks():
            yield panel.values[block.rows, place]

    def amount(place: int) -> Iterator[np.ndarray]:
        for block in blocks(beside.offsets):
            yield beside.values[block.rows, place][block.before(panel.lengths)]

    for place, name in enumerate(("",) if wide else panel.summary.roles.targets):
        yield Column(name, target(place))
    for place, one in enumerate(beside.along):
        if one.categories is None:
            yield Column(one.name, amount(place))


def _range(column: Column) -> ColumnRange:
    rows, count, total, low, high = 0, 0, 0.0, np.inf, -np.inf
    for values in column.parts:
        known = values[np.isfinite(values)]
        rows, count, total = rows + len(values), count + len(known), total + float(np.abs(known).sum())
        low, high = min(low, known.min(initial=np.inf)), max(high, known.max(initial=-np.inf))
    missing = 1 - count / max(1, rows)
    if not count:
        return ColumnRange(name=column.name, low=0.0, high=0.0, typical=0.0, missing=missing)
    return ColumnRange(name=column.name, low=float(low), high=float(high), typical=total / count, missing=missing)


def _sizes(panel: Panel) -> np.ndarray:
    """The mean absolute value (S,) of each series' first target; 0 where too few values tell it."""
    sizes = [np.empty(0)]
    for block in panel.blocks():
        values, series = np.abs(panel.values[block.rows, 0]), len(block.lengths)
        known = np.isfinite(values)
        number, values = block.number[known], values[known]
        count = np.bincount(number, minlength=series)
        enough = np.bincount(number, values > 0, series) >= FEWEST
        sizes.append(np.where(enough, np.bincount(number, values, series) / np.maximum(count, 1), 0.0))
    return np.concatenate(sizes)


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
    known = {str(name): size for name, size in zip(newest.ids, _sizes(newest), strict=True)}
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
    for place, one in enumerate(beside.along):
        count = int((beside.values[:, place] == UNSEEN).sum())
        if one.categories is not None and not one.gaps and count:
            yield f'{counted(count, "value")} of "{one.name}" are kinds that training never saw'


def _stale(panel: Panel, context: int) -> Iterator[str]:
    """Series that end long before the others."""
    ends = panel.firsts + panel.lengths
    stale = np.flatnonzero(ends < ends.max() - context)
    if len(stale):
        names = [str(name) for name in panel.ids[stale]]
        newest = plain([panel.stamps(np.array([ends.argmax()]), panel.lengths[[ends.argmax()]] - 1)[0]])[0]
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
