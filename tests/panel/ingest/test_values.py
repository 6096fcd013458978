"""Columns as numbers."""

import numpy as np
import pyarrow as pa

from rnncli.panel.ingest import values
from rnncli.panel.table import Column

R_MISSING = np.array([0x7FF00000000007A2], np.uint64).view(np.float64)[0]  # a signalling NaN, as R writes its NA


def test_missing_values_of_r_raise_no_warning() -> None:
    column = Column("y", pa.chunked_array([pa.array(np.array([1.0, R_MISSING, 3.0]))]))

    numbers = values.to_numbers(column)

    assert np.array_equal(np.diff(numbers), [np.nan, np.nan], equal_nan=True)  # with the column's own NaN it warns
    assert numbers[[0, 2]].tolist() == [1.0, 3.0]
