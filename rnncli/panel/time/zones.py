"""Convert instants between UTC and the local (wall) time of a time zone.

Instants and local times are int64 microseconds since 1970.
"""

from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import pandas as pd

from rnncli.errors import RequestError
from rnncli.messages import did_you_mean
from rnncli.panel.time.frequency import DAY
from rnncli.tables.assumptions import Assume


class Localised(NamedTuple):
    """Local times as instants."""

    instants: np.ndarray  # (R,) in UTC
    skipped: np.ndarray  # (R,) bool: local times that do not exist because clocks are set forward


def check(zone: str) -> None:
    """Raise RequestError unless `zone` is an IANA time zone."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        hint = did_you_mean(zone, sorted(available_timezones()))
        raise RequestError(
            f'--timezone: unknown time zone "{zone}". Give an IANA name such as Europe/Berlin.{hint}'
        ) from error


def localise(local: np.ndarray, zone: str, series: np.ndarray, assume: Assume) -> Localised:
    """Return local times (R,) as instants.

    If a local time occurs twice because clocks are set back, the first row of a series (R,) with it is the earlier one.
    """
    naive = pd.DatetimeIndex(local.astype("datetime64[us]"))
    # Daily rows whose midnight is skipped are valid: the day begins later.
    daily = bool((naive == naive.normalize()).all())
    skips: Literal["shift_forward", "NaT"] = "shift_forward" if daily else "NaT"
    summer, winter = (
        naive.tz_localize(zone, ambiguous=np.full(len(naive), earlier), nonexistent=skips) for earlier in (True, False)
    )
    skipped = np.asarray(summer.isna())
    instants = _instants(summer)
    twice = np.flatnonzero(np.asarray(summer != winter) & ~skipped)
    if len(twice):
        assume(f"of times that occur twice when clocks in {zone} are set back, a series' first row is the earlier one")
        steps = np.diff(local)
        newest_first = bool((steps < 0).sum() > (steps > 0).sum())
        table = pd.DataFrame({"series": series[twice], "time": local[twice]})
        order = table.groupby(["series", "time"]).cumcount(ascending=not newest_first).to_numpy()
        later = twice[order > 0]
        instants[later] = _instants(winter[later])
    return Localised(instants, skipped)


def to_wall(instants: np.ndarray, zone: str) -> np.ndarray:
    """Return instants as local times."""
    aware = pd.DatetimeIndex(instants.astype("datetime64[us]")).tz_localize("UTC").tz_convert(zone)
    return microseconds(aware.tz_localize(None))


def to_wall_days(instants: np.ndarray, zone: str) -> np.ndarray:
    """Return instants as local times; a day whose midnight is skipped still begins at midnight if most days do."""
    wall = to_wall(instants, zone)
    since_midnight = wall % DAY
    late = np.flatnonzero(since_midnight > 0)
    if not 0 < len(late) < len(wall) / 2:
        return wall
    midnights = pd.DatetimeIndex((wall - since_midnight)[late].astype("datetime64[us]"))
    skipped = np.asarray(midnights.tz_localize(zone, ambiguous=np.ones(len(late), bool), nonexistent="NaT").isna())
    wall[late[skipped]] -= since_midnight[late[skipped]]
    return wall


def from_wall(wall: np.ndarray, zone: str) -> np.ndarray:
    """Return local times as instants: the earlier one if a local time occurs twice."""
    return _instants(wall_index(wall, zone))


def wall_index(wall: np.ndarray, zone: str) -> pd.DatetimeIndex:
    """Return local times as an index in that zone; a skipped time becomes the next that exists."""
    naive = pd.DatetimeIndex(wall.astype("datetime64[us]"))
    return naive.tz_localize(zone, ambiguous=np.ones(len(wall), bool), nonexistent="shift_forward")


def microseconds(times: pd.Series | pd.DatetimeIndex) -> np.ndarray:
    """Return timestamps without a zone as microseconds since 1970."""
    return np.asarray(times, dtype="datetime64[us]").astype(np.int64)


def _instants(aware: pd.DatetimeIndex) -> np.ndarray:
    return microseconds(aware.tz_convert("UTC").tz_localize(None))
