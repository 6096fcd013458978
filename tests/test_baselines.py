"""Baselines against their one-line definitions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli import baselines

pasts = hnp.arrays(np.float64, (3, 17, 2), elements=st.floats(-1e6, 1e6))


@given(pasts, st.integers(1, 10), st.integers(1, 17))
def test_seasonal_naive_repeats_the_last_season(past: np.ndarray, horizon: int, season: int) -> None:
    forecast = baselines.seasonal_naive(past, horizon, season)

    for step in range(horizon):
        assert np.array_equal(forecast[:, step], past[:, 17 - season + step % season])


@given(pasts)
def test_naive_repeats_the_last_value(past: np.ndarray) -> None:
    assert np.array_equal(baselines.naive(past, 4), np.repeat(past[:, -1:], 4, axis=1))


def test_missing_values_are_looked_for_further_back() -> None:
    past = np.array([1.0, 2, 3, np.nan, 5, np.nan, np.nan, np.nan]).reshape(1, 8, 1)

    assert baselines.naive(past, 1).item() == 5
    assert baselines.seasonal_naive(past, 4, 4)[0, :, 0].tolist() == [5, 2, 3, 5]


def test_a_past_without_values_forecasts_nothing() -> None:
    assert np.isnan(baselines.seasonal_naive(np.full((1, 4, 1), np.nan), 2, 2)).all()


@given(hnp.arrays(np.float64, (20, 1), elements=st.floats(-100, 100)), st.integers(1, 19))
def test_the_season_error_is_the_mean_difference_over_a_season(values: np.ndarray, season: int) -> None:
    expected = np.mean([abs(values[step, 0] - values[step - season, 0]) for step in range(season, 20)])

    assert np.isclose(baselines.season_errors(values, season, np.array([20]))[0, 0], expected)


@given(hnp.arrays(np.float64, (20, 2), elements=st.floats(-100, 100)), st.integers(1, 25), st.integers(1, 20))
def test_rows_after_the_cutoff_change_no_season_error(values: np.ndarray, season: int, rows: int) -> None:
    whole = baselines.season_errors(values, season, np.array([rows, 20]))[0]

    assert np.allclose(whole, baselines.season_errors(values[:rows], season, np.array([rows]))[0], equal_nan=True)


def test_a_series_shorter_than_a_season_is_measured_by_its_steps() -> None:
    assert baselines.season_errors(np.array([[1.0], [3.0], [7.0]]), 12, np.array([3]))[0, 0] == 3
