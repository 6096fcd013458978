"""Number the rows of a table in messages as its file does: from 1 below the header."""

import numpy as np
import pandas as pd

SOURCE, ROW = "source", "row"  # index levels of a table made of two files


def two_sources(first: pd.Index, second: pd.Index, source: str) -> pd.MultiIndex:
    """Return the index of the rows of one file (numbers from 0) above those of a second, which is called `source`."""
    sources = np.repeat(["", source], [len(first), len(second)])
    return pd.MultiIndex.from_arrays([sources, np.concatenate([first, second])], names=[SOURCE, ROW])


def row(column: pd.Series, position: int) -> str:
    """Return how messages name the row at a position of a column."""
    if not isinstance(column.index, pd.MultiIndex):
        return f"row {position + 1}"
    source = column.index.get_level_values(SOURCE)[position]
    number = int(column.index.get_level_values(ROW)[position])
    return f"row {number + 1} of {source}" if source else f"row {number + 1}"
