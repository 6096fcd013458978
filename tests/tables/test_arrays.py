"""Arrow arrays to NumPy arrays and back."""

import numpy as np
import pyarrow as pa
import pytest

from rnncli.tables import arrays

TYPES = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "?")


@pytest.mark.parametrize("dtype", TYPES)
def test_numbers_return_in_their_type(dtype: str) -> None:
    values = np.array([1, 0, 3, 0, 5, 6, 0, 8, 9, 0]).astype(dtype)

    stored = arrays.to_arrow(values)

    assert stored.equals(pa.array(values))
    assert np.array_equal(arrays.to_numpy(stored), values)
    assert np.array_equal(
        arrays.to_numpy(pa.chunked_array([stored[3:], stored[:0], stored[1:9]])), [*values[3:], *values[1:9]]
    )


def test_missing_numbers_are_null() -> None:
    stored = arrays.to_arrow(np.array([1.5, np.nan, 2.0]), np.array([True, True, False]))

    assert stored.to_pylist() == [1.5, None, None]
    assert arrays.is_null(stored).tolist() == [False, True, True]


def test_texts_return_with_null_for_none() -> None:
    assert arrays.texts_to_arrow(["a", None, "", "é"]).equals(pa.array(["a", None, "", "é"]))


def test_codes_are_texts_with_null_for_minus_one() -> None:
    assert arrays.coded_to_arrow(np.array([1, -1, 0]), ["a", "b"]).to_pylist() == ["b", None, "a"]


def test_chunks_with_different_dictionaries_are_coded_alike() -> None:
    column = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", None]).dictionary_encode()])

    coded = arrays.coded(column)

    assert coded.to_pylist() == ["a", "b", "b", None]
    assert coded.dictionary.to_pylist() == ["a", "b"]


def test_timestamps_keep_their_zone() -> None:
    stored = arrays.timestamps_to_arrow(np.array([0]), "Europe/Berlin")

    assert str(stored[0].as_py()) == "1970-01-01 01:00:00+01:00"
