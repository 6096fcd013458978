"""Number the rows of a table in messages as its file does: from 1 below the header."""

from typing import NamedTuple

import numpy as np


class RowNumbers(NamedTuple):
    """The places of a table's rows in one file, or in two of which the second is named in messages."""

    numbers: np.ndarray | None = None  # (R,) from 0; None: those of the table
    first: int = 0  # rows from the first file, if there is a second
    second: str = ""  # the name of the second file

    def words(self, position: int) -> str:
        """Return how messages name the row at a position of the table."""
        number = position if self.numbers is None else int(self.numbers[position])
        return f"row {number + 1} of {self.second}" if self.second and position >= self.first else f"row {number + 1}"
