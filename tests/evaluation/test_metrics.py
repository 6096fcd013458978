"""Metrics against utilsforecast, window by window."""

import numpy as np
import pandas as pd
import pytest
import utilsforecast.losses as oracle
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rnncli.evaluation import metrics
from rnncli.evaluation.metrics import Scored
from rnncli.evaluation.past_changes import seasonal_naive_errors

COUNT, HORIZON, SEASON = 4, 6, 3
numbers = st.floats(-100, 100).map(lambda value: round(value, 3))
arrays = hnp.arrays(np.float64, (COUNT, HORIZON, 1), elements=numbers)
LEVELS = np.array([0.025, *np.arange(1, 10) / 10, 0.975])


def scored(actual: np.ndarray, point: np.ndarray, errors: np.ndarray | None = None) -> Scored:
    quantiles = point[..., None] + 25 * (LEVELS - 0.5)
    scale = np.ones((COUNT, 1)) if errors is None else errors
    return Scored(actual, point, quantiles, LEVELS, scale, scale**2)


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

    assert metrics.mae(ours).ratio == pytest.approx(oracle.mae(table, ["m"])["m"].mean(), abs=1e-6)
    assert metrics.rmse(ours).ratio == pytest.approx(oracle.rmse(table, ["m"])["m"].mean(), abs=1e-6)


@given(arrays, arrays)
def test_smape_is_twice_that_of_utilsforecast_in_percent(actual: np.ndarray, point: np.ndarray) -> None:
    expected = 200 * oracle.smape(long(actual, point), ["m"])["m"].mean()

    assert metrics.smape(scored(actual, point)).ratio == pytest.approx(expected, abs=1e-6)


@given(arrays, arrays, hnp.arrays(np.float64, (COUNT, 20), elements=numbers))
def test_mase_is_that_of_utilsforecast(actual: np.ndarray, point: np.ndarray, past: np.ndarray) -> None:
    errors = np.concatenate([seasonal_naive_errors(series[:, None], SEASON, np.array([20])) for series in past])
    train = pd.DataFrame({"unique_id": np.repeat(np.arange(COUNT), 20), "ds": np.tile(np.arange(20), COUNT)})
    expected = oracle.mase(long(actual, point), ["m"], SEASON, train.assign(y=past.reshape(-1)))["m"].to_numpy()

    known = errors[:, 0] > 1e-6
    errors[~known] = np.nan

    ours = metrics.mase(scored(actual, point, errors)).ratio
    assert (not known.any()) or ours == pytest.approx(expected[known].mean(), rel=1e-6)


@given(arrays, arrays)
def test_coverage_is_that_of_utilsforecast(actual: np.ndarray, point: np.ndarray) -> None:
    expected = oracle.coverage(long(actual, point), ["m"], 80)["m"].mean()

    assert metrics.coverage(scored(actual, point), 80).ratio == pytest.approx(expected)


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

    assert np.isnan(metrics.quantile_loss(ours).ratio) if total == 0 else True
    assert total == 0 or metrics.quantile_loss(ours).ratio == pytest.approx(np.mean(losses) / total)


@given(arrays, arrays, st.integers(0, HORIZON - 1))
def test_unknown_values_are_skipped(actual: np.ndarray, point: np.ndarray, step: int) -> None:
    holed = actual.copy()
    holed[:, step] = np.nan
    rest = np.delete(np.arange(HORIZON), step)

    for metric in metrics.METRICS.values():
        whole = metric(scored(actual[:, rest], point[:, rest])).ratio
        assert metric(scored(holed, point)).ratio == pytest.approx(whole, nan_ok=True)


def test_every_metric_says_what_it_is() -> None:
    every = [*metrics.METRICS, *metrics.INTERVALS, metrics.OWA]

    assert all(text and "\n" not in text for text in metrics.definitions(every).values())


@given(arrays, arrays, hnp.arrays(np.float64, (COUNT, 1), elements=st.floats(0.5, 20)))
def test_squared_errors_are_those_of_utilsforecast(actual: np.ndarray, point: np.ndarray, errors: np.ndarray) -> None:
    table = long(actual, point)
    train = squares_before(errors)

    assert metrics.mse(scored(actual, point)).ratio == pytest.approx(oracle.mse(table, ["m"])["m"].mean(), abs=1e-9)
    expected = oracle.rmsse(table, ["m"], seasonality=1, train_df=train)["m"].mean()
    assert metrics.rmsse(scored(actual, point, errors)).ratio == pytest.approx(expected, abs=1e-9)


def squares_before(errors: np.ndarray) -> pd.DataFrame:
    """A past of each series whose naive error is that of errors (N, 1): up and down by it."""
    ids = np.repeat(np.arange(COUNT), 5)
    ups = np.tile([0.0, 1, 0, 1, 0], COUNT) * np.repeat(errors[:, 0], 5)
    return pd.DataFrame({"unique_id": ids, "ds": np.tile(np.arange(5), COUNT), "y": ups})


@given(arrays, arrays, hnp.arrays(np.float64, (COUNT, 1), elements=st.floats(0.5, 20)))
def test_the_interval_score_is_that_of_winkler_over_the_season_error(
    actual: np.ndarray, point: np.ndarray, errors: np.ndarray
) -> None:
    expected = oracle.winkler_score(long(actual, point), ["m"], 80)["m"].to_numpy() / errors[:, 0]

    ours = metrics.interval_score(scored(actual, point, errors), 80)

    assert ours.ratio == pytest.approx(expected.mean())


@given(arrays, arrays)
def test_the_width_is_that_of_the_interval(actual: np.ndarray, point: np.ndarray) -> None:
    assert metrics.width(scored(actual, point), 80).ratio == pytest.approx(20)


@given(arrays, arrays)
def test_the_overall_weighted_average_of_a_method_against_itself_is_one(actual: np.ndarray, point: np.ndarray) -> None:
    row = {
        name: np.array(part.ratio) for name, part in metrics.parts(scored(actual, point), ["sMAPE", "MASE"], ()).items()
    }

    assert metrics.owa(row, row) == pytest.approx(1.0) or (actual == point).all()


def test_a_method_without_quantiles_has_no_quantile_loss_instead_of_none_at_all() -> None:
    actual = np.ones((COUNT, HORIZON, 1))

    assert np.isnan(metrics.quantile_loss(scored(actual, actual * np.nan)).ratio)


def test_columns_of_intervals_are_told_from_others_by_the_table_of_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(metrics.METRICS, "coverage-error", metrics.mae)
    columns = metrics.columns([*metrics.every_name(), "coverage-error"], (80.0, 97.5))

    assert metrics.coverages(columns) == {"coverage-80": 80.0, "coverage-97.5": 97.5}
    assert metrics.interval_of("width-97.5") == ("width", 97.5)
    assert metrics.interval_of("MASE") is None
