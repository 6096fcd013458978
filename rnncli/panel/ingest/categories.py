"""Text columns as category codes."""

import numpy as np
import pandas as pd

from rnncli.errors import DataError
from rnncli.panel.covariates import UNSEEN


def categories_of(column: pd.Series, categorical: bool) -> tuple[str, ...] | None:
    """Return the sorted categories of a column; None if it is numeric. Raises DataError if it holds timestamps.

    categorical: treat a numeric column as categorical.
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        raise DataError(
            f'"{column.name}" contains timestamps, which are neither numbers nor categories. '
            "Convert them, as to days since a date"
        )
    if not categorical and pd.api.types.is_numeric_dtype(column.dtype):
        return None
    return tuple(sorted(set(as_text(column).dropna())))


def encode(column: pd.Series, categories: tuple[str, ...], missing: float) -> np.ndarray:
    """Return each row's category as its number from 1 (rows,), UNSEEN if not listed, `missing` if empty."""
    numbers = {category: number for number, category in enumerate(categories, 1)}
    distinct, names = pd.factorize(as_text(column))
    by_name = np.array([numbers.get(name, UNSEEN) for name in names] + [missing])
    return by_name[distinct]  # factorize gives -1, the last, for missing values


def as_text(column: pd.Series) -> pd.Series:
    """Return each row's category as text, None if missing: 3, 3.0 and "3" are equal."""
    distinct, values = pd.factorize(column)
    names = np.array([*map(_text, values), None], dtype=object)
    return pd.Series(names[distinct], dtype=object)


def _text(value: object) -> str:
    if isinstance(value, int | float | np.number) and not isinstance(value, bool) and float(value).is_integer():
        return str(int(value))
    return str(value)
