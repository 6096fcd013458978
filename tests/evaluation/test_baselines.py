"""Baselines against their one-line definitions, statsforecast, and what M4 published."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli.evaluation import baselines, metrics
from rnncli.evaluation.baselines import BASELINES, Baseline, BaselineInput, NormalForecast
from rnncli.evaluation.past_changes import seasonal_naive_errors
from rnncli.evaluation.window_errors import EvaluatedForecast, mean_ratio
from tests.conftest import Command

SHARED = Path(__file__).parents[3] / "shared" / "data"

pasts = hnp.arrays(np.float64, (3, 17, 2), elements=st.floats(-1e6, 1e6))


@given(pasts, st.integers(1, 10), st.integers(1, 17))
def test_seasonal_naive_repeats_the_last_season(past: np.ndarray, horizon: int, season: int) -> None:
    forecast = baselines.seasonal_naive(past, horizon, season)

    for step in range(horizon):
        assert np.array_equal(forecast[:, step], past[:, 17 - season + step % season])


@given(pasts)
def test_naive_repeats_the_last_value(past: np.ndarray) -> None:
    assert np.array_equal(baselines.naive(past, 4), np.repeat(past[:, -1:], 4, axis=1))


def test_missing_values_are_replaced_by_earlier_ones() -> None:
    past = np.array([1.0, 2, 3, np.nan, 5, np.nan, np.nan, np.nan]).reshape(1, 8, 1)

    assert baselines.naive(past, 1).item() == 5
    assert baselines.seasonal_naive(past, 4, 4)[0, :, 0].tolist() == [5, 2, 3, 5]


def test_a_past_without_values_forecasts_nothing() -> None:
    assert np.isnan(baselines.seasonal_naive(np.full((1, 4, 1), np.nan), 2, 2)).all()


def past_of(values: np.ndarray, season: int) -> BaselineInput:
    """Return the input of baselines at the end of one series (T,)."""
    column, rows = values[:, None], np.array([len(values)])
    first = np.flatnonzero(~np.isnan(values))[:1]
    squares = [seasonal_naive_errors(column, lag, rows, 2) for lag in (1, season)]
    return BaselineInput(column[None], rows, values[first][None], first[None], *squares)


@given(hnp.arrays(np.float64, 12, elements=st.floats(-100, 100)), st.integers(1, 8))
def test_drift_is_the_line_through_the_first_and_the_last_value(values: np.ndarray, horizon: int) -> None:
    expected = np.interp(0, [0], [values[-1]]) + (values[-1] - values[0]) / 11 * np.arange(1, horizon + 1)

    assert np.allclose(BASELINES["Drift"].forecast(past_of(values, 3), horizon, 3).point[0, :, 0], expected)


def test_drift_continues_from_the_last_observed_value() -> None:
    forecast = BASELINES["Drift"].forecast(past_of(np.array([np.nan, 1.0, 2.0, np.nan, 4.0, np.nan]), 2), 2, 2)

    assert forecast.point[0, :, 0].tolist() == [6.0, 7.0]


def test_the_window_average_is_the_mean_of_the_last_season() -> None:
    values = np.array([9.0, 9.0, 1.0, np.nan, 3.0])

    assert BASELINES["WindowAverage"].forecast(past_of(values, 3), 2, 3).point[0, :, 0].tolist() == [2.0, 2.0]


@given(hnp.arrays(np.float64, 30, elements=st.floats(-100, 100)))
def test_intervals_grow_with_the_horizon(values: np.ndarray) -> None:
    for name, baseline in BASELINES.items():
        deviation = baseline.forecast(past_of(values, 4), 9, 4).deviation[0, :, 0]
        assert (np.diff(deviation) >= -1e-9).all(), name


def test_points_and_intervals_are_those_of_statsforecast() -> None:
    models = pytest.importorskip("statsforecast.models", reason="needs the extra baselines")
    values = 10 + np.random.default_rng(0).normal(size=200).cumsum()
    past, levels = past_of(values, 7), np.array([0.1, 0.9])
    oracles = {
        "Naive": models.Naive(),
        "SeasonalNaive": models.SeasonalNaive(7),
        "Drift": models.RandomWalkWithDrift(),
        "WindowAverage": models.WindowAverage(7),
    }

    for name, oracle in oracles.items():
        forecast = BASELINES[name].forecast(past, 20, 7)
        expected = oracle.forecast(values, 20, level=None if name == "WindowAverage" else [80])
        assert np.allclose(forecast.point[0, :, 0], expected["mean"]), name
        if name != "WindowAverage":  # it has no intervals there; the others divide by one degree of freedom less
            ends = forecast.quantiles(levels)[0, :, 0]
            assert np.allclose(ends, np.stack([expected["lo-80"], expected["hi-80"]], axis=1), rtol=0.02), name


@pytest.mark.parametrize(
    ("name", "season", "horizon", "smape", "mase", "owa"),
    [("m4_hourly", 24, 48, 18.383, 2.395, 0.627), ("m4_yearly", 1, 6, 16.342, 3.974, 1.0)],
)
def test_naive2_and_seasonal_naive_score_what_m4_published(
    name: str, season: int, horizon: int, smape: float, mase: float, owa: float
) -> None:
    if not (SHARED / name).exists():
        pytest.skip("needs ../shared/data")
    train, test = (
        pd.read_parquet(SHARED / name / f"{part}.parquet").sort_values(["unique_id", "ds"])
        for part in ("train", "test")
    )
    pasts = [values.to_numpy() for _, values in train.groupby("unique_id")["y"]]
    actual = test["y"].to_numpy().reshape(-1, horizon, 1)
    errors = np.concatenate([seasonal_naive_errors(past[:, None], season, np.array([len(past)])) for past in pasts])
    points = {
        "Naive2": [baselines.naive2(past, horizon, season) for past in pasts],
        "SeasonalNaive": [baselines.seasonal_naive(past[None, :, None], horizon, season)[0, :, 0] for past in pasts],
    }

    rows = {}
    for method, forecasts in points.items():
        point = np.stack(forecasts)[..., None]
        scored = EvaluatedForecast(actual, point, point[..., None], np.array([0.5]), errors, errors**2)
        found = metrics.terms(scored, ["sMAPE", "MASE"], ())
        rows[method] = [np.array(terms.score) for terms in found.values()]

    assert rows["Naive2"] == pytest.approx([smape, mase], abs=1e-3)
    assert mean_ratio(rows["SeasonalNaive"], rows["Naive2"]) == pytest.approx(owa, abs=1e-3)


def test_a_row_is_all_that_a_new_baseline_needs(
    rnncli: Command, model: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def zero(past: BaselineInput, horizon: int, _season: int) -> NormalForecast:
        zeros = np.zeros((len(past.rows), horizon, past.values.shape[2]))
        return NormalForecast(zeros, zeros + 1)

    monkeypatch.setitem(BASELINES, "Zero", Baseline(zero))

    outcome = rnncli("evaluate", model, data, "--metrics", "MAE", "--fail-if", "worse than zero")

    assert outcome.code == 0
    assert outcome.table["model"].tolist() == ["rnncli", *BASELINES]
