"""Simulated series: every family, their seasons and disturbances, and how they are recorded."""

import subprocess
import sys

import numpy as np
import pytest

from rnncli.planning.simulation import disturbances, recording, seasons
from rnncli.planning.simulation.processes import FAMILIES, Paths
from rnncli.planning.simulation.simulate import simulate


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("season", [1, 4, 7, 12, 24, 52])
@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_gives_finite_paths_that_differ(family: str, season: int) -> None:
    paths = FAMILIES[family].simulate(generator(), 20, 90, season)

    assert paths.values.shape == (20, 90)
    assert paths.noise.shape == (20,)
    assert np.isfinite(paths.values).all()
    assert (paths.noise >= 0).all()
    assert len(np.unique(paths.values[:, -1])) > 10 or family == "lines"


@pytest.mark.parametrize("season", [1, 5, 7, 12, 24, 168])
def test_the_same_seed_gives_the_same_series_and_another_seed_others(season: int) -> None:
    first, again, other = (simulate(generator(seed), 30, 60, season) for seed in (1, 1, 2))

    assert np.isfinite(first).all()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_family_that_is_left_out_simulates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> Paths:
        raise AssertionError("simulated")

    monkeypatch.setitem(FAMILIES, "lines", FAMILIES["lines"]._replace(simulate=never))

    assert simulate(generator(), 100, 30, 1, leave_out="lines").shape == (100, 30)
    with pytest.raises(AssertionError, match="simulated"):
        simulate(generator(), 100, 30, 1)


def test_the_shares_of_all_families_sum_to_one() -> None:
    assert sum(family.share for family in FAMILIES.values()) == pytest.approx(1)


def test_more_series_grow_than_fall() -> None:
    series = simulate(generator(), 2_000, 40, 1)

    assert (series[:, -1] > series[:, 0]).mean() > 0.55


@pytest.mark.parametrize("season", [4, 7, 12, 24])
def test_a_steady_season_repeats_exactly(season: int) -> None:
    paths = seasons.seasonal_paths(generator(), 50, 5 * season, season, steady=np.ones(50, bool))

    assert np.allclose(paths[:, season:], paths[:, :-season])
    deviations = paths[:, :season].std(axis=1)
    assert np.isclose(deviations, np.where(deviations < 0.5, 0, 1)).all()  # zero: a season of peaks without any
    assert (deviations > 0.5).mean() > 0.8


def test_some_other_seasons_change() -> None:
    paths = seasons.seasonal_paths(generator(), 200, 60, 12)

    assert 0.3 < np.isclose(paths[:, -12:], paths[:, :12]).all(axis=1).mean() + 0.3 < 1


def test_only_seasons_of_the_clock_have_a_second_one() -> None:
    assert not seasons.second_season(generator(), 50, 100, 12).any()
    with_week = seasons.second_season(generator(), 200, 400, 24)
    assert 0.4 < with_week.any(axis=1).mean() < 0.7


def test_a_level_shift_moves_all_later_values() -> None:
    shifted = disturbances.level_shifts(generator(3), np.zeros((500, 50)), np.ones(500))

    changes = np.diff(shifted, axis=1) != 0
    assert 0.2 < changes.any(axis=1).mean() < 0.6
    assert changes.sum(axis=1).max() < 12


def test_noise_has_the_variance_one_in_a_typical_series() -> None:
    assert np.median(disturbances.noise(generator(), 2_000, 100).std(axis=1)) == pytest.approx(1, rel=0.15)


def test_counts_are_whole_and_around_their_rate() -> None:
    drawn = recording.counts(generator(), np.full((400, 50), 20.0))

    assert (drawn == np.round(drawn)).all()
    assert (drawn >= 0).all()
    assert drawn.mean() == pytest.approx(20, rel=0.05)


def test_intermittent_demand_is_zero_in_many_steps() -> None:
    zeros = (recording.intermittent(generator(), np.full((300, 60), 4.2)) == 0).mean(axis=1)

    assert zeros.min() > 0.1
    assert zeros.mean() > 0.5


def test_capped_series_stay_at_their_largest_value() -> None:
    capped = recording.capped(generator(), generator().standard_normal((50, 80)).cumsum(axis=1))

    assert ((capped == capped.max(axis=1, keepdims=True)).sum(axis=1) >= 3).all()


def test_ended_series_are_zero_until_the_last_step() -> None:
    ended = recording.ended(generator(), np.ones((50, 80)))

    assert not ended[:, -8:].any()
    assert ended[:, :20].all()


def test_gaps_leave_the_last_value_and_most_series_as_they_are() -> None:
    series = recording.gaps(generator(), np.ones((500, 40)), 0.2)

    assert not np.isnan(series[:, -1]).any()
    assert 0.05 < np.isnan(series).any(axis=1).mean() < 0.25


def test_the_generator_needs_numpy_alone() -> None:
    code = (
        "import sys, rnncli.planning.simulation.simulate\n"
        "assert not {'torch', 'pandas', 'pyarrow', 'scipy'} & set(sys.modules)\n"
        "assert not [name for name in sys.modules if name.startswith(('rnncli.tables', 'rnncli.panel'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
