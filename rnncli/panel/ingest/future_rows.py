"""Append rows of known covariates from a second table (--future) to the table to forecast."""

import numpy as np
import pandas as pd

from rnncli.errors import DataError, about
from rnncli.messages import did_you_mean, source_name
from rnncli.panel.ingest.categories import as_text
from rnncli.panel.ingest.rows import require_series_names, without_footer
from rnncli.panel.ingest.values import to_numbers
from rnncli.panel.panel import ColumnRoles
from rnncli.panel.row_numbers import two_sources
from rnncli.panel.time import timestamps
from rnncli.tables.assumptions import accept_assumption


def append_future(
    frame: pd.DataFrame, future: pd.DataFrame, roles: ColumnRoles, dayfirst: bool | None, sources: tuple[str, str]
) -> pd.DataFrame:
    """Return the table with those rows of a second one that come after a series' last target.

    sources: the names of the two files; the index keeps each row's file and number (`row_numbers.two_sources`).
    Raises DataError, naming the file, if the future lacks a column, holds a text in a numeric column, or if a row of
    either table has no time.
    """
    frame = frame.rename(columns=str)
    with about(sources[1]):
        future = _future_columns(frame, future.rename(columns=str), roles)
        future_keys = _keys(future, roles, dayfirst)
    with about(sources[0]):
        frame = without_footer(frame, roles, accept_assumption)
        frame_keys = _keys(frame, roles, dayfirst)
    given = frame[list(roles.targets)].notna().any(axis=1).to_numpy()
    last = frame_keys[given].groupby("id")["time"].max()
    known_series = future_keys["id"].isin(frame_keys["id"])
    later = (known_series & ~(future_keys["time"] <= future_keys["id"].map(last))).to_numpy()
    static = [name for name, role in roles.covariates if role == "static"]
    # Computed before rows are dropped: a series without a target may have no other row.
    by_series = frame[static].groupby(frame_keys["id"].to_numpy()).first()
    future = future.assign(**{name: future_keys["id"].map(by_series[name]).to_numpy() for name in static})
    future, added = future[later], pd.MultiIndex.from_frame(future_keys[later])
    frame = frame[given | ~pd.MultiIndex.from_frame(frame_keys).isin(added)]
    index = two_sources(frame.index, future.index, source_name(sources[1]))
    shared = {name: _appended(frame[name], future[name], dayfirst, name == roles.time) for name in future.columns}
    rest = frame.drop(columns=list(shared)).reset_index(drop=True).reindex(range(len(index)))
    return rest.assign(**shared).set_index(index)


def _future_columns(frame: pd.DataFrame, future: pd.DataFrame, roles: ColumnRoles) -> pd.DataFrame:
    """Return the columns needed of a future. Raises DataError if one is missing or not numeric as in `frame`."""
    known = [name for name, role in roles.covariates if role == "known"]
    needed = [roles.time, *([roles.id] if roles.id else []), *known]
    for name in needed:
        if name not in future:
            raise DataError(f'there is no column "{name}".{did_you_mean(name, list(future.columns))}')
        if name in known and _kind(frame[name]) == "number":
            future = future.assign(**{name: to_numbers(future[name])})
    future = without_footer(future[needed], roles, accept_assumption)
    if roles.id is not None:
        require_series_names(future[roles.id])
    return future


def _keys(frame: pd.DataFrame, roles: ColumnRoles, dayfirst: bool | None) -> pd.DataFrame:
    """Return the series and instant of each row."""
    ids = np.zeros(len(frame)) if roles.id is None else as_text(frame[roles.id]).to_numpy()
    return pd.DataFrame({"id": ids, "time": timestamps.parse(frame[roles.time], dayfirst).values})


def _appended(first: pd.Series, second: pd.Series, dayfirst: bool | None, time: bool) -> pd.Series:
    """Return two columns as one; times of which only one column is text become timestamps."""
    types = {_kind(column) for column in (first, second)}
    if time and types == {"text", "time"}:
        parsed = [timestamps.parse(column, dayfirst) for column in (first, second)]
        first, second = (pd.Series(timestamps.to_index(times.values, times, wall=False)) for times in parsed)
    elif "text" in types:
        return pd.concat([as_text(first), as_text(second)], ignore_index=True).astype("category")
    return pd.concat([first, second], ignore_index=True)


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "time"
    return "number" if pd.api.types.is_numeric_dtype(column.dtype) else "text"
