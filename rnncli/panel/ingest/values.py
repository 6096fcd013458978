"""The numbers in a table's columns, one for each row, and one for each group of rows that are made into one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rnncli.config.architecture import Covariate
from rnncli.config.sections import Columns
from rnncli.errors import DataError, RequestError
from rnncli.panel import covariates
from rnncli.panel.panel import ColumnRoles
from rnncli.panel.row_numbers import row
from rnncli.tables.number_parsing import MISSING

LARGEST = 1e150  # whose square is still a number


@dataclass(frozen=True)
class Cells:
    """The numbers of the columns that are used, NaN where empty; a kind is its number."""

    targets: Mapping[str, np.ndarray]  # name to (R,)
    beside: Mapping[str, np.ndarray]  # of covariates, and of the weight
    inputs: tuple[Covariate, ...]

    def at(self, rows: np.ndarray) -> "Cells":
        """Those of some rows, or of the rows in another order."""
        targets, beside = ({name: values[rows] for name, values in of.items()} for of in (self.targets, self.beside))
        return replace(self, targets=targets, beside=beside)

    def differ(self, firsts: np.ndarray) -> np.ndarray:
        """(R,) whether any number of a row is not that of the first of its group; firsts: (R,) where groups begin."""
        group = firsts.cumsum() - 1
        begins = np.flatnonzero(firsts)[group]
        different = np.zeros(len(firsts), bool)
        for values in (*self.targets.values(), *self.beside.values()):
            different |= (values != values[begins]) & ~(np.isnan(values) & np.isnan(values[begins]))
        return different

    def reduced(self, firsts: np.ndarray, how: str) -> "Cells":
        """One number for each group: targets as asked for, amounts beside them their mean, all else the newest."""
        amounts = {one.name for one in self.inputs if one.categories is None and one.role != "static"}
        picked = how in ("first", "last")
        others = {name: how if picked else "mean" if name in amounts else "last" for name in self.beside}
        return replace(
            self,
            targets={name: _reduced(values, firsts, how) for name, values in self.targets.items()},
            beside={name: _reduced(values, firsts, others[name]) for name, values in self.beside.items()},
        )


def _reduced(numbers: np.ndarray, firsts: np.ndarray, how: str) -> np.ndarray:
    """Of numbers (R,) one for each group of rows; NaN where all of them are missing."""
    groups = pd.Series(numbers).groupby(firsts.cumsum(), sort=False)
    if how == "sum":
        return groups.sum(min_count=1).to_numpy()
    reduced = getattr(groups, how)().to_numpy(dtype=np.float64)
    return np.where(reduced == 0, np.nan, reduced) if how == "count" else reduced  # rows without a value are no events


def read(frame: pd.DataFrame, roles: ColumnRoles, asked: Columns, expected: tuple[Covariate, ...] | None) -> Cells:
    """The numbers of the columns with these roles; expected: those that a model was trained with, and their kinds.

    Raises DataError naming the row of what is no number, RequestError where the columns are not the model's.
    """
    if expected is not None and [one.role for one in expected] != [role for _, role in roles.covariates]:
        wanted = ", ".join(f'--{one.role} "{one.name}"' for one in expected) or "no columns beside the target"
        raise RequestError(f"the model was trained with {wanted}. Name as many columns for each")
    inputs, beside = [], {}
    for number, (name, role) in enumerate(roles.covariates):
        column = frame[name]
        known = expected[number] if expected else None
        kinds = known.categories if known else covariates.kinds(column, name in asked.categorical)
        # An empty cell tells nothing in particular where it did so in training; else it is missing.
        empty = covariates.UNSEEN if known is None or known.gaps else np.nan
        beside[name] = numbers(column) if kinds is None else covariates.codes(column, kinds, empty)
        inputs.append(Covariate(name=name, role=role, categories=kinds, gaps=known is not None and known.gaps))
    if roles.weight is not None:
        beside[roles.weight] = numbers(frame[roles.weight])
    return Cells({name: numbers(frame[name]) for name in roles.targets}, beside, tuple(inputs))


def numbers(column: pd.Series) -> np.ndarray:
    """A column as float64, NaN where empty."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        missing = np.isnan(values)
        if missing.any():  # of R's NA the processor complains in every sum, and NumPy to the reader
            values = np.where(missing, np.nan, values)
    else:
        parsed = pd.to_numeric(column.astype(object), errors="coerce")
        broken = (parsed.isna() & column.notna() & ~column.isin(MISSING)).to_numpy()
        if broken.any():
            place = int(broken.argmax())
            raise DataError(
                f'{row(column, place)}: "{column.name}" is "{column.iloc[place]}", which is no number. Mend or empty it'
            )
        values = parsed.to_numpy(dtype=np.float64)
    if max(np.fmax.reduce(values, initial=0.0), -np.fmin.reduce(values, initial=0.0)) > LARGEST:
        place = int((np.abs(values) > LARGEST).argmax())
        raise DataError(
            f'{row(column, place)}: "{column.name}" is {values[place]:g}, too large to compute with. Mend or empty it'
        )
    return values
