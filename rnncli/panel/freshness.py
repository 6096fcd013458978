"""How old the newest rows of each series are.

Moments are whole numbers here: microseconds since 1970 in UTC, or what a clock of plain numbers counts. Times without a
zone are taken to be the machine's own.
"""

import re
import time
from datetime import tzinfo

import numpy as np
import pandas as pd
from dateutil import tz as dateutil_tz

from rnncli.errors import DataError, RequestError
from rnncli.panel.panel import Cutoffs, Panel

SECOND = 1_000_000


def newest_times(panel: Panel) -> tuple[pd.Index, np.ndarray]:
    """The time of the last step of each series with a value, as the table has it, and as a moment: (S,) each.

    Of a series without a value the step before its first. A step that is not over is no step yet, and has rows that
    are newer than the one before.
    """
    rows = np.empty(len(panel.ids), np.int64)
    for chunk in panel.chunks():
        known = np.where(np.isnan(panel.values[chunk.rows]).all(axis=1), -1, np.arange(chunk.lengths.sum()))
        rows[chunk.series] = (np.maximum.reduceat(known, chunk.begins) - chunk.begins).clip(min=-1)
    begun = set(panel.summary.begun)
    rows += np.array([str(name) in begun for name in panel.ids]) if begun else 0
    shown = panel.times_at(np.arange(len(panel.ids)), rows)
    return shown, _moments(shown)


def rows_known_by(panel: Panel, now: int) -> np.ndarray:
    """How many rows (S,) of each series lie at or before this moment; of one without a value all, told in advance."""
    series = np.repeat(np.arange(len(panel.ids)), panel.lengths)
    stamps = panel.times_at(series, np.arange(len(series)) - panel.offsets[series])
    known = np.bincount(series[_moments(stamps) <= now], minlength=len(panel.ids))
    return np.where(panel.without_history, panel.lengths, known)


def parse_moment(text: str, panel: Panel) -> int:
    """The moment that a text says, on this panel's clock. Raises RequestError where it says none."""
    if panel.times.integer:
        if not re.fullmatch(r"\s*-?\d+\s*", text):
            raise RequestError(f'"{text}" is not a whole number, as the times of the table are')
        return int(text)
    try:
        said = pd.DatetimeIndex([pd.Timestamp(text)])
    except (ValueError, OverflowError, TypeError):
        said = pd.DatetimeIndex([pd.NaT])
    if said.hasnans:
        raise RequestError(f'"{text}" is not a time such as 2026-11-20 18:00')
    return int(_moments(said, panel.times.zone)[0])


def are_later(panel: Panel, places: Cutoffs, seen: str) -> np.ndarray:
    """Whether all that follows cutoffs (N,) came after the time that a text says: (N,)."""
    return _moments(panel.times_at(places.series, places.rows)) > parse_moment(seen, panel)


def moment_ago(seconds: float, now: int | None, panel: Panel) -> int:
    """The moment so long before now, which is the machine's unless said. Raises DataError for plain numbers."""
    if panel.times.integer:
        raise DataError("its clock counts plain numbers, which have no age: --expect-last says how far it has to reach")
    return int((time.time() * SECOND if now is None else now) - seconds * SECOND)


def _moments(times: pd.Index, zone: str | None = None) -> np.ndarray:
    """Of an hour that comes twice the first, of one that is skipped the next there is."""
    if not isinstance(times, pd.DatetimeIndex):
        return times.to_numpy(dtype=np.int64)
    if times.tz is None:
        first = np.ones(len(times), bool)
        times = times.tz_localize(zone or _here(), ambiguous=first, nonexistent="shift_forward")
    return times.tz_convert("UTC").as_unit("us").asi8


def _here() -> tzinfo:
    """The machine's time zone."""
    own = dateutil_tz.tzlocal()
    assert isinstance(own, tzinfo)
    return own
