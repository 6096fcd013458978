"""What is known in advance: taken from a table of its own, found to be lacking, or laid out to be filled in."""

import numpy as np
import pandas as pd

from rnncli.errors import DataError, did_you_mean
from rnncli.panel import timestamps, written
from rnncli.panel.columns import Roles
from rnncli.panel.forecasts import keys
from rnncli.panel.sequences import Cutoffs, Panel, called


def joined(frame: pd.DataFrame, future: pd.DataFrame, roles: Roles, dayfirst: bool | None) -> pd.DataFrame:
    """A table with the rows of another that tell its future: those with a series and time that has no target yet.

    Raises DataError where the future has not the columns for it.
    """
    frame, future = frame.rename(columns=str), future.rename(columns=str)
    known = [name for name, role in roles.covariates if role == "known"]
    needed = [roles.time, *([roles.id] if roles.id else []), *known]
    for name in needed:
        if name not in future:
            raise DataError(f'there is no column "{name}".{did_you_mean(name, list(future.columns))}')
    future = future[needed]
    given = frame[list(roles.targets)].notna().any(axis=1).to_numpy()
    own, others = _keys(frame, roles, dayfirst), _keys(future, roles, dayfirst)
    frame = frame[given | ~own.isin(others)]
    future = future[~others.isin(own[given])]
    both = {name: _one_below_the_other(frame[name], future[name], dayfirst, name == roles.time) for name in needed}
    rest = frame.drop(columns=needed).reset_index(drop=True).reindex(range(len(frame) + len(future)))
    return rest.assign(**both)


def _keys(frame: pd.DataFrame, roles: Roles, dayfirst: bool | None) -> pd.MultiIndex:
    """Series and instant of each row."""
    ids = np.zeros(len(frame)) if roles.id is None else frame[roles.id].astype(str).to_numpy()
    return pd.MultiIndex.from_arrays([ids, timestamps.parse(frame[roles.time], dayfirst).values])


def _one_below_the_other(first: pd.Series, second: pd.Series, dayfirst: bool | None, time: bool) -> pd.Series:
    """Two columns as one; times of two kinds, texts and others, as timestamps."""
    kinds = {_kind(one) for one in (first, second)}
    if time and kinds == {"text", "time"}:
        parsed = [timestamps.parse(one, dayfirst) for one in (first, second)]
        first, second = (pd.Series(timestamps.as_users(one.values, one, wall=False)) for one in parsed)
    elif "text" in kinds:
        return pd.concat([first.astype(object), second.astype(object)], ignore_index=True).astype("category")
    return pd.concat([first, second], ignore_index=True)


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "time"
    return "number" if pd.api.types.is_numeric_dtype(column.dtype) else "text"


def forbid_lacking(panel: Panel, horizon: int) -> int:
    """How many known values are empty among given ones; raise DataError where some are not given to the end.

    The steps are those that follow the end of each series.
    """
    if not panel.covariates.known.any():
        return 0
    every = np.arange(len(panel.ids))
    absent = panel.covariates.absent(every, panel.lengths, horizon)  # (S, H, C)
    given = horizon - np.argmin(absent[:, ::-1], axis=1)  # (S, C) steps up to the last one given
    given = np.where(absent.all(axis=1), 0, given)
    lacking = np.argwhere(given < horizon)
    if not len(lacking):
        return int(absent.sum())
    number, column = lacking[0]
    steps = np.array([given[number, column], horizon - 1]) + panel.lengths[number]
    first, last = written.plain(list(panel.stamps(np.array([number, number]), steps)))
    more = len(np.unique(lacking[:, 0])) - 1
    which = f"{first} to {last}" if first != last else first
    raise DataError(
        f'{called(panel.ids[number])}: "{panel.covariates.along[column].name}" has no value for {which}'
        f"{f'; {more} more series' if more else ''}. Add rows for them without a target, or give --future FILE "
        "(--future-template FILE writes the table to fill in)"
    )


def template(panel: Panel, horizon: int, text_times: bool) -> pd.DataFrame:
    """The steps that follow the end of each series, with the values known of them as far as they are given."""
    every = np.arange(len(panel.ids))
    table = keys(panel, Cutoffs(every, panel.lengths), horizon, text_times)
    covariates = panel.covariates
    starts, ends = covariates.offsets[:-1, None], covariates.offsets[1:, None]
    places = starts + panel.lengths[:, None] + np.arange(horizon)  # (S, H)
    values = covariates.values[places.clip(0, len(covariates.values) - 1)]
    values = np.where((places < ends)[..., None], values, np.nan).reshape(-1, len(covariates.along))
    for place, column in enumerate(covariates.along):
        if column.role != "known":
            continue
        if column.categories is None:
            table[column.name] = values[:, place]
        else:
            kinds = np.array(["", *column.categories], dtype=object)
            table[column.name] = kinds[np.nan_to_num(values[:, place]).astype(np.int64)]
    return pd.DataFrame(table)
