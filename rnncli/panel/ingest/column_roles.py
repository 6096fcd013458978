"""Which column of a table is the time, which names the series, and which are to be forecast.

By the names that forecasting tools use, by kind where only one column is of it, or as asked. Two possible readings are
an error that names both.
"""

import numpy as np
import pandas as pd

from rnncli.config.sections import Columns, Role
from rnncli.errors import DataError, RequestError
from rnncli.messages import did_you_mean
from rnncli.panel.panel import ColumnRoles
from rnncli.panel.row_numbers import row
from rnncli.panel.time.timestamps import looks_like_time

# Nixtla's, AutoGluon's and Chronos', Prophet's, GluonTS' and the long-horizon benchmarks' names, in one.
TIME_NAMES = ("ds", "timestamp", "date", "datetime", "time")
ID_NAMES = ("unique_id", "item_id", "series_id", "segment", "id")
TARGET_NAMES = ("y", "target", "value")


def find_roles(frame: pd.DataFrame, asked: Columns) -> ColumnRoles:
    """The roles of the table's columns. Raises DataError where one is missing or could be two."""
    frame = frame.rename(columns=str)
    _forbid_missing_header(frame)
    covariates = _covariates(frame, asked)
    beside = [name for name, _ in covariates] + ([asked.weight] if asked.weight else [])
    frame = frame.drop(columns=beside)
    time = _time(frame, asked)
    identifier = _identifier(frame, asked, time)
    targets, wide = _targets(frame, asked, time, identifier)
    known = {*TIME_NAMES, *ID_NAMES, *TARGET_NAMES, *asked.target, asked.time, asked.id}
    used = [time, *([identifier] if identifier else []), *([] if wide else targets)]
    if wide and asked.static:
        raise RequestError("--static takes a column with the name of each row's series, and a wide table has none")
    guessed = wide or not known.issuperset(used)
    return ColumnRoles(time, identifier, targets, wide, guessed, covariates, asked.weight)


def _covariates(frame: pd.DataFrame, asked: Columns) -> tuple[tuple[str, Role], ...]:
    """The columns beside the target, each with its role, in the order known, past, static."""
    roles: tuple[tuple[Role, tuple[str, ...]], ...] = (
        *(("known", asked.known), ("past", asked.past)),
        ("static", asked.static),
    )
    used: dict[str | None, str] = {asked.time: "--time", asked.id: "--id", **dict.fromkeys(asked.target, "--target")}
    found: list[tuple[str, Role]] = []
    for role, names in roles:
        for name in names:
            if name in used:
                raise RequestError(f'"{name}" is asked for twice: with {used[name]} and with --{role}. Leave out one')
            used[name] = f"--{role}"
            found.append((_existing(frame, name, f"--{role}"), role))
    if asked.weight is not None:
        if asked.weight in used:
            raise RequestError(f'"{asked.weight}" cannot be the --weight and be named with {used[asked.weight]} too')
        _existing(frame, asked.weight, "--weight")
    for name in asked.categorical:
        if name not in [covariate for covariate, _ in found]:
            raise RequestError(f'--categorical "{name}" has to be named with --known, --past or --static too')
    return tuple(found)


def _forbid_missing_header(frame: pd.DataFrame) -> None:
    dated = [name for name in frame.columns[:3] if looks_like_time(pd.Series([name]))]
    if dated and any(looks_like_time(frame[name]) for name in dated):
        raise DataError(
            f'the first line, which should name the columns, holds "{dated[0]}". Put a line of names above it'
        )


def with_roles(roles: ColumnRoles, asked: Columns) -> Columns:
    """What to ask of another table, so that it is read as this one was."""
    found = {"time": roles.time, "id": roles.id, "layout": "wide" if roles.wide else "long"}
    return asked.model_copy(update=found | ({} if roles.wide else {"target": roles.targets}))


def _time(frame: pd.DataFrame, asked: Columns) -> str:
    if asked.time is not None:
        return _existing(frame, asked.time, "--time")
    named = [name for name in _named(frame, TIME_NAMES) if name not in (asked.id, *asked.target)]
    if len(named) == 1:
        return named[0]
    candidates = named or [
        str(name) for name in frame if name not in (asked.id, *asked.target) and looks_like_time(frame[name])
    ]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise DataError(f"{_quoted(candidates)} could each be the time column. Say which with --time")
    raise DataError(f"no column is a time; there are {_quoted(frame.columns)}. Name one with --time")


def _identifier(frame: pd.DataFrame, asked: Columns, time: str) -> str | None:
    if asked.id is not None:
        if asked.id == time:
            raise DataError(f'"{time}" cannot be the time and name the series as well. Say --time or --id anew')
        if asked.layout == "wide":
            raise DataError(
                f'a wide table has a series in each column and no "{asked.id}" to name them. Leave out --id'
            )
        return _existing(frame, asked.id, "--id")
    if asked.layout == "wide":
        return None
    rest = frame.drop(columns=[time, *(name for name in asked.target if name in frame)])
    candidates = _named(rest, ID_NAMES) or [name for name in _texts(rest) if name.lower() not in TARGET_NAMES]
    if len(candidates) == 1 and not _meant_as_numbers(rest, asked):
        return candidates[0]
    if len(candidates) > 1:
        raise DataError(f"{_quoted(candidates)} could each name the series. Say which with --id")
    return None


def _meant_as_numbers(rest: pd.DataFrame, asked: Columns) -> bool:
    """Whether the only text column is no name of a series but what was meant to be the numbers."""
    return not asked.target and not _named(rest, ID_NAMES) and not _numbers(rest) and not _named(rest, TARGET_NAMES)


def _targets(frame: pd.DataFrame, asked: Columns, time: str, identifier: str | None) -> tuple[tuple[str, ...], bool]:
    if asked.target:
        if taken := {time, identifier} & set(asked.target):
            raise DataError(f'"{taken.pop()}" cannot be the target and name the time or the series as well')
        return tuple(_existing(frame, name, "--target") for name in asked.target), asked.layout == "wide"
    rest = frame.drop(columns=[time, *([identifier] if identifier else [])])
    numbers = _numbers(rest)
    if asked.layout == "wide" and numbers:
        return tuple(numbers), True
    candidates = _named(rest, TARGET_NAMES) or numbers
    if len(candidates) == 1:
        return (candidates[0],), False
    if not candidates:
        raise DataError(f"no column holds numbers to forecast.{_nearly_number(rest)} Name one with --target")
    if identifier is None and asked.layout == "auto" and not _named(rest, TARGET_NAMES):
        _forbid_numbered_series(rest)
        return tuple(candidates), True
    raise DataError(f"{_quoted(candidates)} could each be the target. Say which with --target")


def _forbid_numbered_series(rest: pd.DataFrame) -> None:
    """Whole numbers that come in a few runs may be a series of the wide table, or number the series of a long one."""
    for name in _numbers(rest):
        values = rest[name].to_numpy()
        runs = 1 + int((values[1:] != values[:-1]).sum())
        if values.dtype.kind in "iu" and runs == len(np.unique(values)) <= max(1, len(values) // 3):
            raise DataError(
                f'"{name}" could number the series, or be one of a wide table. '
                f"Say which with --id {name} or --layout wide"
            )


def _nearly_number(rest: pd.DataFrame) -> str:
    """Where the first text stands that keeps a column from being numbers."""
    for name in _texts(rest):
        numbers = pd.to_numeric(rest[name].astype(str), errors="coerce")
        if numbers.notna().any():
            place = int((numbers.isna() & rest[name].notna()).to_numpy().argmax())
            return f' "{name}" has the text "{rest[name].iloc[place]}" in {row(rest[name], place)}.'
    return f" There are {_quoted(rest.columns)}." if len(rest.columns) else ""


def _existing(frame: pd.DataFrame, name: str, option: str) -> str:
    if name in frame:
        return name
    columns = [str(column) for column in frame.columns]
    hint = did_you_mean(name, columns)
    raise DataError(f'no column "{name}"; there are {_quoted(columns)}.{hint} Name the right one with {option}')


def _named(frame: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    return [str(name) for name in frame if str(name).lower() in names]


def _numbers(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame if pd.api.types.is_numeric_dtype(frame[name].dtype)]


def _texts(frame: pd.DataFrame) -> list[str]:
    return [
        str(name)
        for name in frame
        if isinstance(frame[name].dtype, pd.CategoricalDtype) or pd.api.types.infer_dtype(frame[name]) == "string"
    ]


def _quoted(names: object) -> str:
    return ", ".join(f'"{name}"' for name in names)  # type: ignore[attr-defined]
