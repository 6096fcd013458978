"""The age of the newest rows of each series.

Moments are integers: microseconds since 1970 in UTC, or the integers of an integer time column. Times without a zone
are in the local zone of the machine.
"""

import re
import time
from typing import NamedTuple

import numpy as np

from rnncli.errors import DataError, RequestError
from rnncli.panel.panel import Cutoffs, Panel
from rnncli.panel.time import iso, zones
from rnncli.panel.time.iso import INVALID
from rnncli.panel.time.times import Times
from rnncli.tables import arrays

SECOND = 1_000_000


class NewestTimes(NamedTuple):
    """The newest time of each series."""

    times: Times  # of S series
    moments: np.ndarray  # (S,)


def newest_times(panel: Panel) -> NewestTimes:
    """Return the time of the last step of each series that has a value; the step before the first if there is none.

    A series with rows in an incomplete last step has that step as its newest.
    """
    rows = np.empty(len(panel.ids), np.int64)
    for chunk in panel.chunks():
        present = np.where(np.isnan(panel.values[chunk.rows]).all(axis=1), -1, np.arange(chunk.lengths.sum()))
        rows[chunk.series] = (np.maximum.reduceat(present, chunk.begins) - chunk.begins).clip(min=-1)
    begun = set(panel.summary.begun)
    rows += np.array([str(name) in begun for name in panel.ids]) if begun else 0
    times = panel.times_at(np.arange(len(panel.ids)), rows)
    return NewestTimes(times, _moments(times))


def rows_known_by(panel: Panel, now: int) -> np.ndarray:
    """Return how many rows (S,) of each series lie at or before this moment; all rows of series without history."""
    series = np.repeat(np.arange(len(panel.ids)), panel.lengths)
    times = panel.times_at(series, np.arange(len(series)) - panel.offsets[series])
    known = np.bincount(series[_moments(times) <= now], minlength=len(panel.ids))
    return np.where(panel.without_history, panel.lengths, known)


def parse_moment(text: str, panel: Panel) -> int:
    """Return the moment of a time in the panel's zone. Raises RequestError if the text is not a time."""
    if panel.times.integer:
        if not re.fullmatch(r"\s*-?\d+\s*", text):
            raise RequestError(f'"{text}" is not an integer. Give an integer, as in the time column')
        return int(text)
    parsed = iso.parse(arrays.texts_to_arrow([text.strip()]))
    moment, in_utc = (parsed.instants, parsed.has_offset.any()) if parsed.instants[0] != INVALID else _other(text)
    return int((moment if in_utc else _from_local(moment, panel.times.zone))[0])


def _other(text: str) -> tuple[np.ndarray, bool]:
    """Return a time that is not written in ISO 8601, and whether it is in UTC. Raises RequestError if it is no time."""
    import pandas as pd

    try:
        times = pd.DatetimeIndex([pd.Timestamp(text)])
    except (ValueError, OverflowError, TypeError):
        times = pd.DatetimeIndex([pd.NaT])
    if times.hasnans:
        raise RequestError(f'"{text}" is not a time. Give one such as 2026-11-20 18:00')
    naive = times if times.tz is None else times.tz_convert("UTC").tz_localize(None)
    return np.asarray(naive, "datetime64[us]").astype(np.int64), times.tz is not None


def are_later(panel: Panel, cutoffs: Cutoffs, time: str) -> np.ndarray:
    """Return (N,) bool: cutoffs whose first forecast step is later than a time."""
    return _moments(panel.times_at(cutoffs.series, cutoffs.rows)) > parse_moment(time, panel)


def moment_ago(seconds: float, now: int | None, panel: Panel) -> int:
    """Return the moment `seconds` before now (the machine's if None). Raises DataError for integer times."""
    if panel.times.integer:
        raise DataError("integer times have no age. Use --expect-last instead")
    return int((time.time() * SECOND if now is None else now) - seconds * SECOND)


def _moments(times: Times) -> np.ndarray:
    """Return moments: the earlier one of a time that occurs twice, the next valid one of a skipped time."""
    return times.values if times.integer or times.zone is not None else _from_local(times.values, None)


def _from_local(local: np.ndarray, zone: str | None) -> np.ndarray:
    """Return local times as moments; without a zone those of the machine."""
    if zone is not None:
        return zones.from_wall(local, zone)
    from dateutil import tz

    return zones.from_wall(local, tz.tzlocal())
