"""Append rows of known covariates from a second table (--future) to the table to forecast."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rnncli.errors import DataError, about
from rnncli.messages import did_you_mean, source_name
from rnncli.panel.ingest.categories import distinct_texts
from rnncli.panel.ingest.rows import require_series_names, without_footer
from rnncli.panel.ingest.values import to_numbers
from rnncli.panel.panel import ColumnRoles
from rnncli.panel.row_numbers import RowNumbers
from rnncli.panel.table import Column, Table
from rnncli.panel.time import formats, timestamps
from rnncli.tables import arrays
from rnncli.tables.assumptions import accept_assumption

NEVER = np.iinfo(np.int64).min


class _Keys(NamedTuple):
    """The series and instant of each row."""

    series: np.ndarray  # (R,) indices of names
    names: list[str]
    instants: np.ndarray  # (R,)


def append_future(
    table: Table, future: Table, roles: ColumnRoles, dayfirst: bool | None, sources: tuple[str, str]
) -> Table:
    """Return the table with those rows of a second one that come after a series' last target.

    sources: the names of the two files; the table keeps each row's file and number.
    Raises DataError, naming the file, if the future lacks a column, holds a text in a numeric column, or if a row of
    either table has no time.
    """
    with about(sources[1]):
        future = _future_columns(table, future, roles)
        future_keys = _keys(future, roles, dayfirst)
    with about(sources[0]):
        table = without_footer(table, roles, accept_assumption)
        keys = _keys(table, roles, dayfirst)
    given = ~np.all([table[name].empty for name in roles.targets], axis=0)
    last = np.full(len(keys.names) + 1, NEVER)  # the last for series that the table does not have
    np.maximum.at(last, keys.series[given], keys.instants[given])
    number = {name: index for index, name in enumerate(keys.names)}
    series = np.array([number.get(name, -1) for name in future_keys.names], np.int64)[future_keys.series]
    added = np.flatnonzero((series >= 0) & (future_keys.instants > last[series]))
    static = [name for name, role in roles.covariates if role == "static"]
    # Found before rows are dropped: a series without a target may have no other row.
    columns = {name: _first_values(table[name], keys.series, len(keys.names)) for name in static}
    kept = np.flatnonzero(given | ~_are_among(keys.series, keys.instants, series[added], future_keys.instants[added]))
    taken = table.columns.take(arrays.to_arrow(kept))
    extra = future.columns.take(arrays.to_arrow(added))
    for name in static:
        extra = extra.append_column(name, columns[name].take(arrays.to_arrow(series[added])))
    for name in extra.column_names:
        parts = _alike(Column(name, taken[name]), Column(name, extra[name]), dayfirst, name == roles.time)
        taken, extra = (
            part.set_column(part.column_names.index(name), name, values)
            for part, values in zip((taken, extra), parts, strict=True)
        )
    joined = pa.concat_tables([taken, extra], promote_options="default")
    return Table(joined, RowNumbers(np.concatenate([kept, added]), len(kept), source_name(sources[1])))


def _future_columns(table: Table, future: Table, roles: ColumnRoles) -> Table:
    """Return the columns needed of a future. Raises DataError if one is missing or not numeric as in `table`."""
    known = [name for name, role in roles.covariates if role == "known"]
    needed = [roles.time, *([roles.id] if roles.id else []), *known]
    for name in needed:
        if name not in future:
            raise DataError(f'there is no column "{name}".{did_you_mean(name, future.names)}')
        if name in known and table[name].kind == "number":
            future = future.with_numbers(name, to_numbers(future[name]))
    future = without_footer(Table(future.columns.select(needed)), roles, accept_assumption)
    if roles.id is not None:
        require_series_names(future[roles.id])
    return future


def _keys(table: Table, roles: ColumnRoles, dayfirst: bool | None) -> _Keys:
    instants = timestamps.parse(table[roles.time], dayfirst).values
    if roles.id is None:
        return _Keys(np.zeros(len(table), np.int64), [""], instants)
    column = table[roles.id]
    return _Keys(column.coded.codes, distinct_texts(column), instants)


def _first_values(column: Column, series: np.ndarray, count: int) -> pa.ChunkedArray:
    """Return the first value (S,) of each series that is not empty."""
    rows = np.full(count, np.nan)
    present = np.flatnonzero(~column.empty)[::-1]
    rows[series[present]] = present
    return column.values.take(arrays.to_arrow(rows).cast(pa.int64()))


def _are_among(series: np.ndarray, instants: np.ndarray, others: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return whether each pair of series and instant (R,) is one of the others (A,)."""
    distinct = np.unique(at)
    place = np.searchsorted(distinct, instants).clip(max=max(0, len(distinct) - 1))
    if not len(distinct):
        return np.zeros(len(series), bool)
    pairs = others.astype(np.int64) * len(distinct) + np.searchsorted(distinct, at)
    return (distinct[place] == instants) & np.isin(series.astype(np.int64) * len(distinct) + place, pairs)


def _alike(first: Column, second: Column, dayfirst: bool | None, time: bool) -> tuple[pa.Array, pa.Array]:
    """Return two columns with one type; times of which only one column is text become timestamps."""
    kinds = {first.kind, second.kind}
    if kinds == {"number"}:
        both = np.concatenate([first.numbers, second.numbers])
        return arrays.to_arrow(both[: len(first)]), arrays.to_arrow(both[len(first) :])
    if kinds == {"time"} and not time:
        return first.values, second.values.cast(first.values.type, safe=False)
    if time and "time" in kinds and kinds <= {"text", "time"}:
        one, other = (timestamps.parse(column, dayfirst) for column in (first, second))
        if (one.zone is None) == (other.zone is None):
            other = other._replace(zone=one.zone)
            return formats.to_arrow(one, as_text=False), formats.to_arrow(other, as_text=False)
    return _as_text(first), _as_text(second)


def _as_text(column: Column) -> pa.Array:
    return arrays.coded_to_arrow(column.coded.codes, distinct_texts(column)).cast(pa.string())
