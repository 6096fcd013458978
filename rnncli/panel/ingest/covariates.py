"""Align covariates and row weights with the time steps of their series."""

from typing import NamedTuple

import numpy as np

from rnncli.errors import DataError
from rnncli.panel.covariates import UNSEEN, Covariates, no_covariates
from rnncli.panel.ingest.alignment import Alignment
from rnncli.panel.ingest.rows import SortedRows
from rnncli.panel.ingest.values import ColumnValues
from rnncli.panel.table import Column, Table


class _Weights(NamedTuple):
    values: np.ndarray | None  # (N,) with mean 1 over the rows
    mean: float = 1.0


class AlignedRows(NamedTuple):
    """Sorted rows, their numbers, and the step of each."""

    rows: SortedRows
    values: ColumnValues
    alignment: Alignment


def aligned_covariates(
    table: Table, aligned: AlignedRows, weight: str | None, holidays: tuple[str, ...], gap_weight: float
) -> Covariates:
    """Return the covariates of aligned rows; gap_weight: the weight of a step without a row."""
    rows, values, alignment = aligned
    if not values.others:
        return no_covariates(len(rows.ids), holidays)
    varying, static = [], []
    for column in values.covariates:
        numbers = values.others[column.name]
        if column.role == "static":
            if column.categories is not None:
                numbers = np.where(numbers == UNSEEN, np.nan, numbers)
            single = static_values(numbers, rows, table[column.name])
            static.append((column, single if column.categories is None else np.nan_to_num(single, nan=UNSEEN)))
            continue
        spread = np.full(alignment.offsets[-1], np.nan)
        spread[alignment.steps] = numbers
        varying.append((column, spread))
    weights = _Weights(None) if weight is None else _weights(weight, aligned, gap_weight)
    steps = alignment.offsets[-1]
    return Covariates(
        tuple(column for column, _ in varying),
        tuple(column for column, _ in static),
        np.stack([numbers for _, numbers in varying], axis=1) if varying else np.empty((steps, 0)),
        alignment.offsets,
        np.stack([numbers for _, numbers in static], axis=1) if static else np.empty((len(rows.ids), 0)),
        weights.values,
        holidays,
        weights.mean,
    )


def static_values(values: np.ndarray, rows: SortedRows, column: Column) -> np.ndarray:
    """Return the value (S,) that each series has in all its rows (R,), NaN if it has none.

    Raises DataError, naming two rows, if a series has more than one value.
    """
    present = ~np.isnan(values)
    found = np.full(len(rows.ids), np.nan)
    found[rows.codes[present][::-1]] = values[present][::-1]  # the first of each series
    differs = np.flatnonzero(present & (values != found[rows.codes]))
    if len(differs):
        index = differs[0]
        first = rows.table_row(int(np.flatnonzero(present & (rows.codes == rows.codes[index]))[0]))
        other = rows.table_row(int(index))
        raise DataError(
            f'static column "{column.name}" of {rows.series_name(index)} is {column.cell(first)} in '
            f"{column.row(first)} and {column.cell(other)} in {column.row(other)}. "
            "Name it with --known or --past, or fix the rows"
        )
    return found


def _weights(name: str, aligned: AlignedRows, gap_weight: float) -> _Weights:
    """Return the weight of each step, with mean 1 over the rows; an empty weight is 0."""
    rows, values, alignment = aligned
    given = np.nan_to_num(values.others[name])
    if (given < 0).any():
        worst = int((given < 0).argmax())
        raise DataError(
            f'{rows.time_column.row(rows.table_row(worst))}: weight "{name}" is {given[worst]:g}, '
            "but must not be negative. Fix the row"
        )
    if not given.any():
        raise DataError(f'weight "{name}" is zero or empty in all rows. Fix it, or omit --weight')
    weights = np.full(alignment.offsets[-1], gap_weight)
    weights[alignment.steps] = given / given.mean()
    return _Weights(weights, float(given.mean()))
