"""The columns of a table as numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from rnncli.config.architecture import Covariate
from rnncli.config.sections import Columns
from rnncli.errors import DataError, RequestError
from rnncli.panel.covariates import UNSEEN
from rnncli.panel.ingest.categories import categories_of, encode
from rnncli.panel.panel import ColumnRoles
from rnncli.panel.table import Column, Table
from rnncli.tables.number_parsing import MISSING

LARGEST = 1e150  # its square is finite


@dataclass(frozen=True)
class ColumnValues:
    """The numbers of the columns in use, NaN where empty; categories as codes."""

    targets: Mapping[str, np.ndarray]  # name to (R,)
    others: Mapping[str, np.ndarray]  # covariates and the weight
    covariates: tuple[Covariate, ...]

    def select(self, rows: np.ndarray) -> "ColumnValues":
        """Return the values of these rows, a mask or indices."""
        targets, others = ({name: values[rows] for name, values in of.items()} for of in (self.targets, self.others))
        return replace(self, targets=targets, others=others)

    def differ(self, firsts: np.ndarray) -> np.ndarray:
        """Return (R,) bool: rows that differ from the first row of their group; firsts (R,): where groups begin."""
        group = firsts.cumsum() - 1
        begins = np.flatnonzero(firsts)[group]
        different = np.zeros(len(firsts), bool)
        for values in (*self.targets.values(), *self.others.values()):
            different |= (values != values[begins]) & ~(np.isnan(values) & np.isnan(values[begins]))
        return different

    def aggregate(self, firsts: np.ndarray, how: str) -> "ColumnValues":
        """Return one row for each group that begins at firsts (R,).

        Targets are aggregated as `how` says, numeric covariates by their mean, and other columns by their last row.
        """
        numeric = {column.name for column in self.covariates if column.categories is None and column.role != "static"}
        picked = how in ("first", "last")
        ways = {name: how if picked else "mean" if name in numeric else "last" for name in self.others}
        return replace(
            self,
            targets={name: _aggregated(values, firsts, how) for name, values in self.targets.items()},
            others={name: _aggregated(values, firsts, ways[name]) for name, values in self.others.items()},
        )


def _aggregated(values: np.ndarray, firsts: np.ndarray, how: str) -> np.ndarray:
    """Return one of values (R,) for each group of rows; NaN if all of a group are missing."""
    import pandas as pd

    groups = pd.Series(values).groupby(firsts.cumsum(), sort=False)
    if how == "sum":
        return groups.sum(min_count=1).to_numpy()
    result = getattr(groups, how)().to_numpy(dtype=np.float64)
    return np.where(result == 0, np.nan, result) if how == "count" else result  # empty rows are not events


def read_values(
    table: Table, roles: ColumnRoles, columns: Columns, expected: tuple[Covariate, ...] | None
) -> ColumnValues:
    """Return the numbers of the columns with these roles; expected: covariates and categories of a trained model.

    Raises DataError, naming the row, if a cell is not a number, RequestError if the columns are not the model's.
    """
    if expected is not None and [column.role for column in expected] != [role for _, role in roles.covariates]:
        wanted = ", ".join(f'--{column.role} "{column.name}"' for column in expected) or "no covariates"
        raise RequestError(f"the model was trained with {wanted}. Name as many columns for each role")
    covariates, others = [], {}
    for number, (name, role) in enumerate(roles.covariates):
        column = table[name]
        trained = expected[number] if expected else None
        categories = trained.categories if trained else categories_of(column, name in columns.categorical)
        # An empty cell is a category if training had empty cells; otherwise it is missing.
        missing = UNSEEN if trained is None or trained.gaps else np.nan
        others[name] = to_numbers(column) if categories is None else encode(column, categories, missing)
        gaps = trained is not None and trained.gaps
        covariates.append(Covariate(name=name, role=role, categories=categories, gaps=gaps))
    if roles.weight is not None:
        others[roles.weight] = to_numbers(table[roles.weight])
    return ColumnValues({name: to_numbers(table[name]) for name in roles.targets}, others, tuple(covariates))


def to_numbers(column: Column) -> np.ndarray:
    """Return a column as float64, NaN where empty. Raises DataError, naming the row, if a cell is not a number."""
    numeric = column.kind == "number" or pa.types.is_boolean(column.values.type)
    values = column.numbers.astype(np.float64, copy=False) if numeric else _parsed(column)
    missing = np.isnan(values)
    if missing.any():  # R's NA is a signalling NaN, which makes NumPy warn in every sum
        values = np.where(missing, np.nan, values)
    if max(np.fmax.reduce(values, initial=0.0), -np.fmin.reduce(values, initial=0.0)) > LARGEST:
        index = int((np.abs(values) > LARGEST).argmax())
        raise DataError(
            f'{column.row(index)}: "{column.name}" is {values[index]:g}, which is too large. Fix or empty the cell'
        )
    return values


def parse_distinct(column: Column) -> np.ndarray:
    """Return the number (D,) of each distinct value of a column, NaN if it is none."""
    return np.array([_number(value) for value in column.coded.distinct.to_pylist()], np.float64)


def _parsed(column: Column) -> np.ndarray:
    """Return a column that holds other things than numbers as numbers, if it can be read so."""
    codes, distinct = column.coded
    numbers = parse_distinct(column)
    broken = np.flatnonzero(np.isnan(numbers))
    broken = np.array([code for code in broken if str(distinct[code]) not in MISSING], np.int64)
    if len(broken):
        index = int(np.isin(codes, broken).argmax())
        raise DataError(
            f'{column.row(index)}: "{column.name}" is "{column.cell(index)}", not a number. Fix or empty the cell'
        )
    return np.append(numbers, np.nan)[codes]


def _number(value: object) -> float:
    """Return what a cell reads as, NaN if it is not a number."""
    if isinstance(value, bool):
        return float(value)
    try:
        return math.nan if "_" in str(value) else float(str(value))
    except ValueError:
        return math.nan
