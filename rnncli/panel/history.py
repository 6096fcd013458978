"""The newest rows of each series, and appending new rows to them."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from rnncli.errors import DataError
from rnncli.panel.concat import concatenate
from rnncli.panel.covariates import Covariates
from rnncli.panel.memmap import Store
from rnncli.panel.panel import ColumnRoles, Panel, series_name

MOST_BETWEEN = 100_000  # steps between stored and new rows above which a time is considered wrong


class Appended(NamedTuple):
    """A panel with new rows, and what became of them."""

    panel: Panel
    rows: int  # with a new value
    behind: int  # of these, older than the newest row of their series
    repeated: int  # left out because the stored rows have their values
    differing: int  # of these, with another value than the stored row
    late: int  # left out because they are older than all stored rows


def last_steps(panel: Panel, steps: int) -> Panel:
    """Return the last `steps` steps of each series and its known future, without row weights."""
    covariates = replace(panel.covariates, weights=None)
    first = np.maximum(panel.lengths - steps, 0)
    return replace(panel, covariates=covariates).slice_rows(first, panel.lengths, covariates.lengths)


def with_ids_of_one_type(stored: Panel, new: Panel) -> tuple[Panel, Panel]:
    """Return both panels with the type of ids that a table with all their rows would have.

    These are integers if all texts are integers in canonical form, else texts.
    """
    if (stored.ids.dtype == object) == (new.ids.dtype == object):
        return stored, new
    numbers = _integers(stored.ids), _integers(new.ids)
    if numbers[0] is None or numbers[1] is None:
        return _with_ids(stored, _texts(stored.ids)), _with_ids(new, _texts(new.ids))
    return _with_ids(stored, numbers[0]), _with_ids(new, numbers[1])


def _integers(ids: np.ndarray) -> np.ndarray | None:
    if ids.dtype != object:
        return ids
    try:
        numbers = ids.astype(np.int64)
    except (ValueError, OverflowError):
        return None
    return numbers if (_texts(numbers) == ids).all() else None


def _texts(ids: np.ndarray) -> np.ndarray:
    return np.array([str(name) for name in ids], dtype=object)


def _with_ids(panel: Panel, ids: np.ndarray) -> Panel:
    """Return the panel with other ids, sorted by them."""
    return panel if ids.dtype == panel.ids.dtype else concatenate([replace(panel, ids=ids)], Store())


def append_rows(stored: Panel, new: Panel, steps: int) -> Appended:
    """Return the last `steps` steps of the series of two panels; if both have a value, the stored one.

    Raises DataError if the panels differ in target, frequency or time zone.
    """
    stored, new = with_ids_of_one_type(stored, new)
    _forbid_unlike(stored, new)
    ids = np.unique(np.concatenate([stored.ids, new.ids]))
    indices = [np.searchsorted(ids, panel.ids) for panel in (stored, new)]
    ends, most = np.zeros(len(ids), np.int64) + np.iinfo(np.int64).min, np.iinfo(np.int64).max
    begins, phases = np.full(len(ids), most), ends.copy()
    for panel, index in zip((stored, new), indices, strict=True):
        ends[index] = np.maximum(ends[index], panel.firsts + panel.lengths)
        begins[index] = np.minimum(begins[index], panel.firsts)
        phases[index] = panel.phases
    begins[indices[0]] = np.maximum(begins[indices[0]], stored.firsts + stored.lengths - steps)
    _forbid_leaps(stored, new)
    offsets = _offsets(ends - begins)
    values = np.full((offsets[-1], stored.targets), np.nan)
    stored_rows, new_rows = (
        _destinations(panel.offsets, panel.firsts, index, offsets, begins)
        for panel, index in zip((stored, new), indices, strict=True)
    )
    values[stored_rows[stored_rows >= 0]] = stored.values[stored_rows >= 0]
    before = values.copy()
    counts = _counts(new, indices[1], new_rows, values, offsets)
    inside = new_rows >= 0
    old = before[new_rows[inside]]
    values[new_rows[inside]] = np.where(np.isnan(old), new.values[inside], old)
    result = replace(new, values=values, offsets=offsets, ids=ids, firsts=begins, phases=phases)
    covariates = _covariates((stored, new), indices, result, ~_empty(before))
    return Appended(last_steps(replace(result, covariates=covariates), steps), *counts)


def _forbid_leaps(stored: Panel, new: Panel) -> None:
    """Raise DataError if a series continues so much later that its time is probably wrong."""
    _, old, other = np.intersect1d(stored.ids, new.ids, return_indices=True)
    ahead = (new.firsts + new.lengths)[other] - (stored.firsts + stored.lengths)[old]
    far = np.flatnonzero(ahead > MOST_BETWEEN + new.lengths[other])
    if len(far):
        index = far[0]
        raise DataError(
            f"{new.series_name(other[index])} continues {ahead[index]} steps of {new.frequency.name} after its stored "
            "rows. Fix the time, or start a new --state file"
        )


def _empty(values: np.ndarray) -> np.ndarray:
    """Return (N,) bool: rows without any value."""
    return np.isnan(values).all(axis=1)


def _offsets(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], lengths.cumsum()]).astype(np.int64)


def _destinations(
    offsets: np.ndarray, firsts: np.ndarray, series: np.ndarray, into: np.ndarray, begins: np.ndarray
) -> np.ndarray:
    """Return the index of each row in a larger panel; -1 if it is before the first step of its series there.

    The rows are of series that begin at steps firsts (S,) and have the indices `series` (S,) in the larger panel, whose
    offsets are `into` and first steps `begins`.
    """
    lengths = np.diff(offsets)
    rows = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    steps = rows + np.repeat(firsts - begins[series], lengths)
    return np.where(steps >= 0, steps + np.repeat(into[:-1][series], lengths), -1)


def _counts(
    new: Panel, series: np.ndarray, destinations: np.ndarray, values: np.ndarray, offsets: np.ndarray
) -> tuple[int, int, int, int, int]:
    """Return the counts of `Appended`; values and offsets: of the stored rows in the larger panel."""
    given = ~np.isnan(new.values)
    inside = destinations >= 0
    before, present = values[destinations[inside]], given[inside]
    fresh = (present & np.isnan(before)).any(axis=1)
    differs = (present & ~np.isnan(before) & (new.values[inside] != before)).any(axis=1)
    stored = np.where(_empty(values), -1, np.arange(len(values)))
    newest = np.maximum.reduceat(stored, offsets[:-1])[np.repeat(series, new.lengths)[inside]]
    behind = fresh & (destinations[inside] < newest)
    repeated = present.any(axis=1) & ~fresh
    late = given.any(axis=1) & ~inside
    return (int(fresh.sum()), int(behind.sum()), int(repeated.sum()), int(differs.sum()), int(late.sum()))


def _covariates(
    panels: tuple[Panel, Panel], indices: list[np.ndarray], result: Panel, stored: np.ndarray
) -> Covariates:
    """Return the covariates of both panels: of stored steps (N,) the stored values, of later steps the newest."""
    covariates = result.covariates
    static = np.full((len(result.ids), len(covariates.static_columns)), np.nan)
    ends = result.lengths.copy()
    for panel, index in zip(panels[::-1], indices[::-1], strict=True):
        given = panel.covariates.static
        static[index] = np.where(np.isnan(given), static[index], given)
        ends[index] = np.maximum(ends[index], panel.firsts + panel.covariates.lengths - result.firsts[index])
    if not covariates.varying:
        return replace(covariates, offsets=np.zeros(len(result.ids) + 1, np.int64), static=static, weights=None)
    offsets = _offsets(ends)
    values = np.full((offsets[-1], len(covariates.varying)), np.nan)
    settled = np.zeros(len(values), bool)
    settled[np.repeat(offsets[:-1] - result.offsets[:-1], result.lengths) + np.arange(len(stored))] = stored
    for panel, index in zip(panels, indices, strict=True):
        part = panel.covariates
        rows = _destinations(part.offsets, panel.firsts, index, offsets, result.firsts)
        inside = rows >= 0
        given, before = part.values[inside], values[rows[inside]]
        stays = np.isnan(given) | (settled[rows[inside]][:, None] & ~np.isnan(before))
        values[rows[inside]] = np.where(stays, before, given)
    return replace(covariates, values=values, offsets=offsets, static=static, weights=None)


def _forbid_unlike(stored: Panel, new: Panel) -> None:
    """Raise DataError if the new rows cannot continue the stored rows."""
    targets = [_target_words(panel.summary.roles) for panel in (new, stored)]
    if targets[0] != targets[1]:
        raise DataError(f"it has {targets[0]}, but the stored rows have {targets[1]}. Set --target or another --state")
    if new.frequency != stored.frequency:
        raise DataError(
            f"its frequency is {new.frequency.name}, but that of the stored rows is {stored.frequency.name}. "
            "Set --freq or another --state"
        )
    if new.times.zone != stored.times.zone:
        zones = [panel.times.zone or "no zone" for panel in (new, stored)]
        raise DataError(
            f"its times are in {zones[0]}, but those of the stored rows are in {zones[1]}. "
            "Set --timezone or another --state"
        )
    both, old, other = np.intersect1d(stored.ids, new.ids, return_indices=True)
    moved = np.flatnonzero(stored.phases[old] != new.phases[other])
    if len(moved):
        raise DataError(
            f"the times of {series_name(both[moved[0]])} are not aligned with its stored rows. "
            "Fix the times, or set another --state"
        )


def _target_words(roles: ColumnRoles) -> str:
    """Return the targets by name; the columns of a wide table are series, which may appear and disappear."""
    if roles.wide:
        return "one column per series"
    names = " and ".join(f'"{name}"' for name in roles.targets)
    return f"the target {names}{'' if roles.id else ' of a single series'}"
