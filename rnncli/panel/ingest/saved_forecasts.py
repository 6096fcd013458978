"""Forecasts made earlier, as tables, laid beside the panel of what happened since.

A column for each method and, where it has them, `METHOD-lo-80`, `METHOD-hi-80`, `METHOD-q0.1`: what rnncli and Nixtla's
tools write. The cutoff is a column of that name, or what lies before the first time of each series in a file.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.messages import did_you_mean
from rnncli.panel.export.forecast_table import WIDE_ID, WIDE_TARGET
from rnncli.panel.panel import Cutoffs, Panel, called
from rnncli.panel.time import timestamps, zones
from rnncli.tables.assumptions import accept_assumption

CUTOFF = "cutoff"
NUMBER = r"(\d+(?:\.\d+)?)"
PART = re.compile(rf"(.+)-(?:(lo|hi)-{NUMBER}|q(0?\.\d+)|sample-\d+)$")


class Archived(NamedTuple):
    """Forecasts of N windows, NaN where a method says nothing."""

    places: Cutoffs
    points: dict[str, np.ndarray]  # method to (N, H, 1)
    quantiles: dict[str, dict[float, np.ndarray]]  # method to level to (N, H, 1)
    waiting: int  # forecasts whose time has not come, or has no value
    unknown: int  # rows of series that the actual values do not have

    @property
    def levels(self) -> np.ndarray:
        """Every level that some method gives, rising."""
        return np.unique([level for of in self.quantiles.values() for level in of])


class _Rows(NamedTuple):
    """The rows of one file or of all, by what they are of."""

    series: np.ndarray  # (R,)
    cutoff: np.ndarray  # (R,) rows of the series before the cutoff
    ahead: np.ndarray  # (R,) steps after it, from 0
    columns: pd.DataFrame


def read(files: Iterable[tuple[str, pd.DataFrame]], panel: Panel, asked: Columns) -> Archived:
    """Every forecast of one target in these tables, each with the name that messages give it, or none.

    Raises DataError, naming file and row, where they do not fit the panel or say two things about one time.
    """
    if panel.targets > 1:
        raise DataError("forecasts are scored one target at a time. Say which with --target")
    known, unknown = [], 0
    for name, frame in files:
        try:
            rows, lost = _rows(frame.rename(columns=str), panel, asked)
        except DataError as error:
            raise DataError(f"{name}: {error}" if name else str(error)) from error
        known += [] if rows is None else [rows]
        unknown += lost
    if not known:
        raise DataError("no forecast is of a series that the actual values have. Check both files, and --id")
    every = _Rows(
        np.concatenate([one.series for one in known]),
        np.concatenate([one.cutoff for one in known]),
        np.concatenate([one.ahead for one in known]),
        pd.concat([one.columns for one in known], ignore_index=True),
    )
    return _windows(every, panel, unknown)


def _rows(frame: pd.DataFrame, panel: Panel, asked: Columns) -> tuple[_Rows | None, int]:
    """The rows of one table, if it has any of a series that is known, and how many are of others."""
    roles = panel.summary.roles
    identifier = roles.id or (WIDE_ID if roles.wide else None)
    for name in (roles.time, identifier):
        if name is not None and name not in frame:
            near = did_you_mean(name, [str(one) for one in frame])
            raise DataError(f'there is no column "{name}", as the actual values have it.{near}')
    every = np.zeros(len(frame), np.int64) if identifier is None else _series(frame[identifier], panel)
    # A cutoff stands in many rows; of two forecasts for one local time from one cutoff, the second is an hour later.
    made = every if CUTOFF not in frame else pd.factorize(pd.MultiIndex.from_arrays([every, frame[CUTOFF]]))[0]
    groups = {roles.time: made, CUTOFF: np.arange(len(frame))}
    times = {name: _instants(frame[name], panel, asked, of) for name, of in groups.items() if name in frame}
    places = np.flatnonzero(every >= 0)
    frame, series = frame.iloc[places], every[places]
    if not len(places):
        return None, len(every)
    steps = _steps(frame[roles.time], times[roles.time][places], panel, series, places)
    if CUTOFF in frame:
        cutoff = _steps(frame[CUTOFF], times[CUTOFF][places], panel, series, places) + 1
    else:
        cutoff = pd.Series(steps).groupby(series).min().reindex(series).to_numpy()
    broken = np.flatnonzero(steps < cutoff)
    if len(broken):
        raise DataError(f"row {places[broken[0]] + 1}: a forecast is of a time that is not after its cutoff")
    for wrong, what in ((cutoff > panel.lengths[series], "after the last"), (cutoff < 1, "before the first")):
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(
                f"row {places[row] + 1}: the forecast of {called(panel.ids[series[row]])} for "
                f"{frame[roles.time].iloc[row]} was made {what} actual value. Give actual values from then on"
            )
    known = (identifier, roles.time, CUTOFF, *((WIDE_TARGET,) if roles.wide else ()), *roles.targets)
    own = frame.drop(columns=[name for name in known if name in frame])
    return _Rows(series, cutoff, steps - cutoff, _numbers(own, roles.targets[0])), len(every) - len(places)


def _series(column: pd.Series, panel: Panel) -> np.ndarray:
    """The number of each row's series; -1 where it is not known."""
    texts = panel.ids.dtype == object
    return pd.Index(panel.ids).get_indexer(column.astype(str) if texts else pd.to_numeric(column, errors="coerce"))


def _instants(column: pd.Series, panel: Panel, asked: Columns, groups: np.ndarray) -> np.ndarray:
    """Times as the panel's clock takes them; a local time that comes twice in a group (rows,) is the later one then."""
    times = timestamps.parse(column, asked.dayfirst)
    if asked.timezone is not None:
        times, _ = timestamps.in_zone(times, asked.timezone, groups, accept_assumption)
    if (times.integer, times.zone is None) != (panel.times.integer, panel.times.zone is None):
        raise DataError(f'"{column.name}" is not of the kind that the actual values have: a zone on one side only?')
    if panel.times.zone is not None and panel.frequency.by_days:
        return zones.to_wall(times.values, panel.times.zone)
    return times.values


def _steps(column: pd.Series, instants: np.ndarray, panel: Panel, series: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The row of its series that each time is of."""
    steps, phases = panel.frequency.split(instants)
    off = np.flatnonzero(phases != panel.phases[series])
    if len(off):
        row = off[0]
        raise DataError(
            f'row {places[row] + 1}: "{column.name}" {column.iloc[row]} is off the clock of '
            f"{called(panel.ids[series[row]])}, which steps by {panel.frequency.name} in the actual values"
        )
    return steps - panel.firsts[series]


def _numbers(frame: pd.DataFrame, target: str) -> pd.DataFrame:
    """The columns that are forecasts; of several targets those of this one."""
    names = [str(name) for name in frame if pd.api.types.is_numeric_dtype(frame[name].dtype)]
    numeric = frame[names].astype(float)
    # The actual values of another target, as a backtest writes them, have forecasts of their own beside them.
    others = [name for name in names if any(other.startswith(f"{name}-") and not PART.match(other) for other in names)]
    of_target = [
        name
        for name in names
        if name.startswith(f"{target}-") and not any(name == one or name.startswith(f"{one}-") for one in others)
    ]
    if of_target:
        numeric = numeric[of_target].rename(columns=lambda name: name.removeprefix(f"{target}-"))
    if not any(PART.match(name) is None for name in map(str, numeric)):
        raise DataError(f"no column holds forecasts; there are {', '.join(map(str, frame.columns)) or 'none'}")
    return numeric


def _windows(rows: _Rows, panel: Panel, unknown: int) -> Archived:
    """The rows as windows of one horizon."""
    pairs, window = np.unique(np.stack([rows.series, rows.cutoff]), axis=1, return_inverse=True)
    window = window.reshape(-1)
    horizon = int(rows.ahead.max()) + 1
    order = np.lexsort((rows.ahead, window))
    twice = np.flatnonzero((np.diff(window[order]) == 0) & (np.diff(rows.ahead[order]) == 0))
    if len(twice):
        row = order[twice[0]]
        series, at = rows.series[row : row + 1], rows.cutoff[row : row + 1]
        made, of = panel.stamps(series, at - 1)[0], panel.stamps(series, at + rows.ahead[row])[0]
        raise DataError(f"{called(panel.ids[series[0]])} has {of} twice in forecasts made at {made}. Leave one out")
    points: dict[str, np.ndarray] = {}
    quantiles: dict[str, dict[float, np.ndarray]] = {}
    for name, column in rows.columns.items():
        values = np.full((pairs.shape[1], horizon, 1), np.nan)
        values[window, rows.ahead, 0] = column.to_numpy()
        part = PART.match(str(name))
        if part is None:
            points[str(name)] = values
        elif part[2] or part[4]:
            level = float(part[4]) if part[4] else 0.5 + (1 if part[2] == "hi" else -1) * float(part[3]) / 200
            if not 0 < level < 1:
                raise DataError(f'the column "{name}" is named like an interval that there is none of. Rename it')
            quantiles.setdefault(part[1], {})[round(level, 6)] = values
    at = panel.offsets[rows.series] + rows.cutoff + rows.ahead
    past_end = rows.cutoff + rows.ahead >= panel.lengths[rows.series]
    waiting = past_end | np.isnan(panel.values[at.clip(0, len(panel.values) - 1), 0])
    if waiting.all():
        raise DataError(f"none of the {len(waiting)} steps that were forecast has an actual value yet")
    return Archived(Cutoffs(pairs[0], pairs[1]), points, quantiles, int(waiting.sum()), unknown)
