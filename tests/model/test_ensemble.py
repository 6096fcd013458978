"""Ensemble forecasts: members are averaged, outliers are clipped, and quantiles stay sorted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli.model.ensemble import ensemble_forecast

RISING = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 7), st.just(4), st.just(3)), elements=st.floats(-1e6, 1e6)
).map(lambda said: np.sort(said, axis=-1))


def test_similar_members_are_averaged() -> None:
    said = np.array([[1.0, 2.0], [1.5, 2.5], [3.5, 4.5], [2.0, 3.0]])

    assert np.allclose(ensemble_forecast(list(said), counts=False), said.mean(axis=0))


def test_counts_take_the_median() -> None:
    said = np.array([[0.0, 1.0], [0.0, 2.0], [1.0, 7.0]])

    assert np.array_equal(ensemble_forecast(list(said), counts=True), np.array([0.0, 2.0]))


@given(RISING, st.booleans())
def test_quantiles_stay_sorted(said: np.ndarray, counts: bool) -> None:
    together = ensemble_forecast(list(said), counts)

    assert (np.diff(together, axis=-1) >= -1e-6).all()


@given(RISING, st.floats(-1e6, 1e6))
def test_further_quantiles_change_none_of_the_others(said: np.ndarray, further: float) -> None:
    more = np.concatenate([said, said[..., -1:] + np.arange(len(said)).reshape(-1, 1, 1) * further], axis=-1)

    other = ensemble_forecast(list(more), False, np.arange(3))[..., :3]
    assert np.allclose(other, ensemble_forecast(list(said), False), atol=1e-6)


@given(st.floats(allow_nan=False), st.floats(-100, 100), st.floats(0, 10), st.floats(0, 10))
def test_an_outlier_moves_the_ensemble_little(wild: float, first: float, second: float, third: float) -> None:
    sane = [first, first + second, first + second + third]

    together = ensemble_forecast([np.array([one]) for one in (*sane, wild)], counts=False).item()

    apart = second + third
    assert sane[0] - 1.5 * apart - 1e-9 <= together <= sane[-1] + 1.5 * apart + 1e-9


@given(RISING)
def test_a_member_without_forecast_is_ignored(said: np.ndarray) -> None:
    silent = np.full_like(said[0], np.nan)

    assert np.allclose(ensemble_forecast([silent, *said], counts=False), ensemble_forecast(list(said), counts=False))


def test_without_any_member_forecast_the_ensemble_has_none() -> None:
    silent = np.full((2, 3), np.nan)

    assert np.isnan(ensemble_forecast([silent, silent, silent], counts=False)).all()
