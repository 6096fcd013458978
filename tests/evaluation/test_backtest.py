"""Backtests score all methods on the same rows, which no forecast receives."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnncli.config.sections import Columns
from rnncli.evaluation import backtest, metrics
from rnncli.evaluation.backtest import Scoring
from rnncli.evaluation.baselines import BASELINES
from rnncli.evaluation.cutoffs import last_cutoffs
from rnncli.model import weights_file
from rnncli.panel import Cutoffs
from tests.conftest import hourly
from tests.frames import from_frame

CPU = torch.device("cpu")


def test_every_model_is_scored_on_the_same_actual_values(model: Path) -> None:
    panel = from_frame(hourly(), Columns())
    cutoffs = last_cutoffs(panel, 6, 2, 6)

    scored = backtest.forecast_all_methods(weights_file.load(model), panel, cutoffs, Scoring(24, (80.0,)), CPU)

    expected = np.stack([panel.series(s)[row : row + 6] for s, row in zip(*cutoffs, strict=True)])
    assert list(scored) == ["rnncli", *BASELINES]
    for forecast in scored.values():
        assert np.array_equal(forecast.actual, expected)


def test_seasonal_naive_is_the_day_before(model: Path) -> None:
    panel = from_frame(hourly(), Columns())
    cutoffs = last_cutoffs(panel, 6, 1, 6)

    scored = backtest.forecast_all_methods(weights_file.load(model), panel, cutoffs, Scoring(24, ()), CPU)

    day_before = np.stack([panel.series(s)[row - 24 : row - 18] for s, row in zip(*cutoffs, strict=True)])
    assert np.array_equal(scored["SeasonalNaive"].point, day_before)


def test_scores_do_not_depend_on_the_size_of_chunks(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, fitted = from_frame(hourly(), Columns()), weights_file.load(model)
    cutoffs = last_cutoffs(panel, 6, 5, 3)
    scoring = Scoring(24, (80.0,), list(metrics.METRICS))

    def scores() -> tuple[object, object]:
        found = backtest.score_windows(
            backtest.forecast_in_chunks(fitted, panel, cutoffs, scoring, CPU), scoring, by_step=True
        )
        return found.overall(), found.by_step()

    at_once = scores()
    monkeypatch.setattr(backtest, "VALUES_AT_ONCE", 1)

    np.testing.assert_equal(rounded(scores()), rounded(at_once))


def rounded(scores: object) -> object:
    if isinstance(scores, dict):
        return {name: rounded(value) for name, value in scores.items()}
    return [rounded(score) for score in scores] if isinstance(scores, tuple) else np.round(np.asarray(scores, float), 4)


def test_groups_of_windows_have_the_scores_they_have_alone(model: Path) -> None:
    panel, fitted, scoring = from_frame(hourly(), Columns()), weights_file.load(model), Scoring(24, (80.0,))
    cutoffs = last_cutoffs(panel, 6, 4, 6)
    whole = backtest.score_windows(backtest.forecast_in_chunks(fitted, panel, cutoffs, scoring, CPU), scoring)
    second = Cutoffs(cutoffs.series[4:8], cutoffs.rows[4:8])
    alone = backtest.score_windows(backtest.forecast_in_chunks(fitted, panel, second, scoring, CPU), scoring).overall()

    scores = whole.by_group(cutoffs.series, 3)

    for method, row in alone.items():
        assert {name: scores[method][name][1] for name in row} == pytest.approx(row, rel=1e-5)


@given(st.integers(0, 2), st.integers(1, 30), st.floats(-1e6, 1e6))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_row_after_a_cutoff_changes_its_forecasts(model: Path, series: int, back: int, value: float) -> None:
    panel, fitted, scoring = (
        from_frame(hourly(), Columns()),
        weights_file.load(model),
        Scoring(24, (80.0,), ["OWA", "RMSSE"]),
    )
    cutoffs = Cutoffs(np.full(2, series), panel.lengths[series] - np.array([30, 31]))
    values = panel.values.copy()
    values[panel.offsets[series + 1] - back] = value
    other = dataclasses.replace(panel, values=values)

    before, after = (backtest.forecast_all_methods(fitted, one, cutoffs, scoring, CPU) for one in (panel, other))

    for method, scored in before.items():
        for name in ("point", "quantiles", "season_error", "season_square"):
            np.testing.assert_array_equal(getattr(scored, name), getattr(after[method], name))
