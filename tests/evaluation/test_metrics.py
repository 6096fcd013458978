"""Metrics against utilsforecast, window by window."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import utilsforecast.losses as oracle
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli.config.metrics import TRAINING_METRICS, MetricName
from rnncli.evaluation import metrics
from rnncli.evaluation.past_changes import seasonal_naive_errors
from rnncli.evaluation.window_errors import EvaluatedForecast, MetricTerms, mean_ratio
from tests.conftest import Command

COUNT, HORIZON, SEASON = 4, 6, 3
numbers = st.floats(-100, 100).map(lambda value: round(value, 3))
arrays = hnp.arrays(np.float64, (COUNT, HORIZON, 1), elements=numbers)
LEVELS = np.array([0.025, *np.arange(1, 10) / 10, 0.975])


def scored(actual: np.ndarray, point: np.ndarray, errors: np.ndarray | None = None) -> EvaluatedForecast:
    quantiles = point[..., None] + 25 * (LEVELS - 0.5)
    scale = np.ones((COUNT, 1)) if errors is None else errors
    return EvaluatedForecast(actual, point, quantiles, LEVELS, scale, scale**2)


def long(actual: np.ndarray, point: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(COUNT), HORIZON),
            "ds": np.tile(np.arange(HORIZON), COUNT),
            "y": actual.reshape(-1),
            "m": point.reshape(-1),
            "m-lo-80": point.reshape(-1) - 10,
            "m-hi-80": point.reshape(-1) + 10,
        }
    )


@given(arrays, arrays)
def test_absolute_and_squared_errors_are_those_of_utilsforecast(actual: np.ndarray, point: np.ndarray) -> None:
    table, ours = long(actual, point), scored(actual, point)

    assert metrics.mae(ours).score == pytest.approx(oracle.mae(table, ["m"])["m"].mean(), abs=1e-6)
    assert metrics.rmse(ours).score == pytest.approx(oracle.rmse(table, ["m"])["m"].mean(), abs=1e-6)


@given(arrays, arrays)
def test_smape_is_twice_that_of_utilsforecast_in_percent(actual: np.ndarray, point: np.ndarray) -> None:
    expected = 200 * oracle.smape(long(actual, point), ["m"])["m"].mean()

    assert metrics.smape(scored(actual, point)).score == pytest.approx(expected, abs=1e-6)


@given(arrays, arrays, hnp.arrays(np.float64, (COUNT, 20), elements=numbers))
def test_mase_is_that_of_utilsforecast(actual: np.ndarray, point: np.ndarray, past: np.ndarray) -> None:
    errors = np.concatenate([seasonal_naive_errors(series[:, None], SEASON, np.array([20])) for series in past])
    train = pd.DataFrame({"unique_id": np.repeat(np.arange(COUNT), 20), "ds": np.tile(np.arange(20), COUNT)})
    expected = oracle.mase(long(actual, point), ["m"], SEASON, train.assign(y=past.reshape(-1)))["m"].to_numpy()

    known = errors[:, 0] > 1e-6
    errors[~known] = np.nan

    ours = metrics.mase(scored(actual, point, errors)).score
    assert (not known.any()) or ours == pytest.approx(expected[known].mean(), rel=1e-6)


@given(arrays, arrays)
def test_coverage_is_that_of_utilsforecast(actual: np.ndarray, point: np.ndarray) -> None:
    expected = oracle.coverage(long(actual, point), ["m"], 80)["m"].mean()

    assert metrics.coverage(scored(actual, point), 80).score == pytest.approx(expected)


@given(arrays, arrays)
def test_quantile_loss_is_the_sum_over_the_sum_at_the_tenths_alone(actual: np.ndarray, point: np.ndarray) -> None:
    ours = scored(actual, point)
    assert ours.quantiles is not None
    losses = [
        2 * np.maximum(level * (actual - f), (level - 1) * (actual - f)).sum()
        for level, f in zip(LEVELS, np.moveaxis(ours.quantiles, -1, 0), strict=True)
        if 0.05 < level < 0.95
    ]
    total = np.abs(actual).sum()

    assert np.isnan(metrics.weighted_quantile_loss(ours).score) if total == 0 else True
    assert total == 0 or metrics.weighted_quantile_loss(ours).score == pytest.approx(np.mean(losses) / total)


@given(arrays, arrays, st.integers(0, HORIZON - 1))
def test_unknown_values_are_skipped(actual: np.ndarray, point: np.ndarray, step: int) -> None:
    holed = actual.copy()
    holed[:, step] = np.nan
    rest = np.delete(np.arange(HORIZON), step)

    for metric in metrics.METRICS.values():
        if metric.of_windows is not None:
            whole = metric.of_windows(scored(actual[:, rest], point[:, rest])).score
            assert metric.of_windows(scored(holed, point)).score == pytest.approx(whole, nan_ok=True)


def test_each_metric_has_one_function_and_a_formula_in_one_line() -> None:
    for name, metric in metrics.METRICS.items():
        kinds = metric.of_windows, metric.of_intervals, metric.derived
        assert metric.name == name
        assert sum(kind is not None for kind in kinds) == 1
        assert metric.formula
        assert "\n" not in metric.formula


def test_each_training_metric_has_one_metric_of_evaluation() -> None:
    for name in get_args(MetricName):
        assert metrics.training_metric(name).training == name
    trained = [metric.training for metric in metrics.METRICS.values() if metric.training]
    assert len(trained) == len(set(trained)) == len(TRAINING_METRICS) - 1  # the quantile loss is not shown


def test_the_list_of_metrics_needs_no_numpy() -> None:
    code = "import sys, rnncli.evaluation.metrics; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_row_is_all_that_a_new_metric_needs(
    rnncli: Command, model: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def largest(forecast: EvaluatedForecast) -> MetricTerms:
        return forecast.mean(abs(forecast.errors).max(axis=1, keepdims=True) + forecast.actual * 0)

    monkeypatch.setitem(metrics.METRICS, "MaxAE", metrics.Metric("MaxAE", "mean over windows of max |y - f|", largest))

    outcome = rnncli("evaluate", model, data, "--metrics", "maxae,mae", "--explain", "--fail-if", "maxae > 0")

    assert outcome.code == 6
    assert (outcome.table["MaxAE"] > outcome.table["MAE"]).all()
    assert "MaxAE: mean over windows of max |y - f|" in outcome.err
    assert "MaxAE > 0" in outcome.err.replace("maxae", "MaxAE")
    assert rnncli("evaluate", model, data, "--metrics", "maxae", "--fail-if", "worse than naive").code == 0


def test_a_row_is_all_that_a_new_derived_metric_needs(
    rnncli: Command, model: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relative = metrics.Metric("rMAE", "MAE / MAE of Naive2", derived=metrics.RelativeMean(("MAE",), metrics.NAIVE2))
    monkeypatch.setitem(metrics.METRICS, "rMAE", relative)

    table = rnncli("evaluate", model, data, "--metrics", "rmae,mae").table.set_index("model")

    errors = table["MAE"].to_dict()
    assert table["rMAE"].to_dict() == pytest.approx({method: mae / errors["Naive2"] for method, mae in errors.items()})


@given(arrays, arrays, hnp.arrays(np.float64, (COUNT, 1), elements=st.floats(0.5, 20)))
def test_squared_errors_are_those_of_utilsforecast(actual: np.ndarray, point: np.ndarray, errors: np.ndarray) -> None:
    table = long(actual, point)
    train = squares_before(errors)

    assert metrics.mse(scored(actual, point)).score == pytest.approx(oracle.mse(table, ["m"])["m"].mean(), abs=1e-9)
    expected = oracle.rmsse(table, ["m"], seasonality=1, train_df=train)["m"].mean()
    assert metrics.rmsse(scored(actual, point, errors)).score == pytest.approx(expected, abs=1e-9)


def squares_before(errors: np.ndarray) -> pd.DataFrame:
    """Return a past of each series with the given naive errors (N, 1)."""
    ids = np.repeat(np.arange(COUNT), 5)
    ups = np.tile([0.0, 1, 0, 1, 0], COUNT) * np.repeat(errors[:, 0], 5)
    return pd.DataFrame({"unique_id": ids, "ds": np.tile(np.arange(5), COUNT), "y": ups})


@given(arrays, arrays, hnp.arrays(np.float64, (COUNT, 1), elements=st.floats(0.5, 20)))
def test_the_interval_score_is_that_of_winkler_over_the_season_error(
    actual: np.ndarray, point: np.ndarray, errors: np.ndarray
) -> None:
    expected = oracle.winkler_score(long(actual, point), ["m"], 80)["m"].to_numpy() / errors[:, 0]

    ours = metrics.interval_score(scored(actual, point, errors), 80)

    assert ours.score == pytest.approx(expected.mean())


@given(arrays, arrays)
def test_the_width_is_that_of_the_interval(actual: np.ndarray, point: np.ndarray) -> None:
    assert metrics.width(scored(actual, point), 80).score == pytest.approx(20)


@given(arrays, arrays)
def test_the_overall_weighted_average_of_a_method_against_itself_is_one(actual: np.ndarray, point: np.ndarray) -> None:
    row = [np.array(terms.score) for terms in metrics.terms(scored(actual, point), ["sMAPE", "MASE"], ()).values()]

    assert mean_ratio(row, row) == pytest.approx(1.0) or (actual == point).all()


def test_the_quantile_loss_of_a_method_without_quantiles_is_nan() -> None:
    actual = np.ones((COUNT, HORIZON, 1))

    assert np.isnan(metrics.weighted_quantile_loss(scored(actual, actual * np.nan)).score)


def test_interval_columns_are_recognised_by_their_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    error = metrics.Metric("coverage-error", "mean |y - f|", metrics.mae)
    monkeypatch.setitem(metrics.METRICS, "coverage-error", error)
    columns = metrics.columns(metrics.METRICS, (80.0, 97.5))

    assert metrics.nominal_coverages([*columns, "coverage-x"]) == {"coverage-80": 80.0, "coverage-97.5": 97.5}
    assert metrics.metric_of("width-97.5") == metrics.METRICS["width"]
    assert metrics.metric_of("coverage-error") == error
    assert metrics.metric_of("MASE-80") is None
