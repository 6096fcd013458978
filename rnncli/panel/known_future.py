"""What is known in advance: taken from a table of its own, found to be lacking, or laid out to be filled in."""

import numpy as np
import pandas as pd

from rnncli.errors import DataError, about
from rnncli.messages import did_you_mean, source_words
from rnncli.panel.covariates import texts
from rnncli.panel.export.forecast_table import WIDE_ID, keys
from rnncli.panel.ingest import values as cells
from rnncli.panel.ingest.rows import forbid_nameless, without_notes
from rnncli.panel.panel import ColumnRoles, Cutoffs, Panel, called
from rnncli.panel.time import formats, timestamps
from rnncli.tables.assumptions import accept_assumption


def joined(
    frame: pd.DataFrame, future: pd.DataFrame, roles: ColumnRoles, dayfirst: bool | None, sources: tuple[str, str]
) -> pd.DataFrame:
    """A table with the rows of another that tell its future: those that come after a series' last target,
    if any.

    sources: where the two are from. The index says which row of which file each is (see `numbering.row`). Raises
    DataError, naming the file, where the future has not the columns for it, or what is no number, or where a row of
    one of them has no time.
    """
    frame = frame.rename(columns=str)
    with about(sources[1]):
        future = _checked(frame, future.rename(columns=str), roles)
        others = _keys(future, roles, dayfirst)
    with about(sources[0]):
        frame = without_notes(frame, roles, accept_assumption)
        own = _keys(frame, roles, dayfirst)
    given = frame[list(roles.targets)].notna().any(axis=1).to_numpy()
    last = own[given].groupby("id")["time"].max()
    later = (others["id"].isin(own["id"]) & ~(others["time"] <= others["id"].map(last))).to_numpy()
    fixed = [name for name, role in roles.covariates if role == "static"]
    of_series = frame[fixed].groupby(own["id"].to_numpy()).first()  # a series without a target may keep no other row
    future = future.assign(**{name: others["id"].map(of_series[name]).to_numpy() for name in fixed})
    future, told = future[later], pd.MultiIndex.from_frame(others[later])
    frame = frame[given | ~pd.MultiIndex.from_frame(own).isin(told)]
    numbers = np.concatenate([frame.index, -1 - future.index])
    both = {
        name: _one_below_the_other(frame[name], future[name], dayfirst, name == roles.time) for name in future.columns
    }
    rest = frame.drop(columns=list(both)).reset_index(drop=True).reindex(range(len(numbers)))
    return rest.assign(**both).set_index(pd.Index(numbers, name=source_words(sources[1])))


def _checked(frame: pd.DataFrame, future: pd.DataFrame, roles: ColumnRoles) -> pd.DataFrame:
    """What is needed of a future. Raises DataError where it is not there, or no number."""
    known = [name for name, role in roles.covariates if role == "known"]
    needed = [roles.time, *([roles.id] if roles.id else []), *known]
    for name in needed:
        if name not in future:
            raise DataError(f'there is no column "{name}".{did_you_mean(name, list(future.columns))}')
        if name in known and _kind(frame[name]) == "number":
            future = future.assign(**{name: cells.numbers(future[name])})
    future = without_notes(future[needed], roles, accept_assumption)
    if roles.id is not None:
        forbid_nameless(future[roles.id])
    return future


def _keys(frame: pd.DataFrame, roles: ColumnRoles, dayfirst: bool | None) -> pd.DataFrame:
    """Series and instant of each row."""
    ids = np.zeros(len(frame)) if roles.id is None else texts(frame[roles.id]).to_numpy()
    return pd.DataFrame({"id": ids, "time": timestamps.parse(frame[roles.time], dayfirst).values})


def _one_below_the_other(first: pd.Series, second: pd.Series, dayfirst: bool | None, time: bool) -> pd.Series:
    """Two columns as one; times of two kinds, texts and others, as timestamps."""
    kinds = {_kind(one) for one in (first, second)}
    if time and kinds == {"text", "time"}:
        parsed = [timestamps.parse(one, dayfirst) for one in (first, second)]
        first, second = (pd.Series(timestamps.to_index(one.values, one, wall=False)) for one in parsed)
    elif "text" in kinds:
        return pd.concat([texts(first), texts(second)], ignore_index=True).astype("category")
    return pd.concat([first, second], ignore_index=True)


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "time"
    return "number" if pd.api.types.is_numeric_dtype(column.dtype) else "text"


def ended(panel: Panel, places: Cutoffs, horizon: int) -> np.ndarray:
    """Which series (N,) ended a horizon or more before the newest time, with nothing known of what follows."""
    absent = panel.covariates.absent(*places, horizon)  # (N, H, C)
    ends = panel.firsts[places.series] + places.rows
    unknown = absent[..., panel.covariates.known].all(axis=(1, 2)) & absent.any(axis=(1, 2))
    return (ends <= ends.max() - horizon) & unknown & (places.rows > 0)


def forbid_lacking(panel: Panel, places: Cutoffs, horizon: int) -> int:
    """How many known values are empty among given ones; raise DataError where some are not given to the end.

    The steps are those that follow each of these cutoffs.
    """
    absent = panel.covariates.absent(*places, horizon)  # (N, H, C)
    given = horizon - np.argmin(absent[:, ::-1], axis=1)  # (N, C) steps up to the last one given
    given = np.where(absent.all(axis=1), 0, given)
    lacking = np.argwhere(given < horizon)
    if not len(lacking):
        return int(absent.sum())
    place, column = lacking[0]
    number = places.series[place]
    steps = np.array([given[place, column], horizon - 1]) + places.rows[place]
    first, last = formats.plain(list(panel.stamps(np.array([number, number]), steps)))
    more = len(np.unique(lacking[:, 0])) - 1
    which = f"{first} to {last}" if first != last else first
    raise DataError(
        f'{called(panel.ids[number])}: "{panel.covariates.along[column].name}" has no value for {which}'
        f"{f'; {more} more series' if more else ''}. Add rows for them without a target, or give --future FILE "
        "(--future-template FILE writes the table to fill in)"
    )


def ends(panel: Panel, unbegun: bool) -> Cutoffs:
    """Where each series goes on: behind its last row; with its first where it has not begun and is to be taken so."""
    rows = np.where(panel.unbegun, 0, panel.lengths) if unbegun else panel.lengths
    return Cutoffs(np.arange(len(panel.ids)), rows)


def template(panel: Panel, places: Cutoffs, horizon: int, text_times: bool) -> pd.DataFrame:
    """The steps that follow where each series goes on, with the values known of them as far as they are given."""
    (every, rows), wide = places, panel.summary.roles.wide
    if wide:  # its columns share what is known, from where the first of them ends
        last = panel.firsts + panel.lengths
        every, horizon = last.argmin(keepdims=True), horizon + int(np.ptp(last))
        rows = rows[every]
    table = keys(panel, Cutoffs(every, rows), horizon, text_times)
    if wide:
        del table[WIDE_ID]
    covariates = panel.covariates
    begins, limits = covariates.offsets[every, None], covariates.offsets[every + 1, None]
    told = begins + rows[:, None] + np.arange(horizon)  # (S, H)
    values = covariates.values[told.clip(0, len(covariates.values) - 1)]
    values = np.where((told < limits)[..., None], values, np.nan).reshape(-1, len(covariates.along))
    for place, column in enumerate(covariates.along):
        if column.role != "known":
            continue
        if column.categories is None:
            table[column.name] = values[:, place]
        else:
            kinds = np.array(["", *column.categories], dtype=object)
            table[column.name] = kinds[np.nan_to_num(values[:, place]).astype(np.int64)]
    return pd.DataFrame(table)
