"""Find the role of each column: time, series id, targets, covariates, weight.

Roles come from the options, from the names that forecasting tools use, or from types if a single column qualifies. If
several columns qualify, the error names them.
"""

from collections.abc import Iterable

import numpy as np

from rnncli.config.fields import Role
from rnncli.config.sections import Columns
from rnncli.errors import DataError, RequestError
from rnncli.messages import did_you_mean
from rnncli.panel.ingest.values import parse_distinct
from rnncli.panel.panel import ColumnRoles
from rnncli.panel.table import Table
from rnncli.panel.time.timestamps import is_time, looks_like_time

# The names of Nixtla, AutoGluon, Chronos, Prophet, GluonTS and the long-horizon benchmarks.
TIME_NAMES = ("ds", "timestamp", "date", "datetime", "time")
ID_NAMES = ("unique_id", "item_id", "series_id", "segment", "id")
TARGET_NAMES = ("y", "target", "value")


def find_roles(table: Table, columns: Columns) -> ColumnRoles:
    """Return the roles of the table's columns. Raises DataError if a column is missing or ambiguous."""
    _forbid_missing_header(table)
    covariates = _covariates(table, columns)
    others = [name for name, _ in covariates] + ([columns.weight] if columns.weight else [])
    table = table.without(others)
    time = _time(table, columns)
    identifier = _identifier(table, columns, time)
    targets, wide = _targets(table, columns, time, identifier)
    known = {*TIME_NAMES, *ID_NAMES, *TARGET_NAMES, *columns.target, columns.time, columns.id}
    used = [time, *([identifier] if identifier else []), *([] if wide else targets)]
    if wide and columns.static:
        raise RequestError(
            "--static requires a column of series ids, which a wide table does not have. Use --layout long"
        )
    guessed = wide or not known.issuperset(used)
    return ColumnRoles(time, identifier, targets, wide, guessed, covariates, columns.weight)


def _covariates(table: Table, columns: Columns) -> tuple[tuple[str, Role], ...]:
    """Return the covariates with their roles, in the order known, past, static."""
    roles: tuple[tuple[Role, tuple[str, ...]], ...] = (
        *(("known", columns.known), ("past", columns.past)),
        ("static", columns.static),
    )
    used: dict[str | None, str] = {
        columns.time: "--time",
        columns.id: "--id",
        **dict.fromkeys(columns.target, "--target"),
    }
    found: list[tuple[str, Role]] = []
    for role, names in roles:
        for name in names:
            if name in used:
                raise RequestError(f'"{name}" is named with both {used[name]} and --{role}. Omit one of them')
            used[name] = f"--{role}"
            found.append((_existing(table, name, f"--{role}"), role))
    if columns.weight is not None:
        if columns.weight in used:
            other = used[columns.weight]
            raise RequestError(f'"{columns.weight}" is named with both --weight and {other}. Omit one of them')
        _existing(table, columns.weight, "--weight")
    for name in columns.categorical:
        if name not in [covariate for covariate, _ in found]:
            raise RequestError(f'--categorical "{name}" must be named with --known, --past or --static too')
    return tuple(found)


def _forbid_missing_header(table: Table) -> None:
    dated = [name for name in table.names[:3] if is_time(name)]
    if dated and any(looks_like_time(table[name]) for name in dated):
        raise DataError(f'the first line must contain column names (found "{dated[0]}"). Add a header line')


def with_roles(roles: ColumnRoles, columns: Columns) -> Columns:
    """Return options by which another table is read with the same roles."""
    found = {"time": roles.time, "id": roles.id, "layout": "wide" if roles.wide else "long"}
    return columns.model_copy(update=found | ({} if roles.wide else {"target": roles.targets}))


def _time(table: Table, columns: Columns) -> str:
    if columns.time is not None:
        return _existing(table, columns.time, "--time")
    named = [name for name in _named(table, TIME_NAMES) if name not in (columns.id, *columns.target)]
    if len(named) == 1:
        return named[0]
    candidates = named or [
        name for name in table.names if name not in (columns.id, *columns.target) and looks_like_time(table[name])
    ]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise DataError(f"{_quoted(candidates)} could each be the time column. Choose one with --time")
    raise DataError(f"no column contains times (columns: {_quoted(table.names)}). Name one with --time")


def _identifier(table: Table, columns: Columns, time: str) -> str | None:
    if columns.id is not None:
        if columns.id == time:
            raise DataError(f'"{time}" cannot be both the time and the series id. Change --time or --id')
        if columns.layout == "wide":
            raise DataError(
                f"a wide table has a series in each column and no id column (found --id {columns.id}). Omit --id"
            )
        return _existing(table, columns.id, "--id")
    if columns.layout == "wide":
        return None
    rest = table.without([time, *columns.target])
    candidates = _named(rest, ID_NAMES) or [name for name in _texts(rest) if name.lower() not in TARGET_NAMES]
    if len(candidates) == 1 and not _meant_as_numbers(rest, columns):
        return candidates[0]
    if len(candidates) > 1:
        raise DataError(f"{_quoted(candidates)} could each be the series id. Choose one with --id")
    return None


def _meant_as_numbers(rest: Table, columns: Columns) -> bool:
    """Return whether the only text column is probably a malformed target and not a series id."""
    return not columns.target and not _named(rest, ID_NAMES) and not _numbers(rest) and not _named(rest, TARGET_NAMES)


def _targets(table: Table, columns: Columns, time: str, identifier: str | None) -> tuple[tuple[str, ...], bool]:
    if columns.target:
        if taken := {time, identifier} & set(columns.target):
            raise DataError(f'"{taken.pop()}" cannot be both the target and the time or series id. Change --target')
        return tuple(_existing(table, name, "--target") for name in columns.target), columns.layout == "wide"
    rest = table.without([time, identifier])
    numbers = _numbers(rest)
    if columns.layout == "wide" and numbers:
        return tuple(numbers), True
    candidates = _named(rest, TARGET_NAMES) or numbers
    if len(candidates) == 1:
        return (candidates[0],), False
    if not candidates:
        raise DataError(f"no column contains numbers.{_nearly_number(rest)} Name one with --target")
    if identifier is None and columns.layout == "auto" and not _named(rest, TARGET_NAMES):
        _forbid_numbered_series(rest)
        return tuple(candidates), True
    raise DataError(f"{_quoted(candidates)} could each be the target. Choose with --target")


def _forbid_numbered_series(rest: Table) -> None:
    """Raise DataError for integers in few runs: they may be a wide series, or the series numbers of a long table."""
    for name in _numbers(rest):
        values = rest[name].numbers
        runs = 1 + int((values[1:] != values[:-1]).sum())
        if values.dtype.kind in "iu" and runs == len(np.unique(values)) <= max(1, len(values) // 3):
            raise DataError(
                f'"{name}" could be the series id, or a series of a wide table. '
                f"Choose with --id {name} or --layout wide"
            )


def _nearly_number(rest: Table) -> str:
    """Return a sentence about the first text in a column that is otherwise numeric."""
    for name in _texts(rest):
        column = rest[name]
        words = np.isnan(parse_distinct(column))
        if not words.all():
            index = int(np.append(words, False)[column.coded.codes].argmax())
            return f' "{name}" has the text "{column.cell(index)}" in {column.row(index)}.'
    return f" The columns are {_quoted(rest.names)}." if rest.names else ""


def _existing(table: Table, name: str, option: str) -> str:
    if name in table:
        return name
    hint = did_you_mean(name, table.names)
    raise DataError(f'{option}: no column "{name}" (columns: {_quoted(table.names)}).{hint} Name an existing column')


def _named(table: Table, names: tuple[str, ...]) -> list[str]:
    return [name for name in table.names if name.lower() in names]


def _numbers(table: Table) -> list[str]:
    return [name for name in table.names if table[name].kind == "number"]


def _texts(table: Table) -> list[str]:
    return [name for name in table.names if table[name].kind == "text"]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
