"""The ends of series, and new rows put behind them."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rnncli.errors import DataError
from rnncli.panel.concat import concatenate
from rnncli.panel.covariates import Covariates
from rnncli.panel.memmap import Store
from rnncli.panel.panel import ColumnRoles, Panel, called

MOST_BETWEEN = 100_000  # steps between the rows kept and new ones: more, and a time is taken to be wrong


class Merged(NamedTuple):
    """A panel with new rows, and what became of those."""

    panel: Panel
    rows: int  # with something new
    behind: int  # of these, those that came after a later one of their series
    repeated: int  # seen before, and left out
    differing: int  # of these, those with another value than before
    late: int  # older than what is kept, and left out


def tail(panel: Panel, steps: int) -> Panel:
    """The last so many steps of each series, and what is known of its future."""
    beside = replace(panel.covariates, weights=None)
    first = np.maximum(panel.lengths - steps, 0)
    return replace(panel, covariates=beside).within(first, panel.lengths, beside.lengths)


def of_one_kind(kept: Panel, new: Panel) -> tuple[Panel, Panel]:
    """The same, their ids of one kind, as those of a table with all these rows would be: a few rows do not tell it.

    Numbers, where every text is a whole one as it is written; else texts.
    """
    if (kept.ids.dtype == object) == (new.ids.dtype == object):
        return kept, new
    numbers = [_numbers(panel.ids) for panel in (kept, new)]
    own, other = (
        found if found is not None and all(one is not None for one in numbers) else _texts(panel.ids)
        for panel, found in zip((kept, new), numbers, strict=True)
    )
    return _renamed(kept, own), _renamed(new, other)


def _numbers(ids: np.ndarray) -> np.ndarray | None:
    if ids.dtype != object:
        return ids
    try:
        numbers = ids.astype(np.int64)
    except (ValueError, OverflowError):
        return None
    return numbers if (_texts(numbers) == ids).all() else None


def _texts(ids: np.ndarray) -> np.ndarray:
    return np.array([str(one) for one in ids], dtype=object)


def _renamed(panel: Panel, ids: np.ndarray) -> Panel:
    """The panel with other ids, in their order."""
    return panel if ids.dtype == panel.ids.dtype else concatenate([replace(panel, ids=ids)], Store())


def merged(kept: Panel, new: Panel, steps: int) -> Merged:
    """The last `steps` steps of every series of two panels; where both have a value, the one that was kept.

    Raises DataError where the two are not on one clock.
    """
    kept, new = of_one_kind(kept, new)
    _forbid_unlike(kept, new)
    ids = np.unique(np.concatenate([kept.ids, new.ids]))
    numbers = [np.searchsorted(ids, panel.ids) for panel in (kept, new)]
    ends, most = np.zeros(len(ids), np.int64) + np.iinfo(np.int64).min, np.iinfo(np.int64).max
    begins, phases = np.full(len(ids), most), ends.copy()
    for panel, number in zip((kept, new), numbers, strict=True):
        ends[number] = np.maximum(ends[number], panel.firsts + panel.lengths)
        begins[number] = np.minimum(begins[number], panel.firsts)
        phases[number] = panel.phases
    begins[numbers[0]] = np.maximum(begins[numbers[0]], kept.firsts + kept.lengths - steps)
    _forbid_leaps(kept, new)
    offsets = _offsets(ends - begins)
    values = np.full((offsets[-1], kept.targets), np.nan)
    old, fresh = (
        _places(panel.offsets, panel.firsts, number, offsets, begins)
        for panel, number in zip((kept, new), numbers, strict=True)
    )
    values[old[old >= 0]] = kept.values[old >= 0]
    before = values.copy()
    counts = _counts(new, numbers[1], fresh, values, offsets)
    inside = fresh >= 0
    values[fresh[inside]] = np.where(np.isnan(before[fresh[inside]]), new.values[inside], before[fresh[inside]])
    whole = replace(new, values=values, offsets=offsets, ids=ids, firsts=begins, phases=phases)
    beside = _beside((kept, new), numbers, whole, ~_empty(before))
    return Merged(tail(replace(whole, covariates=beside), steps), *counts)


def _forbid_leaps(kept: Panel, new: Panel) -> None:
    """Raise DataError where a series would go on so far ahead that its time is more likely wrong."""
    _, own, other = np.intersect1d(kept.ids, new.ids, return_indices=True)
    ahead = (new.firsts + new.lengths)[other] - (kept.firsts + kept.lengths)[own]
    far = np.flatnonzero(ahead > MOST_BETWEEN + new.lengths[other])
    if len(far):
        place = far[0]
        raise DataError(
            f"{called(new.ids[other[place]])} goes on {ahead[place]} steps of {new.frequency.name} after the rows kept "
            "before. Mend the time, or begin a new state"
        )


def _empty(values: np.ndarray) -> np.ndarray:
    """Which rows (N,) hold no value."""
    return np.isnan(values).all(axis=1)


def _offsets(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], lengths.cumsum()]).astype(np.int64)


def _places(
    offsets: np.ndarray, firsts: np.ndarray, number: np.ndarray, into: np.ndarray, begins: np.ndarray
) -> np.ndarray:
    """Where each row of series that begin at firsts (S,) comes to lie among others; -1 where it is before those begin.

    number: (S,) which of those each series is; into: their offsets, and begins their first steps.
    """
    lengths = np.diff(offsets)
    inside = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    place = inside + np.repeat(firsts - begins[number], lengths)
    return np.where(place >= 0, place + np.repeat(into[:-1][number], lengths), -1)


def _counts(
    new: Panel, number: np.ndarray, places: np.ndarray, values: np.ndarray, offsets: np.ndarray
) -> tuple[int, int, int, int, int]:
    """What becomes of the new rows, as Merged has it."""
    given = ~np.isnan(new.values)
    inside = places >= 0
    before, told = values[places[inside]], given[inside]
    fresh = (told & np.isnan(before)).any(axis=1)
    differs = (told & ~np.isnan(before) & (new.values[inside] != before)).any(axis=1)
    known = np.where(_empty(values), -1, np.arange(len(values)))
    newest = np.maximum.reduceat(known, offsets[:-1])[np.repeat(number, new.lengths)[inside]]
    behind = fresh & (places[inside] < newest)
    repeated = told.any(axis=1) & ~fresh
    late = given.any(axis=1) & ~inside
    return int(fresh.sum()), int(behind.sum()), int(repeated.sum()), int(differs.sum()), int(late.sum())


def _beside(panels: tuple[Panel, Panel], numbers: list[np.ndarray], whole: Panel, seen: np.ndarray) -> Covariates:
    """The columns beside the targets: of steps seen (N,) as they were kept, of those to come the newest there is."""
    beside = whole.covariates
    static = np.full((len(whole.ids), len(beside.fixed)), np.nan)
    ends = whole.lengths.copy()
    for panel, number in zip(panels[::-1], numbers[::-1], strict=True):
        given = panel.covariates.static
        static[number] = np.where(np.isnan(given), static[number], given)
        ends[number] = np.maximum(ends[number], panel.firsts + panel.covariates.lengths - whole.firsts[number])
    if not beside.along:
        return replace(beside, offsets=np.zeros(len(whole.ids) + 1, np.int64), static=static, weights=None)
    offsets = _offsets(ends)
    values = np.full((offsets[-1], len(beside.along)), np.nan)
    settled = np.zeros(len(values), bool)
    settled[np.repeat(offsets[:-1] - whole.offsets[:-1], whole.lengths) + np.arange(len(seen))] = seen
    for panel, number in zip(panels, numbers, strict=True):
        own = panel.covariates
        places = _places(own.offsets, panel.firsts, number, offsets, whole.firsts)
        inside = places >= 0
        given, before = own.values[inside], values[places[inside]]
        stays = np.isnan(given) | (settled[places[inside]][:, None] & ~np.isnan(before))
        values[places[inside]] = np.where(stays, before, given)
    return replace(beside, values=values, offsets=offsets, static=static, weights=None)


def _forbid_unlike(kept: Panel, new: Panel) -> None:
    """Raise DataError where the new rows cannot go on from those kept."""
    named = [_target_words(panel.summary.roles) for panel in (new, kept)]
    if named[0] != named[1]:
        raise DataError(f"it has {named[0]}; the rows kept before had {named[1]}. Name another --state, or --target")
    if new.frequency != kept.frequency:
        raise DataError(f"it steps by {new.frequency.name}; the rows kept before step by {kept.frequency.name}")
    if new.times.zone != kept.times.zone:
        zones = [panel.times.zone or "no zone" for panel in (new, kept)]
        raise DataError(f"its times are in {zones[0]}; those of the rows kept before are in {zones[1]}")
    both, own, other = np.intersect1d(kept.ids, new.ids, return_indices=True)
    moved = np.flatnonzero(kept.phases[own] != new.phases[other])
    if len(moved):
        raise DataError(f"{called(both[moved[0]])} is off the clock of its rows that were kept before")


def _target_words(roles: ColumnRoles) -> str:
    """What is forecast of each series, by name. (The columns of a wide table are series, which may come and go.)"""
    if roles.wide:
        return "a column a series"
    names = " and ".join(f'"{name}"' for name in roles.targets)
    return f"the target {names}{'' if roles.id else ' of one series'}"
