"""Simulated series share the traits of the originals."""

import numpy as np
import pytest

from rnncli.planning import structural_model


@pytest.mark.parametrize("steps", [1, 4, 9])
def test_the_variance_ratio_of_a_random_walk_is_one(steps: int) -> None:
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(20_000, 1))
    gaps = np.where(generator.random(noise.shape) < 0.3, np.nan, noise.cumsum(axis=0))

    assert structural_model.variance_ratio(noise.cumsum(axis=0), steps) == pytest.approx(1, abs=0.05)
    assert structural_model.variance_ratio(gaps, steps) == pytest.approx(1, abs=0.1)
    assert structural_model.variance_ratio(noise, steps) == pytest.approx(1 / np.sqrt(steps), abs=0.05)
    assert structural_model.variance_ratio(3 * np.arange(50.0)[:, None], steps) == pytest.approx(np.sqrt(steps))


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0, 5.0, 5.0], [1.0, np.nan, np.nan, np.nan]])
def test_constant_series_have_neutral_traits(values: list[float]) -> None:
    series = np.array(values)[:, None]

    assert structural_model.variance_ratio(series, 6) == 1
    found = structural_model.estimate_traits(series, 4, 6)
    assert [*found.drift, *found.size] == [0, 0]
    assert found.level == values[0]


def test_the_size_of_rare_changes_is_their_mean() -> None:
    series = np.repeat([2800.0, 2400.0, 2100.0, 1800.0, 1700.0], [2, 2, 3, 7, 2])[:, None]

    found = structural_model.estimate_traits(series, 1, 6)

    assert found.drift == 0
    assert found.size == pytest.approx(1.25 * 1100 / 15)


def test_steady_growth_continues() -> None:
    found = structural_model.estimate_traits(np.stack([3.0 * np.arange(30), -0.5 * np.arange(30)], axis=1), 1, 6)
    made = structural_model.simulate([found] * 500, 10, 6, np.random.default_rng(0))

    assert np.median(np.diff(made, axis=1)[:, 0], axis=0) == pytest.approx([3.0, -0.5], rel=0.4)


def test_traits_are_recovered_despite_outliers() -> None:
    generator = np.random.default_rng(0)
    steps = np.stack([generator.normal(2.0, 0.5, 400), generator.normal(-1.0, 3.0, 400)], axis=1)
    steps[::40] = 1000
    pattern = np.array([[6.0, 0.0], [-2.0, 0.0], [-4.0, 0.0]])

    found = structural_model.estimate_traits(steps.cumsum(axis=0) + np.resize(pattern, (400, 2)), 3, 6)

    assert found.drift == pytest.approx([2.0, -1.0], abs=0.3)
    assert found.size == pytest.approx([0.5, 3.0], rel=0.2)
    assert found.season.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)


def test_the_season_is_recovered_despite_a_trend() -> None:
    pattern = np.array([4.0, -1.0, -3.0, 0.0])
    values = np.resize(pattern, 40) + 0.5 * np.arange(40)
    values[13] = np.nan

    assert structural_model.estimate_traits(values[:, None], 4, 6).season[:, 0] == pytest.approx(pattern)
    assert (structural_model.estimate_traits(values[:7, None], 4, 6).season == 0).all()  # less than two


def like(drift: float, size: float, lasting: float = 1.0) -> structural_model.StructuralTraits:
    return structural_model.StructuralTraits(
        np.zeros(1), np.array([drift]), np.array([size]), np.array([lasting]), np.zeros((1, 1))
    )


def test_simulated_series_have_the_drift_and_size_of_the_originals() -> None:
    made = structural_model.simulate([like(2.0, 1.0)] * 3000, 30, 6, np.random.default_rng(0))

    changes = np.diff(made[..., 0], axis=1)
    assert made.shape == (3000, 30, 1)
    assert 1.2 < np.median(changes[:, 0]) < 2.2  # the slope fades from the first step on
    assert 0.7 < np.median(np.abs(changes - np.median(changes, axis=1, keepdims=True))) * 1.48 < 1.5
    assert np.array_equal(made, structural_model.simulate([like(2.0, 1.0)] * 3000, 30, 6, np.random.default_rng(0)))
    assert (structural_model.simulate([like(0.0, 0.0)] * 5, 30, 6, np.random.default_rng(0)) == 0).all()


@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("horizon", [2, 6, 24])
def test_the_lasting_share_is_that_of_the_random_walk(noise: float, horizon: int) -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(40_000, 2)).cumsum(axis=0) + noise * generator.normal(size=(40_000, 2))

    assert structural_model.estimate_traits(values, 1, horizon).lasting == pytest.approx(
        1 / (1 + 2 * noise**2), abs=0.08
    )
    assert structural_model.estimate_traits(values[:3], 1, horizon).lasting == pytest.approx(1)  # too few to tell


@pytest.mark.parametrize("horizon", [6, 24])
def test_simulated_series_revert_like_the_originals(horizon: int) -> None:
    values = np.random.default_rng(0).normal(size=(400, 1))
    found = structural_model.estimate_traits(values, 1, horizon)
    made = structural_model.simulate([found] * 300, 200, horizon, np.random.default_rng(0))

    assert found.lasting < 0.1
    assert (
        0.8
        < np.median([structural_model.variance_ratio(one, horizon) for one in made])
        / structural_model.variance_ratio(values, horizon)
        < 1.5
    )


def test_slopes_lead_no_farther_over_a_long_horizon() -> None:
    far = []
    for horizon in (6, 24, 96):
        made = structural_model.simulate([like(0.0, 1.0)] * 3000, 4 * horizon, horizon, np.random.default_rng(0))
        far.append(np.quantile(np.abs(made[:, -1]), 0.9) / np.sqrt(horizon))

    assert far == pytest.approx([far[0]] * 3, rel=0.15)
