"""Text columns as category codes."""

import numpy as np

from rnncli.errors import DataError
from rnncli.panel.covariates import UNSEEN
from rnncli.panel.table import Column


def categories_of(column: Column, categorical: bool) -> tuple[str, ...] | None:
    """Return the sorted categories of a column; None if it is numeric. Raises DataError if it holds timestamps.

    categorical: treat a numeric column as categorical.
    """
    if column.kind == "time":
        raise DataError(
            f'"{column.name}" contains timestamps, which are neither numbers nor categories. '
            "Convert them, as to days since a date"
        )
    if not categorical and column.kind == "number":
        return None
    return tuple(sorted(set(distinct_texts(column))))


def encode(column: Column, categories: tuple[str, ...], missing: float) -> np.ndarray:
    """Return each row's category as its number from 1 (rows,), UNSEEN if not listed, `missing` if empty."""
    numbers = {category: number for number, category in enumerate(categories, 1)}
    by_code = np.array([*(numbers.get(text, UNSEEN) for text in distinct_texts(column)), missing])
    return by_code[column.coded.codes]  # the code of an empty cell is -1, the last


def distinct_texts(column: Column) -> list[str]:
    """Return the distinct values of a column as texts: 3, 3.0 and "3" are equal."""
    return list(map(_text, column.coded.distinct.to_pylist()))


def _text(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer():
        return str(int(value))
    return str(value)
