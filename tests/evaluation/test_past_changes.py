"""Errors of seasonal naive within the past, by which metrics are scaled."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli.evaluation.past_changes import seasonal_naive_errors


@given(hnp.arrays(np.float64, (20, 1), elements=st.floats(-100, 100)), st.integers(1, 19))
def test_the_season_error_is_the_mean_difference_over_a_season(values: np.ndarray, season: int) -> None:
    expected = np.mean([abs(values[step, 0] - values[step - season, 0]) for step in range(season, 20)])

    assert np.isclose(seasonal_naive_errors(values, season, np.array([20]))[0, 0], expected)


@given(hnp.arrays(np.float64, (20, 2), elements=st.floats(-100, 100)), st.integers(1, 25), st.integers(1, 20))
def test_rows_after_the_cutoff_change_no_season_error(values: np.ndarray, season: int, rows: int) -> None:
    whole = seasonal_naive_errors(values, season, np.array([rows, 20]))[0]

    assert np.allclose(whole, seasonal_naive_errors(values[:rows], season, np.array([rows]))[0], equal_nan=True)


def test_a_series_shorter_than_a_season_is_measured_by_its_steps() -> None:
    assert seasonal_naive_errors(np.array([[1.0], [3.0], [7.0]]), 12, np.array([3]))[0, 0] == 3
