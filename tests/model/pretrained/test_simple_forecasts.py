"""Simple forecasts against obvious definitions, and their independence of the padding of a window."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncli.model.pretrained.simple_forecasts import METHODS, Seasons, simple_forecasts

STEPS = np.arange(1, 9)
NO_SEASON = Seasons(1)


def window(length: int, season: int = 1, seed: int = 0) -> np.ndarray:
    time = np.arange(length)
    noise = np.random.default_rng(seed).standard_normal(length)
    return 20 + 0.3 * time + 5 * np.sin(2 * np.pi * time / season) * (season > 1) + noise


def forecast(values: np.ndarray, method: str, seasons: Seasons = NO_SEASON) -> np.ndarray:
    found = simple_forecasts(values[None], np.ones((1, len(values))), seasons, STEPS)
    return found.values[0, METHODS.index(method)]


def smoothed(values: np.ndarray, alpha: float) -> float:
    """Simple exponential smoothing that begins as a mean."""
    level = 0.0
    for count, value in enumerate(values, 1):
        level += max(alpha, 1 / count) * (value - level)
    return level


def test_naive_repeats_the_last_value() -> None:
    values = window(20)

    assert forecast(values, "naive") == pytest.approx(np.full(8, values[-1]))


def test_seasonal_naive_repeats_the_last_season() -> None:
    values = window(21, 4)

    assert forecast(values, "seasonal naive", Seasons(4)) == pytest.approx(np.resize(values[-4:], 8))


def test_the_long_seasonal_naive_repeats_the_last_long_season() -> None:
    values = window(80, 7)

    found = forecast(values, "long seasonal naive", Seasons(7, 28))
    assert found == pytest.approx(values[-28:-20])


def test_the_line_is_that_of_least_squares() -> None:
    values = window(30)
    slope, level = np.polyfit(np.arange(30), values, 1)

    assert forecast(values, "line + season") == pytest.approx(level + slope * (29 + STEPS))


def test_the_drift_continues_from_the_first_to_the_last_value() -> None:
    values = window(25)

    expected = values[-1] + STEPS * (values[-1] - values[0]) / 24
    assert forecast(values, "drift + season") == pytest.approx(expected)


@pytest.mark.parametrize("alpha", [0.1, 0.3, 0.6])
def test_smoothing_is_the_recursion_of_its_definition(alpha: float) -> None:
    values = window(60)

    assert forecast(values, f"SES {alpha:g} + season") == pytest.approx(np.full(8, smoothed(values, alpha)))


def test_theta_rises_by_half_the_slope_of_the_line() -> None:
    values = window(30)
    slope = np.polyfit(np.arange(30), values, 1)[0]

    assert forecast(values, "Theta + season") == pytest.approx(smoothed(values, 0.3) + 0.5 * slope * STEPS)


@pytest.mark.parametrize("season", [4, 7, 12])
def test_line_and_season_continue_a_line_with_a_season_without_error(season: int) -> None:
    time = np.arange(6 * season + 8)
    values = 50 + 0.7 * time + np.resize(np.random.default_rng(1).normal(0, 9, season), len(time))

    found = forecast(values[:-8], "line + season", Seasons(season))
    assert found == pytest.approx(values[-8:], abs=0.1)


@given(st.integers(1, 60), st.integers(0, 30), st.sampled_from([Seasons(1), Seasons(4), Seasons(7, 28), Seasons(12)]))
def test_no_forecast_depends_on_the_padding_of_a_window(length: int, padding: int, seasons: Seasons) -> None:
    values = window(length, seasons.short)
    padded, weights = np.zeros((1, length + padding)), np.zeros((1, length + padding))
    padded[:, padding:], weights[:, padding:] = values, 1

    alone = simple_forecasts(values[None], np.ones((1, length)), seasons, STEPS)
    found = simple_forecasts(padded, weights, seasons, STEPS)

    assert np.isfinite(found.values).all()
    assert found.values == pytest.approx(alone.values, abs=1e-8)


def test_a_step_is_forecast_the_same_whatever_the_other_steps() -> None:
    values = window(50, 12)[None]

    all_steps = simple_forecasts(values, np.ones_like(values), Seasons(12), np.arange(1, 31))
    two = simple_forecasts(values, np.ones_like(values), Seasons(12), np.array([3, 30]))
    assert two.values == pytest.approx(all_steps.values[..., [2, 29]])
