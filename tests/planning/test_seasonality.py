"""Seasons are detected even from less than two cycles, and not by chance."""

import warnings

import numpy as np
import pandas as pd
import pytest

from rnncli.config.sections import Columns
from rnncli.panel import Panel
from rnncli.planning.seasonality import detected_seasons, season_for_scores
from tests.frames import from_frame
from tests.planning.plans import plan, single, wave


def panel_of(series: list[np.ndarray], freq: str) -> Panel:
    tables = [
        pd.DataFrame(
            {"id": f"s{number}", "ds": pd.date_range("2020-01-05", periods=len(values), freq=freq), "y": values}
        )
        for number, values in enumerate(series)
    ]
    return from_frame(pd.concat(tables), Columns(time="ds", target=("y",), id="id"))


@pytest.mark.parametrize("rows", [80, 95, 104, 160])
def test_a_yearly_season_of_weeks_is_detected_in_less_than_two_years(rows: int) -> None:
    assert season_for_scores(single(wave(rows, 52), "W")) == 52


def test_a_single_peak_does_not_hide_the_season() -> None:
    values = wave(78, 52)
    values[40] += 60

    assert season_for_scores(single(values, "W")) == 52


def test_the_season_is_detected_in_validation_rows_too() -> None:
    panel = single(wave(80, 52), "W")

    assert plan(panel, horizon=8).architecture.season == 52
    assert list(detected_seasons(panel)) == [52]


@pytest.mark.parametrize(("freq", "rows"), [("W", 67), ("W", 95), ("MS", 18), ("MS", 23)])
def test_random_walks_seldom_have_a_season(freq: str, rows: int) -> None:
    walks = np.random.default_rng(0).standard_normal((60, rows)).cumsum(axis=1)

    taken = [season_for_scores(single(walk, freq)) > 1 for walk in walks]
    assert sum(taken) <= 6
    assert season_for_scores(panel_of(list(walks), freq)) == 1


def test_many_short_series_show_a_season_that_a_single_one_does_not() -> None:
    generator = np.random.default_rng(0)
    months, noise = generator.standard_normal((60, 12)), generator.standard_normal((60, 22))
    series = list(np.concatenate([months, months[:, :10]], axis=1) + 0.7 * noise)

    assert season_for_scores(panel_of(series, "MS")) == 12
    assert sum(season_for_scores(single(one, "MS")) == 12 for one in series) < 30


def test_identical_series_are_no_more_evidence_than_one() -> None:
    walks = np.random.default_rng(0).standard_normal((40, 20)).cumsum(axis=1)

    for walk in walks:
        assert season_for_scores(panel_of([walk] * 8, "MS")) == season_for_scores(single(walk, "MS"))


@pytest.mark.parametrize("values", [np.full(80, 3.0), np.where(np.arange(80) % 9 == 0, np.nan, 1.0)])
def test_constant_series_have_no_season(values: np.ndarray) -> None:
    assert season_for_scores(single(values, "W")) == 1


def test_series_that_ended_early_do_not_prevent_detection() -> None:
    gone, going = wave(200, 52), [wave(95, 52) for _ in range(4)]
    gone[60:199] = np.nan

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert season_for_scores(panel_of([gone, *going], "W")) == 52


@pytest.mark.parametrize("size", [1e-200, 1e30])
def test_extreme_values_cause_no_warning(size: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        season_for_scores(single(wave(80, 52) * size, "W"))
