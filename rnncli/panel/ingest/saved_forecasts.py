"""Read saved forecasts and align them with the actual values of a panel.

The tables have a column for each method and optionally its intervals and quantiles, named as in `export/names.py`. The
cutoff is a column of that name, or the step before the first forecast of each series in a file.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from rnncli.config.sections import Columns
from rnncli.errors import DataError
from rnncli.messages import did_you_mean
from rnncli.panel.export import names
from rnncli.panel.export.names import CUTOFF
from rnncli.panel.ingest.rows import series_names
from rnncli.panel.ingest.values import parse_distinct
from rnncli.panel.panel import Cutoffs, Panel, series_name
from rnncli.panel.table import Column, Table
from rnncli.panel.time import formats, timestamps, zones
from rnncli.tables.assumptions import accept_assumption


class SavedForecasts(NamedTuple):
    """Forecasts of N windows, NaN where a method has none."""

    cutoffs: Cutoffs
    points: dict[str, np.ndarray]  # method to (N, H, 1)
    quantiles: dict[str, dict[float, np.ndarray]]  # method to level to (N, H, 1)
    waiting: int  # forecasts without an actual value yet
    unknown: int  # rows of series without actual values

    @property
    def levels(self) -> np.ndarray:
        """The levels of all methods, rising."""
        return np.unique([level for quantiles in self.quantiles.values() for level in quantiles])


class _Rows(NamedTuple):
    """The rows of one or more files."""

    series: np.ndarray  # (R,)
    cutoff: np.ndarray  # (R,) rows of the series before the cutoff
    ahead: np.ndarray  # (R,) steps after the cutoff, from 0
    columns: dict[str, np.ndarray]  # the forecasts


def read(files: Iterable[tuple[str, Table]], panel: Panel, columns: Columns) -> SavedForecasts:
    """Return the forecasts of one target in these tables, each with its name for messages (may be empty).

    Raises DataError, naming file and row, if they do not fit the panel or contain a forecast twice.
    """
    if panel.targets > 1:
        raise DataError("forecasts are scored for one target at a time. Set it with --target")
    parts, unknown = [], 0
    for name, table in files:
        try:
            rows, dropped = _rows(table, panel, columns)
        except DataError as error:
            raise DataError(f"{name}: {error}" if name else str(error)) from error
        parts += [] if rows is None else [rows]
        unknown += dropped
    if not parts:
        raise DataError("no forecast is of a series with actual values. Check both files and --id")
    rows = _Rows(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.cutoff for part in parts]),
        np.concatenate([part.ahead for part in parts]),
        _concatenated(parts),
    )
    return _windows(rows, panel, unknown)


def _concatenated(parts: list[_Rows]) -> dict[str, np.ndarray]:
    """Return the forecasts of all parts, NaN where a part has no such column."""
    names = dict.fromkeys(name for part in parts for name in part.columns)
    missing = [np.full(len(part.series), np.nan) for part in parts]
    return {
        name: np.concatenate([part.columns.get(name, empty) for part, empty in zip(parts, missing, strict=True)])
        for name in names
    }


def _rows(table: Table, panel: Panel, columns: Columns) -> tuple[_Rows | None, int]:
    """Return the rows of one table that are of known series, if any, and the number of other rows."""
    roles = panel.summary.roles
    identifier = roles.id or (names.WIDE_ID if roles.wide else None)
    for name in (roles.time, identifier):
        if name is not None and name not in table:
            hint = did_you_mean(name, table.names)
            raise DataError(f'there is no column "{name}" as in the actual values.{hint}')
    series = np.zeros(len(table), np.int64) if identifier is None else _series(table[identifier], panel)
    # A cutoff occurs in many rows. Of two forecasts of one local time from one cutoff, the second is an hour later.
    origin = series
    if CUTOFF in table:
        cutoffs = table[CUTOFF].coded
        origin = series * (len(cutoffs.distinct) + 1) + cutoffs.codes
    groups = {roles.time: origin, CUTOFF: np.arange(len(table))}
    times = {name: _instants(table[name], panel, columns, of) for name, of in groups.items() if name in table}
    numbers = np.flatnonzero(series >= 0)
    unknown = len(series) - len(numbers)
    series = series[numbers]
    if not len(numbers):
        return None, unknown
    steps = _steps(table[roles.time], times[roles.time], panel, series, numbers)
    if CUTOFF in table:
        cutoff = _steps(table[CUTOFF], times[CUTOFF], panel, series, numbers) + 1
    else:
        first = np.full(len(panel.ids), np.iinfo(np.int64).max)
        np.minimum.at(first, series, steps)
        cutoff = first[series]
    broken = np.flatnonzero(steps < cutoff)
    if len(broken):
        raise DataError(f"row {numbers[broken[0]] + 1}: the forecast time is not after its cutoff. Fix the row")
    for wrong, where in ((cutoff > panel.lengths[series], "after the last"), (cutoff < 1, "before the first")):
        if wrong.any():
            index = int(wrong.argmax())
            raise DataError(
                f"row {numbers[index] + 1}: the cutoff of the forecast of {series_name(panel.ids[series[index]])} for "
                f"{table[roles.time].cell(int(numbers[index]))} is {where} actual value. "
                "Provide actual values from the cutoff on"
            )
    used = (identifier, roles.time, CUTOFF, *((names.WIDE_TARGET,) if roles.wide else ()), *roles.targets)
    forecasts = _forecast_columns(table.without(used), roles.targets[0])
    return _Rows(series, cutoff, steps - cutoff, {name: of[numbers] for name, of in forecasts.items()}), unknown


def _series(column: Column, panel: Panel) -> np.ndarray:
    """Return the series of each row; -1 if it has no actual values."""
    texts = panel.ids.dtype == object
    keys = list(map(str, series_names(column))) if texts else parse_distinct(column).tolist()
    known = {name: index for index, name in enumerate(panel.ids.tolist())}
    return np.array([*(known.get(key, -1) for key in keys), -1], np.int64)[column.coded.codes]


def _instants(column: Column, panel: Panel, columns: Columns, groups: np.ndarray) -> np.ndarray:
    """Return times as the panel's instants; a local time that occurs twice in a group (R,) is the later one then."""
    times = timestamps.parse(column, columns.dayfirst)
    if columns.timezone is not None:
        times = timestamps.in_zone(times, columns.timezone, groups, accept_assumption).times
    if (times.integer, times.zone is None) != (panel.times.integer, panel.times.zone is None):
        raise DataError(
            f'"{column.name}" and the times of the actual values are of different kinds. '
            "Write both as integers, or both with or without a time zone"
        )
    if panel.times.zone is not None and panel.frequency.by_days:
        return zones.to_wall(times.values, panel.times.zone)
    return times.values


def _steps(column: Column, instants: np.ndarray, panel: Panel, series: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the row of its series that each time is of; numbers: (R,) of the rows in the file."""
    steps, phases = panel.frequency.split(instants[numbers])
    misaligned = np.flatnonzero(phases != panel.phases[series])
    if len(misaligned):
        index = misaligned[0]
        number = int(numbers[index])
        raise DataError(
            f'row {number + 1}: "{column.name}" {column.cell(number)} does not match the frequency '
            f"{panel.frequency.name} of {series_name(panel.ids[series[index]])} in the actual values. Fix the row"
        )
    return steps - panel.firsts[series]


def _forecast_columns(table: Table, target: str) -> dict[str, np.ndarray]:
    """Return the columns with forecasts; if there are several targets, those of this one."""
    columns = [name for name in table.names if table[name].kind == "number"]
    # A backtest also has the actual values of other targets, next to their forecasts.
    others = [name for name in columns if any(_is_point(other, name) for other in columns)]
    of_target = [
        name
        for name in columns
        if name.startswith(f"{target}-") and not any(name == other or name.startswith(f"{other}-") for other in others)
    ]
    chosen = {name.removeprefix(f"{target}-"): name for name in of_target} or {name: name for name in columns}
    if not any(names.parse(name).point for name in chosen):
        raise DataError(
            f"no column holds forecasts (found {', '.join(table.names) or 'none'}). "
            "Provide a numeric column for each method"
        )
    return {name: table[column].numbers.astype(np.float64) for name, column in chosen.items()}


def _is_point(column: str, target: str) -> bool:
    """Return whether a column holds point forecasts of a target, by its name."""
    return column.startswith(f"{target}-") and names.parse(column).point


def _windows(rows: _Rows, panel: Panel, unknown: int) -> SavedForecasts:
    """Return the rows as windows of one horizon."""
    pairs, window = np.unique(np.stack([rows.series, rows.cutoff]), axis=1, return_inverse=True)
    window = window.reshape(-1)
    _forbid_duplicates(rows, window, panel)
    horizon = int(rows.ahead.max()) + 1
    points: dict[str, np.ndarray] = {}
    quantiles: dict[str, dict[float, np.ndarray]] = {}
    for name, column in rows.columns.items():
        values = np.full((pairs.shape[1], horizon, 1), np.nan)
        values[window, rows.ahead, 0] = column
        method, level, point = names.parse(name)
        if point:
            points[method] = values
        elif level is not None:
            if not 0 < level < 1:
                raise DataError(f'column "{name}" has the name of an impossible interval. Rename it')
            quantiles.setdefault(method, {})[round(level, 6)] = values
    steps = panel.offsets[rows.series] + rows.cutoff + rows.ahead
    past_end = rows.cutoff + rows.ahead >= panel.lengths[rows.series]
    waiting = past_end | np.isnan(panel.values[steps.clip(0, len(panel.values) - 1), 0])
    if waiting.all():
        raise DataError(f"none of the {len(waiting)} forecast steps has an actual value yet. Evaluate again later")
    return SavedForecasts(Cutoffs(pairs[0], pairs[1]), points, quantiles, int(waiting.sum()), unknown)


def _forbid_duplicates(rows: _Rows, window: np.ndarray, panel: Panel) -> None:
    """Raise DataError if a window (R,) has two rows for one step."""
    order = np.lexsort((rows.ahead, window))
    twice = np.flatnonzero((np.diff(window[order]) == 0) & (np.diff(rows.ahead[order]) == 0))
    if len(twice):
        index = order[twice[0]]
        series, cutoff = rows.series[index : index + 1], rows.cutoff[index : index + 1]
        origin = formats.as_text(panel.times_at(series, cutoff - 1))
        time = formats.as_text(panel.times_at(series, cutoff + rows.ahead[index]))
        raise DataError(f"{series_name(panel.ids[series[0]])} has two forecasts of {time} from {origin}. Remove one")
