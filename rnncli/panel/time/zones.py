"""Convert instants between UTC and the local (wall) time of a time zone.

Instants and local times are int64 microseconds since 1970.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np

from rnncli.errors import RequestError
from rnncli.messages import did_you_mean
from rnncli.panel.time.frequency import DAY, SECOND
from rnncli.tables.assumptions import Assume

FIXED = re.compile(r"(?:UTC)?([+-])(\d\d):(\d\d)")  # a zone that is an offset from UTC
RANGE = -(2**31), 2**32  # seconds: the years 1901 to 2106, outside which a zone keeps its offset


class Localised(NamedTuple):
    """Local times as instants."""

    instants: np.ndarray  # (R,) in UTC
    skipped: np.ndarray  # (R,) bool: local times that do not exist because clocks are set forward


class _Offsets(NamedTuple):
    """The offsets of local time from UTC, which change at C instants."""

    changes: np.ndarray  # (C,) in UTC
    offsets: np.ndarray  # (C + 1,) microseconds: before, between and after the changes


def check(zone: str) -> None:
    """Raise RequestError unless `zone` is an IANA time zone."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        hint = did_you_mean(zone, sorted(available_timezones()))
        raise RequestError(
            f'--timezone: unknown time zone "{zone}". Give an IANA name such as Europe/Berlin.{hint}'
        ) from error


def find(zone: str) -> tzinfo:
    """Return a zone by its IANA name or its offset from UTC, such as +01:00. Raises ZoneInfoNotFoundError."""
    found = FIXED.fullmatch(zone)
    if found is not None:
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(offset if found[1] == "+" else -offset)
    return UTC if zone == "UTC" else ZoneInfo(zone)


def localise(local: np.ndarray, zone: str, series: np.ndarray, assume: Assume) -> Localised:
    """Return local times (R,) as instants.

    If a local time occurs twice because clocks are set back, the first row of a series (R,) with it is the earlier one.
    """
    offsets = _offsets(find(zone), local)
    instants, late = _from_wall(local, offsets), _skipped(local, offsets)
    # Daily rows whose midnight is skipped are valid: the day begins later.
    skipped = np.zeros(len(local), bool) if (local % DAY == 0).all() else late
    later = _from_wall(local, offsets, later=True)
    twice = np.flatnonzero((instants != later) & ~late)
    if len(twice):
        assume(f"of times that occur twice when clocks in {zone} are set back, a series' first row is the earlier one")
        steps = np.diff(local)
        newest_first = bool((steps < 0).sum() > (steps > 0).sum())
        position = -twice if newest_first else twice
        order = np.lexsort((position, local[twice], series[twice]))
        repeated = (np.diff(local[twice][order]) == 0) & (np.diff(series[twice][order]) == 0)
        second = twice[order[1:][repeated]]
        instants[second] = later[second]
    return Localised(instants, skipped)


def to_wall(instants: np.ndarray, zone: str | tzinfo) -> np.ndarray:
    """Return instants as local times."""
    changes, offsets = _offsets(find(zone) if isinstance(zone, str) else zone, instants)
    return instants + offsets[np.searchsorted(changes, instants, side="right")]


def to_wall_days(instants: np.ndarray, zone: str) -> np.ndarray:
    """Return instants as local times; a day whose midnight is skipped still begins at midnight if most days do."""
    wall = to_wall(instants, zone)
    since_midnight = wall % DAY
    late = np.flatnonzero(since_midnight > 0)
    if not 0 < len(late) < len(wall) / 2:
        return wall
    midnights = (wall - since_midnight)[late]
    skipped = _skipped(midnights, _offsets(find(zone), midnights))
    wall[late[skipped]] -= since_midnight[late[skipped]]
    return wall


def from_wall(wall: np.ndarray, zone: str | tzinfo) -> np.ndarray:
    """Return local times as instants: the earlier one if a local time occurs twice, the next one if it is skipped."""
    return _from_wall(wall, _offsets(find(zone) if isinstance(zone, str) else zone, wall))


def _offsets(zone: tzinfo, times: np.ndarray) -> _Offsets:
    """Return the offsets of a zone around times (R,), in UTC or local.

    Python's zones answer for single instants only: each day is looked at, and the second of a change found by halving
    the day. No zone has changed its offset twice within a day.
    """
    if not len(times):
        return _Offsets(np.empty(0, np.int64), np.zeros(1, np.int64))
    first, last = (int(np.clip(time // SECOND, *RANGE)) for time in (times.min(), times.max()))
    days = range(first - 2 * 86_400, last + 3 * 86_400, 86_400)
    daily = np.array([_offset(zone, second) for second in days])
    changes = []
    for index in np.flatnonzero(np.diff(daily)):
        low, high = days[index], days[index + 1]
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(zone, middle) == daily[index] else (low, middle)
        changes.append(high)
    offsets = [daily[0], *daily[1:][np.diff(daily) != 0]]
    return _Offsets(np.array(changes, np.int64) * SECOND, np.array(offsets, np.int64) * SECOND)


def _offset(zone: tzinfo, second: int) -> int:
    """Return the offset of local time from UTC at an instant, in seconds."""
    offset = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())


def _from_wall(wall: np.ndarray, offsets: _Offsets, later: bool = False) -> np.ndarray:
    """Return local times as instants; later: the later one if a local time occurs twice."""
    before, after = offsets.offsets[:-1], offsets.offsets[1:]
    bounds = offsets.changes + (np.minimum if later else np.maximum)(before, after)
    instants = wall - offsets.offsets[np.searchsorted(bounds, wall, side="right")]
    skipped = _skipped(wall, offsets)
    if skipped.any():
        ends = offsets.changes + after
        instants[skipped] = offsets.changes[np.searchsorted(ends, wall[skipped], side="right")]
    return instants


def _skipped(wall: np.ndarray, offsets: _Offsets) -> np.ndarray:
    """Return whether local times do not exist because clocks are set forward."""
    before, after = offsets.offsets[:-1], offsets.offsets[1:]
    forward = after > before
    starts, ends = (offsets.changes + before)[forward], (offsets.changes + after)[forward]
    return np.searchsorted(starts, wall, side="right") > np.searchsorted(ends, wall, side="right")
