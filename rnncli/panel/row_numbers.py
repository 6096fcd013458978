"""What messages call a row of a table: its number in the file that it is from, counted from 1 below the header."""

import pandas as pd


def row(column: pd.Series, place: int) -> str:
    """The row at a place, by the number that its file has for it.

    Where a table was put together of two files (see `future.joined`), its index has the numbers: of the second file
    below zero, from -1 down, and as its own name that of this file.
    """
    if column.index.name is None:
        return f"row {place + 1}"
    number = int(column.index[place])
    return f"row {number + 1}" if number >= 0 else f"row {-number} of {column.index.name}"
